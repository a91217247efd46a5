"""Names what is shipped inside evalkit by its place in the package, wherever evalkit is installed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import evalkit
from evalkit.api.records import JSON


def without_installation(settings: JSON) -> JSON:
    """The same settings with `evalkit:student/mini/…` in place of absolute paths into this installation.

    So two installations of one version mean the same by the same command. A path elsewhere stays as it is.
    """
    if isinstance(settings, dict):
        return {key: without_installation(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [without_installation(value) for value in settings]
    return packaged_name(settings) if isinstance(settings, str) and settings.startswith("/") else settings


def packaged_name(path: str) -> str:
    """`evalkit:<path inside the package>`, or `path` itself if it is not in there."""
    given = Path(path).resolve()
    for folder, name in _folders().items():
        if given.is_relative_to(folder):
            return f"evalkit:{name}{given.relative_to(folder).as_posix()}"
    return path


@cache
def _folders() -> dict[Path, str]:
    """Where the package and its rooms lie (in a checkout the rooms are beside it), and their names in it."""
    home = Path(evalkit.__file__).resolve().parent
    rooms = {each.resolve(): f"{each.name}/" for each in home.iterdir() if each.is_dir()}
    return {**rooms, home: ""}
