"""Resolves paths that a suite names. They are relative to the suite's folder and never leave it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from evalkit.api.errors import SuiteError


def path_inside(folder: Path, name: str, *, where: str) -> Path:
    """The absolute path of `name` in `folder`, symlinks resolved; it need not exist.

    Raises:
        SuiteError: `name` is empty, absolute, holds `..` or a NUL, or leads out of the folder through a symlink.
    """
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    odd = not name or "\0" in name or posix.is_absolute() or bool(windows.anchor)
    if odd or ".." in posix.parts or ".." in windows.parts:
        hint = "name the file relative to the folder of the suite, without '..'"
        raise SuiteError(f"path {name!r} leaves the suite's folder", where=where, hint=hint)
    try:
        root = folder.resolve()
        path = (root / name).resolve()
    except (OSError, RuntimeError) as error:
        raise SuiteError(f"path {name!r} can't be followed: {error}", where=where, hint="check the symlinks") from error
    if not path.is_relative_to(root):
        hint = "copy the file into the folder of the suite"
        raise SuiteError(f"path {name!r} is a link out of the suite's folder", where=where, hint=hint)
    return path
