"""Reads label files strictly, since people may have written them by hand; errors name the file and the entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from evalkit.api.errors import ConfigError
from evalkit.api.labels import FORMAT, SCHEMA, Label, LabelFile
from evalkit.api.records import JSON
from evalkit.formats.explain import explain
from evalkit.formats.keys import from_json
from evalkit.formats.strict_json import loads

MAX_BYTES = 200_000_000
"""Largest label file in bytes: about half a million labels."""
HINT = (
    f"`evalkit judge label` makes the page that writes such files; evalkit/studies/calibrate/{SCHEMA} is their schema"
)


class RatedLabel(NamedTuple):
    """A label, the name of the person who gave it, and its place (`file: labels[3]`)."""

    rater: str
    label: Label
    where: str


def read_labels(path: Path) -> LabelFile:
    """Read one label file.

    Raises:
        ConfigError: the file can't be read, or it is not a label file; names the wrong entry.
    """
    content = _content(path)
    version = content.pop("format_version", FORMAT)
    content.pop("$schema", None)
    if version != FORMAT:
        raise ConfigError(f"format_version {version!r}; this evalkit reads {FORMAT}", where=str(path), hint=HINT)
    entries = content.get("labels")
    if not isinstance(entries, list):
        raise ConfigError("`labels` is not a list", where=str(path), hint=HINT)
    labels = tuple(_label(entry, f"{path}: labels[{i}]") for i, entry in enumerate(entries))
    try:
        shell = from_json(LabelFile, {**content, "labels": []})
    except ValidationError as error:
        what, hint = explain(error, LabelFile)
        raise ConfigError(what, where=str(path), hint=hint) from error
    return LabelFile(shell.rater, labels, shell.sampling, shell.benchmark, shell.run_digest, shell.created)


def gather(files: Mapping[Path, LabelFile]) -> Sequence[RatedLabel]:
    """Collect the labels of all files.

    Raises:
        ConfigError: a person labelled the same picture and dimension twice; names both entries.
    """
    given: list[RatedLabel] = []
    seen: dict[tuple[object, ...], str] = {}
    for path, file in files.items():
        for i, label in enumerate(file.labels):
            where = f"{path}: labels[{i}]"
            pictures = frozenset((shown.role, shown.sha256) for shown in label.pictures)
            key = file.rater, label.case_id, label.seed, label.dimension, label.kind, pictures
            if key in seen:
                raise ConfigError(
                    f"{file.rater!r} labelled {label.dimension} of {label.case_id} twice, first at {seen[key]}",
                    where=where,
                    hint="give only the last file of each person, and different people different names",
                )
            seen[key] = where
            given.append(RatedLabel(file.rater, label, where))
    return given


def _content(path: Path) -> dict[str, JSON]:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(
                f"the file has {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read", where=str(path)
            )
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror or error}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("not UTF-8", where=str(path), hint="save the file as UTF-8") from error
    try:
        content = loads(text)
    except RecursionError as error:
        raise ConfigError("JSON nested too deeply", where=str(path), hint=HINT) from error
    except ValueError as error:
        raise ConfigError(f"bad JSON: {error}", where=str(path), hint="save the labels on the page again") from error
    if not isinstance(content, dict):
        raise ConfigError("not a label file: it is not a JSON object", where=str(path), hint=HINT)
    return content


def _label(entry: JSON, where: str) -> Label:
    if isinstance(entry, dict) and isinstance(entry.get("value"), bool):
        raise ConfigError("`value`: true and false are not answers", where=where, hint='write "yes", "no" or a level')
    try:
        return from_json(Label, entry)
    except ValidationError as error:
        what, hint = explain(error, Label)
        raise ConfigError(what, where=where, hint=hint) from error
