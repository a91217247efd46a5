"""The version of everything that determines a rendered picture besides its recipe."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from evalkit.benchmarks.scenes.fonts import PAIRS


@lru_cache(maxsize=1)
def renderer_version() -> str:
    """Changes with the source of the renderer and of its faults, with Pillow (and its FreeType), NumPy and any font."""
    content = hashlib.sha256()
    rooms = Path(__file__).parent, Path(__file__).parent.parent / "faults"
    for path in sorted(path for room in rooms for path in room.rglob("*.py")):
        content.update(path.read_bytes())
    families = {
        face.family for pairs in PAIRS.values() for pair in pairs for face in (pair.display, pair.body, pair.strong)
    }
    packages = ["pillow", "numpy", *(f"fontpkg-{family}" for family in sorted(families))]
    return f"{content.hexdigest()[:16]} {' '.join(f'{name}={_version(name)}' for name in packages)}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
