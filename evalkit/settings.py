"""The base of every settings model (ground floor): strict keys, and paths that resolve against the config file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo


class Settings(BaseModel):
    """Settings of a plug-in or of the run: unknown keys are refused, values can't be changed afterwards.

    `primary` names the field that a bare value sets: `folder:/pictures` is `{use: folder, path: /pictures}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def _resolve(path: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("base", Path.cwd())
    return (Path(base) / path.expanduser()).resolve()


ResolvedPath = Annotated[Path, AfterValidator(_resolve)]
"""A path that is relative to the file it was written in (to the working folder on the command line)."""
