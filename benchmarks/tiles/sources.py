"""Source pictures of edit cases, as files addressed by their content."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from evalkit.api.cache_folder import cache_folder, private_folder
from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import encode_png
from evalkit.api.records import SourceImage
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.benchmarks.tiles.scene import TileScene

FOLDER = "tile-sources"


def cached_source(scene: TileScene) -> SourceImage:
    """Write the picture of `scene` to the cache folder and return it with an absolute path.

    Where the cache can't be written, a temporary folder takes its place.
    """
    try:
        return write_source(scene, cache_folder().absolute() / FOLDER)
    except UnavailableError:
        return write_source(scene, private_folder() / FOLDER)


def write_source(scene: TileScene, folder: Path) -> SourceImage:
    """Write the picture of `scene` to `folder`, whole or not at all. An existing file is not touched.

    Raises:
        UnavailableError: the folder can't be written.
    """
    data = encode_png(draw_tiles(scene))
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / f"{sha256[:24]}.png"
    try:
        if not (path.is_file() and path.read_bytes() == data):
            folder.mkdir(parents=True, exist_ok=True)
            _write(path, data)
    except OSError as error:
        hint = "set EVALKIT_CACHE to a folder that can be written"
        what = f"source pictures can't be written: {error.strerror or error}"
        raise UnavailableError(what, where=str(folder), hint=hint) from error
    return SourceImage(str(path), sha256)


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
