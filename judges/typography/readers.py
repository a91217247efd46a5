"""Readers by name: entry points of the group `evalkit.readers`, ours and other people's alike.

An entry point names a class (or function) that is called with the number of threads and returns a `Reader`.
"""

from __future__ import annotations

from typing import cast

from evalkit.judges.typography.reader import Reader
from evalkit.plugins import registry


def load(name: str, threads: int) -> Reader:
    """The reader of that name.

    Raises:
        UnknownNameError: no such reader; names the nearest right one.
        UnavailableError: it is there but can't be imported.
    """
    return cast(Reader, registry.load("readers", name)(threads))
