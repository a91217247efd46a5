"""The folder in which evalkit keeps what several runs share: pictures, verdicts, fetched files."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path


def cache_folder() -> Path:
    """`$EVALKIT_CACHE`, else `evalkit` in `$XDG_CACHE_HOME` or `~/.cache`. The folder may not exist yet.

    It may be impossible to create it: whoever uses it goes on without, or with `private_folder()`.
    """
    own = os.environ.get("EVALKIT_CACHE")
    if own and own != "none":
        return Path(own).expanduser().resolve()
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "evalkit"
    except RuntimeError:  # a user without a home
        return private_folder()


@cache
def private_folder() -> Path:
    """A new folder below the system's temporary folder, for this process alone."""
    return Path(tempfile.mkdtemp(prefix="evalkit-"))
