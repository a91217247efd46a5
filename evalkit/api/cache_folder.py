"""The folder in which evalkit keeps what several runs share: pictures, verdicts, fetched files."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$EVALKIT_CACHE`, else `evalkit` in `$XDG_CACHE_HOME` or `~/.cache`. The folder may not exist yet."""
    own = os.environ.get("EVALKIT_CACHE")
    if own and own != "none":
        return Path(own).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "evalkit"
