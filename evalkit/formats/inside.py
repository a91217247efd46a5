"""Resolves the files that a folder of pictures or a suite names: they stay in the folder, or in its own content store.

Data tools keep the content of files elsewhere and put links in their place. Such a link is followed where the store
belongs to the same folder:

    Hugging Face   <repository>/snapshots/<revision>/x.png -> <repository>/blobs/<hash>
    git-annex      <checkout>/x.png -> <checkout>/.git/annex/objects/…
    DVC            <checkout>/x.png -> <checkout>/.dvc/cache/…

Any other link out of the folder is refused, unless the user passes `--follow-links`: a link in a folder of somebody
else could make any file of this machine part of a report.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath


class OutsideError(Exception):
    """Why a name is not read, as a clause that follows it; `hint` says what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


class SpecialFileError(OutsideError):
    """It is a device, a FIFO or a socket, which could be waited for without end."""


_follow = False


def follow_links(on: bool) -> None:
    """Follow links to anywhere from now on in this process. Only the command line calls this."""
    global _follow
    _follow = on


def resolve_inside(folder: Path, name: str) -> Path:
    """The absolute path of `name` in `folder`, links resolved; it need not exist.

    Raises:
        OutsideError: `name` is empty, absolute, or holds `..` or a NUL, or it is a link out of the folder and its
            content store.
        SpecialFileError: it is a device, a FIFO or a socket.
    """
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    odd = not name or "\0" in name or posix.is_absolute() or bool(windows.anchor)
    if odd or ".." in posix.parts or ".." in windows.parts:
        raise OutsideError("leaves its folder", "name the file relative to its folder, without '..'")
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        special = _is_special(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise OutsideError(f"can't be followed: {error}", "check the links") from error
    if special:
        raise SpecialFileError("is no regular file but a device, a FIFO or a socket; not read")
    if not _follow and not path.is_relative_to(root) and not any(path.is_relative_to(s) for s in _stores(root)):
        hint = "copy the file into the folder; if you trust the links in it, pass --follow-links"
        raise OutsideError("is a link out of its folder; not read", hint)
    return path


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _stores(root: Path) -> Iterator[Path]:
    """The content stores of the repository or checkout that `root` lies in, as real paths."""
    for place in (root, *root.parents):
        if place.parent.name == "snapshots" and (place.parent.parent / "snapshots").is_dir():
            blobs = place.parent.parent / "blobs"
            if blobs.is_dir() and not blobs.is_symlink():
                yield blobs
        git = place / ".git"
        if git.exists():  # in a submodule, git-annex makes it a link to the folder of the repository
            home = git.resolve()
            ours = home == git or any(home.is_relative_to(above / ".git" / "modules") for above in place.parents)
            objects = home / "annex" / "objects"
            if ours and objects.is_dir() and objects == objects.resolve():
                yield objects
        cache = place / ".dvc" / "cache"
        if cache.is_dir() and cache == cache.resolve():
            yield cache
        if git.exists() or (place / ".dvc").is_dir():
            return
