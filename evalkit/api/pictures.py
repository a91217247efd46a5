"""Reads and writes image files safely: any file may be broken or hostile.

Judges and metrics see 8-bit sRGB of shape (H, W, 3): alpha is composited on white, 16-bit, palette and CMYK images are
converted, colour profiles are applied, and so is the EXIF orientation. Of an animation, or of a camera's
several pictures in one file, they see the first. `evalkit.api.decoding` has the limits.

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
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from evalkit.api.decoding import MAX_PIXELS as MAX_PIXELS
from evalkit.api.decoding import Decoded as Decoded
from evalkit.api.decoding import Pixels as Pixels
from evalkit.api.decoding import decode as decode
from evalkit.api.errors import PictureError
from evalkit.api.picture_files import SUFFIXES as FORMATS

MAX_BYTES = 400_000_000
__all__ = ["FORMATS", "MAX_BYTES", "MAX_PIXELS", "Decoded", "Picture", "Pixels", "decode", "encode_png", "read_file"]


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
        """`PNG`, `JPEG` or `WEBP`; a camera's multi-picture file is a `JPEG`."""
        return self.decoded.format

    @classmethod
    def from_pixels(cls, pixels: Pixels) -> Picture:
        """A picture from (H, W, 3) uint8 pixels, kept in memory as PNG: for controls and tests."""
        data = encode_png(pixels)
        return cls(hashlib.sha256(data).hexdigest(), data)


def read_file(path: Path) -> bytes:
    """The bytes of an image file, bounded in size.

    Raises `PictureError` if it is missing, empty, too large, or no regular file: a device, a FIFO or a socket is never
    waited for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                raise PictureError("no regular file; not read", where=str(path))
            if state.st_size > MAX_BYTES:
                size = state.st_size / 1e6
                raise PictureError(f"file of {size:.0f} MB, at most {MAX_BYTES / 1e6:.0f} MB", where=str(path))
            return file.read(MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        said = error.strerror if isinstance(error, OSError) else None
        raise PictureError(f"can't be read: {said or error}", where=str(path)) from error


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
