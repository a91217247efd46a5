"""The base class of every settings model: strict keys, and paths that resolve against the config file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo


class Settings(BaseModel):
    """Settings of a plug-in or of the run: a pydantic model that refuses unknown keys and can't be changed.

    >>> class SharpnessSettings(Settings):
    ...     primary = "radius"
    ...     radius: int = 3
    >>> SharpnessSettings.model_validate({"radius": 5}).radius
    5
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    primary: ClassVar[str] = ""
    """Name of the field that a bare value sets: with `path`, `folder:/pictures` means `{use: folder, path: /pictures}`.
    Empty: the plug-in takes no bare value."""


def _place(path: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("base", Path.cwd())
    placed = Path(os.path.abspath(Path(base) / with_home(path)))
    try:
        str(placed).encode()
    except UnicodeEncodeError as error:
        raise ValueError("a path that is not UTF-8, which no report can hold; rename the folder") from error
    return placed


def with_home(path: Path) -> Path:
    """The path with `~` and `~name` replaced by home folders. Raises `ValueError` where there is no such user."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"there is no home folder for {path.parts[0]}") from error


def _resolve(path: Path, info: ValidationInfo) -> Path:
    return Path(os.path.realpath(_place(path, info)))  # `resolve` raises where links lead in a circle


ResolvedPath = Annotated[Path, AfterValidator(_resolve)]
"""A path, made absolute: relative to the config file it stands in, or to the working folder on the command line."""

ProgramPath = Annotated[Path, AfterValidator(_place)]
"""The same for a program, without following links: the Python of a virtual environment is a link to another Python,
which does not see the packages of the environment."""
