"""Writes the pip command that installs evalkit, or one of its extras, the way this copy was installed.

Every place that advises an installation calls `install_line`. On PyPI the name `evalkit` belongs to somebody else, so
no line may name a package on an index: where pip has recorded no origin, the line has the address of the repository.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

DISTRIBUTION = "flash-evalkit"
"""The name of the distribution; the import and the command are called `evalkit`."""
REPOSITORY = "git+https://repository.invalid/OWNER/REPO"
"""Where evalkit comes from if pip has recorded no origin. A placeholder until the repository is published, on a domain
that nobody can register (RFC 2606)."""


def install_line(*extras: str) -> str:
    """The command that installs evalkit with these extras on this machine, quoted for a POSIX shell."""
    return _command(_origin(), extras)


def install_line_elsewhere(*extras: str) -> str:
    """The same for another machine, such as a CI runner: a folder or a file of this machine is no origin there."""
    origin = _origin()
    return _command({} if urlsplit(origin.get("url", "")).scheme == "file" else origin, extras)


def _command(origin: Mapping[str, Any], extras: tuple[str, ...]) -> str:
    """The command for an origin in the form of PEP 610's `direct_url.json`; for an empty one, the repository."""
    wanted = f"[{','.join(extras)}]" if extras else ""
    address = origin.get("url") or REPOSITORY
    if "dir_info" in origin:
        folder = url2pathname(urlsplit(address).path)
        option = "-e " if origin["dir_info"].get("editable") else ""
        return f"pip install {option}{shlex.quote(folder + wanted)}"
    if version_control := origin.get("vcs_info"):
        address = f"{version_control['vcs']}+{address}@{version_control['commit_id']}"
    if subfolder := origin.get("subdirectory"):
        address += f"#subdirectory={subfolder}"
    return f"pip install {shlex.quote(f'{DISTRIBUTION}{wanted} @ {address}')}"


@cache
def _origin() -> dict[str, Any]:
    """What pip recorded about this installation (PEP 610); empty if it came from an index or was not installed.

    A checkout that was built in has metadata of its own (`*.egg-info`), without an origin; it must not hide pip's.
    """
    recorded = (found.read_text("direct_url.json") for found in distributions(name=DISTRIBUTION))
    return next((dict(json.loads(text)) for text in recorded if text), {})
