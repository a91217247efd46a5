"""Where what is made once and used again is kept (ground floor)."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$EVALKIT_CACHE`, else `evalkit` below `$XDG_CACHE_HOME` or `~/.cache`; it need not exist."""
    own = os.environ.get("EVALKIT_CACHE")
    if own and own != "none":
        return Path(own).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "evalkit"
