"""The one decode of evalkit: bytes of a PNG, JPEG or WebP file -> 8-bit sRGB pixels, within fixed limits.

    header (picture_files) ─▶ limits ─▶ Pillow ─▶ strips: 16 bit, palette, profile, alpha ─▶ pixels, upright

Limits, checked from the header before any pixel is allocated: `MAX_PIXELS`, and for JPEG `MAX_SCANS` and `MAX_WORK`,
because every scan of a progressive JPEG costs a pass over all pixels, however few bytes it has; `CPU_SECONDS` stops
what still takes too long. Pictures above `LARGE` are decoded one at a time in a process.

Peak memory for 64 Mpx (`python -m tests.bench decoding`: above the process before the file was read, file included):
PNG and JPEG in L 300 MB, in RGB and RGBA 520 MB; progressive JPEG without subsampling 650 MB, in CMYK 780 MB; WebP
1,030 MB, as libwebp keeps two canvases of its own. The pixels that are returned have 192 MB of it.
"""

from __future__ import annotations

import io
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.api.colour import ProfileError, ToSrgb, to_srgb
from evalkit.api.errors import PictureError
from evalkit.api.picture_files import Header, Kind, read_header

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]
"""RGB pixels: uint8 of shape (H, W, 3)."""

MAX_PIXELS = 64_000_000
"""Largest picture that is decoded: 64 Mpx, above any image model's output."""
MAX_SCANS = 500
"""Most scans of a JPEG. Encoders write about 10, optimisers up to 64."""
MAX_WORK = 1_200_000_000
"""Most pixels times scans of a JPEG: 18 scans at 64 Mpx. One Mpx and scan costs 0.6 to 1.4 ms of CPU here."""
CPU_SECONDS = 4.0
"""Most CPU seconds for the coded data of one JPEG; at 64 Mpx an ordinary one takes 0.4."""
LARGE = 8_000_000
"""Pictures of more pixels than this are decoded one at a time."""
STRIP = 4_000_000
"""So many pixels are converted at once."""

_one_large = threading.Semaphore(1)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels of one file, (H, W, 3) uint8, and what they were before.

    `notes` says what of the file could not be used, such as a broken colour profile.
    """

    pixels: Pixels
    format: Kind
    mode: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, *, where: str = "", max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode PNG, JPEG or WebP: the first picture, upright, in sRGB, alpha composited on white.

    Raises:
        PictureError: the data are empty, truncated, too large, or not an image of these formats.
    """
    try:
        header = read_header(data)
        check_limits(header, max_pixels)
        with _one_large if header.pixels > LARGE else nullcontext():
            return _decoded(header)
    except PictureError as error:
        raise PictureError(error.what, where=where) from error


def check_limits(header: Header, max_pixels: int = MAX_PIXELS) -> None:
    """Raise `PictureError` for a picture that is empty, too large, or a JPEG with too many scans."""
    if not header.pixels:
        raise PictureError(f"truncated or corrupt image: {header.width}x{header.height} px")
    if header.pixels > max_pixels:
        size = f"{header.width}x{header.height} px"
        raise PictureError(f"too large: {size} is more than {max_pixels / 1e6:.0f} Mpx; not decoded")
    if header.scans > MAX_SCANS or (header.scans > 4 and header.scans * header.pixels > MAX_WORK):
        raise PictureError(f"too large to decode safely: {header.scans} scans of {header.pixels / 1e6:.1f} Mpx")


class _Metered(io.BytesIO):
    """A file that can be read as long as this thread has CPU seconds left."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._ends = time.thread_time() + CPU_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        if time.thread_time() > self._ends:
            raise PictureError(f"too large to decode safely: more than {CPU_SECONDS:g} s of CPU")
        return super().read(size)


def _decoded(header: Header) -> Decoded:
    from PIL import Image, UnidentifiedImageError

    file = _Metered(header.coded) if header.kind == "JPEG" else io.BytesIO(header.coded)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=[header.kind]) as image:
                if image.size != (header.width, header.height):
                    raise ValueError(f"it is {image.size[0]}x{image.size[1]} px, not as its header says")
                mode = image.mode
                image.load()
                pixels, notes = _to_rgb(image, header)
                return Decoded(pixels, header.kind, mode, (*header.notes, *notes))
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"too large to decode safely: {error}") from error
    except UnidentifiedImageError as error:
        raise PictureError("truncated or corrupt image: its header can't be read") from error
    except Exception as error:  # decoders raise anything on hostile bytes: OSError, ValueError, SyntaxError, zlib.error
        raise PictureError(f"truncated or corrupt image: {error}") from error


def _to_rgb(image: Image.Image, header: Header) -> tuple[Pixels, tuple[str, ...]]:
    """The pixels, and what could not be used. Converted in strips, so that no second copy of the picture is made."""
    try:
        convert = to_srgb(header.profile, image.mode) if header.profile else None
        return _in_strips(image, header.orientation, convert), ()
    except ProfileError as error:
        return _in_strips(image, header.orientation, None), (f"its colour profile {error}; taken for sRGB",)


def _in_strips(image: Image.Image, orientation: int, convert: ToSrgb | None) -> Pixels:
    width, height = image.size
    rows = max(1, STRIP // width)
    make = _maker(image, convert)
    if rows >= height and orientation == 1:
        pixels: Pixels = np.asarray(make(image))
    else:
        pixels = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
        coded = _as_coded(pixels, orientation)
        for top in range(0, height, rows):
            bottom = min(height, top + rows)
            coded[top:bottom] = np.asarray(make(image.crop((0, top, width, bottom))))
    pixels.flags.writeable = False
    return pixels


def _as_coded(upright: Pixels, orientation: int) -> Pixels:
    """A view of the upright pixels in which row and column are those of the coded picture (EXIF 2.32, tag 0x0112)."""
    turned = upright.transpose(1, 0, 2) if orientation >= 5 else upright
    rows = slice(None, None, -1 if orientation in (3, 4, 6, 7) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 7, 8) else 1)
    return turned[rows, columns]


def _maker(image: Image.Image, convert: ToSrgb | None) -> Callable[[Image.Image], Image.Image]:
    """What makes 8-bit sRGB of a strip of this picture."""
    from PIL import Image

    deep = image.mode.startswith("I") or image.mode == "F"
    scale = 257.0 if deep and (image.mode.startswith("I;16") or _highest(image) > 255) else 1.0
    transparent = "A" in image.getbands() or "transparency" in image.info

    def make(strip: Image.Image) -> Image.Image:
        if deep:
            depth = np.asarray(strip, dtype=np.float64)
            strip = Image.fromarray(np.clip(np.nan_to_num(depth) / scale, 0, 255).astype(np.uint8))
        elif transparent:
            clear = strip.convert("RGBA")
            ground = Image.new("RGBA", clear.size, (255, 255, 255, 255))
            if convert is not None:
                colours = _converted(clear.convert("RGB"), convert)
                colours.putalpha(clear.getchannel("A"))
                clear = colours
            return Image.alpha_composite(ground, clear).convert("RGB")
        return _converted(strip, convert) if convert is not None else strip.convert("RGB")

    return make


def _converted(image: Image.Image, convert: ToSrgb) -> Image.Image:
    return convert(image if image.mode == convert.mode else image.convert(convert.mode))


def _highest(image: Image.Image) -> float:
    _, highest = image.getextrema()
    return float(highest) if isinstance(highest, int | float) else 0.0
