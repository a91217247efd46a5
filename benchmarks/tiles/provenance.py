"""The version of everything that determines the picture of a tile scene besides the scene itself."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("pillow", "numpy", "fontpkg-jetbrains-mono")


@lru_cache(maxsize=1)
def tiles_version() -> str:
    """Changes with the source of the tile scenes, with Pillow (its FreeType), NumPy, and with the font."""
    content = hashlib.sha256()
    scenes = Path(__file__).parent.parent / "scenes"
    for path in (*sorted(Path(__file__).parent.glob("*.py")), scenes / "fonts.py", scenes / "truth.py"):
        content.update(path.read_bytes())
    return f"{content.hexdigest()[:16]} {' '.join(f'{name}={version(name)}' for name in PACKAGES)}"
