"""Pictures as cameras, editors and attackers write them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """`image` as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def flat(side: int = 16, level: int = 200) -> Image.Image:
    """A flat grey."""
    return Image.fromarray(np.full((side, side, 3), level, np.uint8))


def multi_picture(side: int = 16, level: int = 200) -> bytes:
    """A camera's JPEG with a second picture, which Pillow calls MPO."""
    return encoded(flat(side, level), "MPO", save_all=True, append_images=[flat(side, 20)])


def many_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan, of a few bytes, is repeated."""
    data = encoded(Image.new("RGB", (side, side), (100, 150, 200)), "JPEG", progressive=True, quality=90)
    last = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + last * (scans - data.count(b"\xff\xda")) + b"\xff\xd9"


def dense_scans(side: int, scans: int) -> bytes:
    """The same with noise: every scan has much to decode."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG", progressive=True, quality=100)
    last = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + last * (scans - data.count(b"\xff\xda")) + b"\xff\xd9"


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with more chunks, before its pixels."""
    at = png.index(b"IDAT") - 4
    return png[:at] + b"".join(chunks) + png[at:]


def display_p3() -> bytes:
    """An ICC profile with the primaries of Display P3 and the curve of sRGB, made from Pillow's sRGB profile."""
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    columns = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for number in range(struct.unpack(">I", srgb[128:132])[0]):
        name, offset, _ = struct.unpack(">4sII", srgb[132 + 12 * number : 144 + 12 * number])
        if name in columns:
            fixed = [round(value * 65536) for value in columns[name]]
            srgb[offset + 8 : offset + 20] = struct.pack(">iii", *fixed)
    return bytes(srgb)
