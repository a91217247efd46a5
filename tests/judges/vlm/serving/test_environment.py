"""The search for the Python that has vLLM, and the repair of the CPU build."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.api.errors import UnavailableError
from evalkit.judges.vlm.serving import environment, install
from tests.judges.vlm.serving.conftest import Fake


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder and a project without `.venv-vllm`, and nothing on PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "_PROJECT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_without_vllm_the_hint_says_what_to_type(elsewhere: Path) -> None:
    with pytest.raises(UnavailableError, match="not found") as caught:
        environment.find(None)
    assert "make vllm" in caught.value.hint
    assert "--vllm-python" in caught.value.hint


def test_a_python_without_vllm_is_refused(elsewhere: Path) -> None:
    with pytest.raises(UnavailableError, match="no vLLM"):
        environment.find(Path(sys.executable))
    with pytest.raises(UnavailableError, match="can't be run"):
        environment.find(elsewhere / "nothing-here")


def test_the_folder_of_an_environment_is_accepted(elsewhere: Path, fake: Fake) -> None:
    (elsewhere / ".venv-vllm" / "bin").mkdir(parents=True)
    python = elsewhere / ".venv-vllm" / "bin" / "python"
    shutil.copy(fake.python, python)
    assert environment.find(None) == (python, "0.32.0")
    assert environment.find(elsewhere / ".venv-vllm") == (python, "0.32.0")


def test_the_vllm_on_path_names_its_python(elsewhere: Path, fake: Fake) -> None:
    command = elsewhere / "bin" / "vllm"
    command.parent.mkdir()
    command.write_text(f"#!{fake.python}\nimport sys\n")
    command.chmod(0o755)
    assert environment.find(None).path == fake.python


def test_a_vllm_that_is_too_old_is_refused(elsewhere: Path, fake: Fake) -> None:
    assert environment.find(fake.python, least="0.11.0").version == "0.32.0"
    with pytest.raises(UnavailableError, match=r"0\.32\.0, and this model needs 0\.40"):
        environment.find(fake.python, least="0.40")


def test_the_repaired_cpu_build_states_the_version_of_vllm(tmp_path: Path) -> None:
    install.mend(tmp_path)
    ask = (
        "import importlib.metadata as m, site, sys; site.addsitedir(sys.argv[1]); print(m.version('vllm'));"
        " print(sys.meta_path[0].__class__.__module__)"
    )
    said = subprocess.run(
        [sys.executable, "-S", "-c", ask, tmp_path], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.split() == [f"{install.VERSION}+cpu", "torchvision_cpu_hook"]
