"""Loads readers by name, from the entry points of the group `evalkit.readers`.

An entry point names a class or function that takes the number of threads and returns a `Reader`.
"""

from __future__ import annotations

from typing import cast

from evalkit.judges.typography.reader import Reader
from evalkit.plugins import registry


def load(name: str, threads: int) -> Reader:
    """The reader of that name.

    Raises:
        UnknownNameError: there is no such reader. The error names the nearest right one.
        UnavailableError: the reader can't be imported.
    """
    return cast(Reader, registry.load("readers", name)(threads))
