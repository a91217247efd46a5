"""Finds the image file of a case and seed in a folder, which is walked once.

No file outside of it is read, but for the content store that it belongs to (`evalkit.formats.inside`).
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evalkit.api.errors import ConfigError, GenerationError
from evalkit.api.records import JSON
from evalkit.formats.inside import OutsideError, SpecialFileError, resolve_inside
from evalkit.formats.strict_jsonl import read_jsonl

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp")
MANIFESTS = ("manifest.jsonl", "labels.jsonl")
_SEEDED = re.compile(r"(?P<id>.+)[/-](?P<seed>0|[1-9][0-9]{0,18})")


class Entry(NamedTuple):
    """One image: its path relative to the folder, and its NFE and seconds from the manifest."""

    path: str
    nfe: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FolderIndex:
    """Case id -> seed -> images, according to the manifest (`manifest`) and to the file names (`seeded`).

    `plain` holds the files without a seed in their name.
    """

    root: Path
    others: Counter[str]
    """Kind of the files that are no pictures (`.txt`, `.DS_Store`) -> number."""
    manifest: dict[str, dict[int, tuple[Entry, ...]]]
    seeded: dict[str, dict[int, tuple[Entry, ...]]]
    plain: dict[str, tuple[Entry, ...]]

    def find(self, case_id: str, seed: int) -> Entry | None:
        """The one image for `case_id` and `seed`, or `None`.

        The manifest takes precedence over file names. A file without a seed in its name is used for seed 0 if there is
        no other.

        Raises:
            GenerationError: several images match.
        """
        names = _names(case_id)
        matches = self.manifest.get(case_id, {}).get(seed, ())
        if not matches:
            matches = tuple(entry for name in names for entry in self.seeded.get(name, {}).get(seed, ()))
        if not matches and seed == 0:
            matches = tuple(entry for name in names for entry in self.plain.get(name, ()))
        if len(matches) > 1:
            found = ", ".join(sorted(entry.path for entry in matches))
            raise GenerationError(f"{len(matches)} images match case {case_id}, seed {seed}: {found}")
        return matches[0] if matches else None

    def entries(self, case_id: str) -> list[tuple[str, Entry]]:
        """Every image that could match `case_id` at any seed, each with the rule that matched it; sorted."""
        found = [(f"manifest {seed}", e) for seed, many in self.manifest.get(case_id, {}).items() for e in many]
        for name in _names(case_id):
            found += [(f"seed {seed}", e) for seed, many in self.seeded.get(name, {}).items() for e in many]
            found += [("plain", e) for e in self.plain.get(name, ())]
        return sorted(found)

    def resolve(self, entry: Entry) -> Path:
        """The file of `entry`.

        Raises:
            GenerationError: it is missing, is no regular file, or lies outside the folder (`..`, absolute, a link that
                leads neither into the folder nor into its content store).
        """
        try:
            path = resolve_inside(self.root, entry.path)
        except SpecialFileError as error:
            raise GenerationError(f"no such file in the image folder: it {error.what}", where=entry.path) from error
        except OutsideError as error:
            raise GenerationError(
                f"leaves the image folder: it {error.what} ({error.hint})", where=entry.path
            ) from error
        if not path.is_file():
            what = "a link to content that is not here" if (self.root / entry.path).is_symlink() else "no such file"
            raise GenerationError(f"{what} in the image folder", where=entry.path)
        return path


def build_index(root: Path) -> FolderIndex:
    """Walk `root` once (links to folders are not followed) and read its manifest.

    Memory: about two dict entries per image file.

    Raises:
        ConfigError: a line of the manifest can't be used; `where` is its file and line.
    """
    seeded: dict[str, dict[int, tuple[Entry, ...]]] = {}
    plain: dict[str, tuple[Entry, ...]] = {}
    others: Counter[str] = Counter()
    for relative in _image_files(root, others):
        entry = Entry(relative)
        name = os.path.splitext(relative)[0].removeprefix("images/")
        plain[name] = (*plain.get(name, ()), entry)
        if match := _SEEDED.fullmatch(name):
            by_seed = seeded.setdefault(match["id"], {})
            seed = int(match["seed"])
            by_seed[seed] = (*by_seed.get(seed, ()), entry)
    return FolderIndex(root, others, _read_manifest(root), seeded, plain)


def _names(case_id: str) -> list[str]:
    """The id as folders and the id as one file name (`/` as `-`); one name where they are the same."""
    return list(dict.fromkeys((case_id, case_id.replace("/", "-"))))


def _image_files(root: Path, others: Counter[str]) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise ConfigError(f"can't be listed: {error.strerror}", where=str(error.filename)) from error

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        inside = Path(folder).relative_to(root).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        for name in sorted(files):
            if name.lower().endswith(EXTENSIONS) and not name.startswith("."):
                yield prefix + name
            elif prefix + name not in MANIFESTS:
                others[os.path.splitext(name)[1].lower() or name] += 1


def _read_manifest(root: Path) -> dict[str, dict[int, tuple[Entry, ...]]]:
    path = next((root / name for name in MANIFESTS if (root / name).is_file()), None)
    entries: dict[str, dict[int, tuple[Entry, ...]]] = {}
    if path is None:
        return entries
    try:
        resolve_inside(root, path.name)
    except OutsideError as error:
        raise ConfigError(
            f"the manifest leaves the image folder: it {error.what}", where=str(path), hint=error.hint
        ) from error
    for where, _, record in read_jsonl(path, ConfigError):
        case_id, seed, entry = _parse_record(record, where)
        by_seed = entries.setdefault(case_id, {})
        if entry not in by_seed.get(seed, ()):
            by_seed[seed] = (*by_seed.get(seed, ()), entry)
    return entries


def _parse_record(record: JSON, where: str) -> tuple[str, int, Entry]:
    if not isinstance(record, dict):
        raise ConfigError("not a JSON object", where=where, hint='write {"id": "…", "image": "…"} on each line')
    return (
        _field(record, "id", str, where),
        _field(record, "seed", int, where, default=0),
        Entry(_field(record, "image", str, where), _nfe(record, where), _seconds(record, where)),
    )


def _nfe(record: dict[str, Any], where: str) -> int | None:
    nfe: int | None = _field(record, "nfe", int, where, default=None)
    if nfe is not None and nfe < 1:
        raise ConfigError(f"nfe {nfe} is not positive", where=where)
    return nfe


def _seconds(record: dict[str, Any], where: str) -> float | None:
    seconds: float | None = _field(record, "seconds", (int, float), where, default=None)
    if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
        raise ConfigError(f"seconds {seconds} is not a duration", where=where)
    return seconds


_REQUIRED = object()


def _field(record: dict[str, Any], key: str, kind: Any, where: str, *, default: Any = _REQUIRED) -> Any:
    value = record.get(key)
    if value is None:
        if default is _REQUIRED:
            raise ConfigError(f"no {key!r}", where=where, hint='write {"id": "…", "image": "…"} on each line')
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ConfigError(f"{key!r} is {value!r:.40}, which is of the wrong type", where=where)
    return value
