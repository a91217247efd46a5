"""Reads and writes image files safely: any file may be broken or hostile.

Judges and metrics see 8-bit sRGB of shape (H, W, 3): alpha is composited on white, 16-bit and palette images are
converted, EXIF orientation is applied.

>>> import numpy as np
>>> picture = Picture.from_pixels(np.full((4, 6, 3), 200, np.uint8))
>>> picture.pixels.shape, picture.format
((4, 6, 3), 'PNG')
>>> decode(b"")
Traceback (most recent call last):
evalkit.api.errors.PictureError: empty file (0 bytes)
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.api.errors import PictureError

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]
"""RGB pixels: uint8 of shape (H, W, 3)."""

MAX_PIXELS = 64_000_000
"""Largest picture that is decoded: 64 Mpx is 192 MB, above any image model's output."""
MAX_BYTES = 400_000_000
FORMATS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}


@dataclass(frozen=True)
class Picture:
    """A picture: its hash, and its pixels, which are decoded on first use and then kept.

    `stored` is true for a file that is addressed by its hash: it is then hashed before its content is used, so that
    nothing that is said about an overwritten file is stored under the hash of another.
    """

    sha256: str
    source: Path | bytes
    stored: bool = False

    @cached_property
    def data(self) -> bytes:
        """The encoded file. Raises `PictureError` for a stored file whose content has changed."""
        data = self.source if isinstance(self.source, bytes) else read_file(self.source)
        if self.stored and hashlib.sha256(data).hexdigest() != self.sha256:
            raise PictureError("the file has changed since it was stored: its hash is another", where=self.where)
        return data

    @cached_property
    def decoded(self) -> Decoded:
        """Pixels, format and mode. Raises `PictureError` if the file can't be decoded."""
        return decode(self.data, where=self.where)

    @property
    def where(self) -> str:
        """What error messages call the picture: its file name, else the start of its hash."""
        return self.source.name if isinstance(self.source, Path) else self.sha256[:12]

    @property
    def pixels(self) -> Pixels:
        """(H, W, 3) uint8 sRGB, read-only. Raises `PictureError` if the file can't be decoded."""
        return self.decoded.pixels

    @property
    def format(self) -> str:
        """`PNG`, `JPEG` or `WEBP`."""
        return self.decoded.format

    @classmethod
    def from_pixels(cls, pixels: Pixels) -> Picture:
        """A picture from (H, W, 3) uint8 pixels, kept in memory as PNG: for controls and tests."""
        data = encode_png(pixels)
        return cls(hashlib.sha256(data).hexdigest(), data)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels of one file, (H, W, 3) uint8, and what they were before."""

    pixels: Pixels
    format: str
    mode: str


def read_file(path: Path) -> bytes:
    """The bytes of an image file, bounded in size. Raises `PictureError` if it is missing, empty or too large."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PictureError(f"file of {size / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} MB", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"can't be read: {error.strerror or error}", where=str(path)) from error


def decode(data: bytes, *, where: str = "", max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode PNG, JPEG or WebP.

    The size is checked from the header, before any pixel is allocated.

    Raises:
        PictureError: the data are empty, truncated, too large, or not an image of these formats.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not data:
        raise PictureError("empty file (0 bytes)", where=where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                image.verify()  # every chunk of a PNG to its end: `load` stops at the last pixel
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                width, height = image.size
                if width * height > max_pixels:
                    raise PictureError(_too_large(width, height, max_pixels), where=where)
                kind, mode = str(image.format), image.mode
                image.load()
                return Decoded(_to_rgb(ImageOps.exif_transpose(image)), kind, mode)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"too large to decode safely: {error}", where=where) from error
    except UnidentifiedImageError as error:
        raise PictureError("not a PNG, JPEG or WebP file", where=where) from error
    except Exception as error:  # decoders raise anything on hostile bytes: OSError, ValueError, SyntaxError, zlib.error
        raise PictureError(f"truncated or corrupt image: {error}", where=where) from error


def encode_png(pixels: Pixels) -> bytes:
    """PNG of (H, W, 3) uint8 pixels: lossless, no metadata, the same bytes for the same pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small WebP file and its size in px."""

    data: bytes
    width: int
    height: int


def thumbnail(data: bytes, edge: int, *, quality: int = 70) -> Thumbnail:
    """The picture, made smaller if its longer edge has more than `edge` px.

    Raises `PictureError` if it can't be decoded.
    """
    from PIL import Image

    image = Image.fromarray(decode(data).pixels)
    image.thumbnail((edge, edge), reducing_gap=1.5)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=2)
    return Thumbnail(buffer.getvalue(), *image.size)


def _too_large(width: int, height: int, limit: int) -> str:
    return f"{width}x{height} px is more than {limit / 1e6:.0f} Mpx; not decoded"


def _to_rgb(image: Image.Image) -> Pixels:
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        depth = np.asarray(image, dtype=np.float64)
        scale = 257.0 if image.mode.startswith("I;16") or depth.max(initial=0) > 255 else 1.0
        image = Image.fromarray(np.clip(np.nan_to_num(depth) / scale, 0, 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(ground, rgba)
    pixels = np.array(image.convert("RGB"), dtype=np.uint8)
    pixels.flags.writeable = False
    return pixels
