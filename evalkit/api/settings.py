"""The base of every settings model (ground floor): strict keys, and paths that resolve against the config file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo


class Settings(BaseModel):
    """Settings of a plug-in or of the run: unknown keys are refused, values can't be changed afterwards.

    `primary` names the field that a bare value sets: `folder:/pictures` is `{use: folder, path: /pictures}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def _place(path: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("base", Path.cwd())
    return Path(os.path.abspath(Path(base) / path.expanduser()))


def _resolve(path: Path, info: ValidationInfo) -> Path:
    return _place(path, info).resolve()


ResolvedPath = Annotated[Path, AfterValidator(_resolve)]
"""A path that is relative to the file it was written in (to the working folder on the command line)."""

ProgramPath = Annotated[Path, AfterValidator(_place)]
"""The same for a program. Links are kept: an environment's Python is one, to a Python without that one's packages."""
