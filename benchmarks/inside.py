"""Resolves paths that a suite names. They are relative to the suite's folder and never leave it."""

from __future__ import annotations

from pathlib import Path

from evalkit.api.errors import SuiteError
from evalkit.formats.inside import OutsideError, resolve_inside


def path_inside(folder: Path, name: str, *, where: str) -> Path:
    """The absolute path of `name` in `folder`, links resolved; it need not exist.

    Raises:
        SuiteError: `name` leaves the folder or is no regular file, as `evalkit.formats.inside` says.
    """
    try:
        return resolve_inside(folder, name)
    except OutsideError as error:
        raise SuiteError(f"path {name!r} {error.what}", where=where, hint=error.hint) from error
