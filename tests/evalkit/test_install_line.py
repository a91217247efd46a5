"""The command that installs evalkit follows from how this copy was installed, and no other place states one."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from evalkit.api import install
from evalkit.api.install import REPOSITORY, install_line, install_line_elsewhere
from evalkit.cli.init import command as init

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "1" * 40
ORIGINS: dict[str, tuple[dict[str, Any], str]] = {
    "editable": (
        {"url": "file:///home/me/my%20evalkit", "dir_info": {"editable": True}},
        "pip install -e '/home/me/my evalkit[vllm]'",
    ),
    "folder": ({"url": "file:///srv/evalkit", "dir_info": {}}, "pip install '/srv/evalkit[vllm]'"),
    "repository": (
        {"url": "https://git.example/us/evalkit", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        f"pip install 'flash-evalkit[vllm] @ git+https://git.example/us/evalkit@{COMMIT}'",
    ),
    "part of a repository": (
        {"url": "https://git.example/us/all", "subdirectory": "kit", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        f"pip install 'flash-evalkit[vllm] @ git+https://git.example/us/all@{COMMIT}#subdirectory=kit'",
    ),
    "wheel": (
        {"url": "https://files.example/flash_evalkit-1-py3-none-any.whl", "archive_info": {}},
        "pip install 'flash-evalkit[vllm] @ https://files.example/flash_evalkit-1-py3-none-any.whl'",
    ),
    "wheel on disk": (
        {"url": "file:///tmp/flash_evalkit-1-py3-none-any.whl", "archive_info": {}},
        "pip install 'flash-evalkit[vllm] @ file:///tmp/flash_evalkit-1-py3-none-any.whl'",
    ),
    "index": ({}, f"pip install 'flash-evalkit[vllm] @ {REPOSITORY}'"),
}


@pytest.fixture(params=sorted(ORIGINS))
def origin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """One way to have installed evalkit, and the line that follows from it."""
    recorded, line = ORIGINS[request.param]
    monkeypatch.setattr(install, "_origin", lambda: recorded)
    return recorded, line


def test_the_line_names_what_this_copy_was_installed_from(origin: tuple[dict[str, Any], str]) -> None:
    _, line = origin
    assert install_line("vllm") == line
    assert len(shlex.split(install_line("vllm", "fidelity"))) in (3, 4), "one requirement, quoted"
    assert "[" not in install_line()


def test_a_folder_of_this_machine_is_not_named_to_another_machine(origin: tuple[dict[str, Any], str]) -> None:
    recorded, line = origin
    elsewhere = install_line_elsewhere("vllm")
    assert "file:" not in elsewhere
    if recorded.get("url", "file:").startswith("file:"):
        assert elsewhere == f"pip install 'flash-evalkit[vllm] @ {REPOSITORY}'"
    else:
        assert elsewhere == line


def test_metadata_of_a_checkout_does_not_hide_what_pip_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name in (("checkout", "flash_evalkit.egg-info"), ("site", "flash_evalkit-0.1.0.dist-info")):
        metadata = tmp_path / folder / name
        metadata.mkdir(parents=True)
        (metadata / ("PKG-INFO" if folder == "checkout" else "METADATA")).write_text(
            "Name: flash-evalkit\nVersion: 1\n"
        )
    (metadata / "direct_url.json").write_text(json.dumps({"url": "file:///srv/evalkit", "dir_info": {}}))
    monkeypatch.setattr("sys.path", [str(tmp_path / "checkout"), str(tmp_path / "site")])
    assert install._origin.__wrapped__() == {"url": "file:///srv/evalkit", "dir_info": {}}


def test_the_workflow_of_init_installs_what_its_config_needs(
    origin: tuple[dict[str, Any], str], tmp_path: Path
) -> None:
    done = CliRunner().invoke(init, [str(tmp_path)])
    assert done.exit_code == 0
    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "evalkit.yml").read_text("utf-8"))
    lines = [step["run"].strip() for step in workflow["jobs"]["judge"]["steps"] if "run" in step]
    assert lines[0] == install_line_elsewhere("diffusers", "vllm")
    assert (REPOSITORY in done.output) == (REPOSITORY in lines[0]), "a placeholder in the workflow is pointed out"


def test_every_extra_that_is_advised_exists() -> None:
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
    calls = re.compile(r"install_line(?:_elsewhere)?\(([^)]*)\)")
    advised = {
        name
        for path, text in tracked("*.py")
        if not path.startswith("tests/")
        for arguments in calls.findall(text)
        for name in re.findall(r'"([\w-]+)"', arguments)
    }
    assert {"diffusers", "fidelity", "leaderboard", "vllm"} <= advised <= extras


def test_no_other_place_advises_an_installation() -> None:
    for path, text in tracked("*.py", "*.j2", "*.js", "*.yml", "*.yaml"):
        if path.startswith("tests/") or path in ("evalkit/api/install.py", "action.yml"):
            continue
        assert "pip install" not in text, f"{path}: call evalkit.api.install.install_line instead"


def test_nothing_installs_somebody_elses_evalkit() -> None:
    from_an_index = re.compile(r"""pip install[^\n`]*[\s'"](?:flash-)?evalkit(?:\[[\w,-]*\])?(?![-\w\[]| @ )""")
    assert from_an_index.search("pip install -U 'evalkit[vllm]'")  # what nobody may write: the pattern finds it
    assert not from_an_index.search("pip install 'flash-evalkit[vllm] @ git+https://git.example/evalkit'")
    for path, text in tracked():
        if path not in ("CHANGELOG.md", "tests/evalkit/test_install_line.py"):
            assert not from_an_index.search(text), path


def tracked(*patterns: str) -> Iterator[tuple[str, str]]:
    """Path and text of the files of this repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 2_000_000:
            yield name, path.read_text("utf-8", errors="ignore")
