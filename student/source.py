"""Reads the source picture of an edit case and checks it against the hash in the case."""

from __future__ import annotations

import hashlib
from pathlib import Path

from evalkit.api.errors import GenerationError
from evalkit.api.pictures import read_file
from evalkit.api.records import Case


def read_source(case: Case) -> bytes:
    """The encoded source picture of `case`.

    Raises:
        GenerationError: the case has no source picture, or the file has another hash.
        PictureError: the file is missing or too large.
    """
    if case.source is None:
        raise GenerationError("the case has no source picture", where=case.id)
    data = read_file(Path(case.source.path))
    found = hashlib.sha256(data).hexdigest()
    if found != case.source.sha256:
        raise GenerationError(
            f"source picture has changed: sha256 {found[:12]}…, the case says {case.source.sha256[:12]}…",
            where=case.source.path,
        )
    return data
