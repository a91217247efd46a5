"""Reference sets: folders of pictures that metrics compare with. They are looked through before any work starts.

Folders of pictures hold more than pictures: previews and notes of operating systems, lists, readmes. These are skipped
and counted. A picture that is broken is named, and the figure is worked out without it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.api.decoding import check_limits
from evalkit.api.errors import ConfigError, PictureError
from evalkit.api.picture_files import SUFFIXES, read_header
from evalkit.api.pictures import Picture, read_file
from evalkit.engine.plan import Plan
from evalkit.formats.foreign_text import readable
from evalkit.formats.inside import OutsideError, resolve_inside

PICTURES = (*SUFFIXES.values(), ".jpeg")
_NAMED = 10
"""So many broken pictures are named one by one."""


@dataclass
class ReferenceSet:
    """The pictures of a folder.

    Args:
        folder: that was looked through.
        files: its pictures, sorted.
        broken: name in the folder -> why that picture can't be used.
        others: kind of the files that are no pictures (`.txt`, `.DS_Store`) -> number.
        lost: files that turned out to be broken only when they were decoded.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    lost: set[Path] = field(default_factory=set)

    def pictures(self) -> Iterator[tuple[str, Picture]]:
        """(name, decoded picture) of each that can be decoded; the others are `lost`."""
        for path in self.files:
            picture = Picture(str(path), path)
            try:
                _ = picture.pixels  # a header can be fine where the pixels are not
            except PictureError:
                self.lost.add(path)
                continue
            yield path.name, picture

    def left_out(self) -> str:
        """The broken pictures in one clause; empty if there are none."""
        names = [*self.broken, *(readable(path.name) for path in sorted(self.lost))]
        more = ", …" if len(names) > _NAMED else ""
        return (
            f"{len(names)} broken reference pictures are left out: {', '.join(names[:_NAMED])}{more}" if names else ""
        )

    def in_words(self) -> list[str]:
        """What was found, one line for each broken picture."""
        name = readable(self.folder.name)
        lines = [f"reference {name}: {where}: {why}; left out" for where, why in [*self.broken.items()][:_NAMED]]
        if len(self.broken) > _NAMED:
            lines.append(f"reference {name}: {len(self.broken) - _NAMED} more broken pictures are left out")
        if self.others:
            kinds = ", ".join(f"{readable(kind, 40)} ({n})" for kind, n in self.others.most_common(5))
            lines.append(f"reference {name}: {self.others.total()} files that are no pictures are skipped: {kinds}")
        return lines


def read_references(plan: Plan) -> dict[Path, ReferenceSet]:
    """The reference sets of a plan by folder.

    Raises:
        ConfigError: a folder can't be listed, or holds no picture that can be used.
    """
    found: dict[Path, ReferenceSet] = {}
    for metric in plan.metrics:
        folder = metric.reference
        if folder is not None and folder not in found:
            found[folder] = _looked_through(folder)
            if not found[folder].files:
                why = next(iter(found[folder].in_words()), "it is empty")
                raise ConfigError(f"no picture that the metric `{metric.name}` could use ({why})", where=str(folder))
    return found


def _looked_through(root: Path) -> ReferenceSet:
    found = ReferenceSet(root)

    def refuse(error: OSError) -> None:
        raise ConfigError(f"can't be listed: {error.strerror}", where=str(error.filename)) from error

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for path in (Path(folder) / name for name in sorted(names)):
            if path.name.startswith(".") or path.suffix.lower() not in PICTURES:
                found.others["._…" if path.name.startswith("._") else path.suffix.lower() or path.name] += 1
                continue
            inside = path.relative_to(root).as_posix()
            try:
                check_limits(read_header(read_file(resolve_inside(root, inside))))
                found.files.append(path)
            except PictureError as error:
                found.broken[readable(inside)] = readable(error.what)
            except OutsideError as error:
                found.broken[readable(inside)] = f"{error.what} ({error.hint})" if error.hint else error.what
    return found
