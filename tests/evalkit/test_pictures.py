"""Broken and hostile image files: a clear error each, never a crash, never a huge allocation."""

import io
import resource
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evalkit.api.errors import PictureError
from evalkit.api.pictures import MAX_BYTES, Picture, decode, encode_png, read_file


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int) -> bytes:
    """A PNG of side × side pixels in a few kilobytes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8))


@pytest.mark.parametrize("side", [30_000, 9_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PictureError, match=r"Mpx|too large"):
        decode(png_bomb(side))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes allocated"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "0 bytes"),
        (b"GIF89a" + bytes(20), "not a PNG, JPEG or WebP"),
        (b"<svg onload='alert(1)'/>", "not a PNG, JPEG or WebP"),
        (encoded(NOISE)[:200], "truncated or corrupt"),
        (encoded(NOISE)[:-20], "truncated or corrupt"),
        (encoded(NOISE, "JPEG")[:600], "truncated or corrupt"),
        (encoded(NOISE)[:60] + bytes(100) + encoded(NOISE)[160:], "truncated or corrupt"),
        (b"\x89PNG\r\n\x1a\n rubbish", "not a PNG|truncated or corrupt"),
    ],
)
def test_broken_files(data: bytes, says: str) -> None:
    with pytest.raises(PictureError, match=says) as caught:
        decode(data, where="x.png")
    assert str(caught.value).startswith("x.png: ")


def test_modes_become_8_bit_rgb() -> None:
    half_red = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    assert decode(encoded(half_red)).pixels[0, 0].tolist() == [255, 127, 127], "composited on white"
    deep = Image.fromarray(np.full((4, 4), 40_000, np.uint16))
    assert abs(int(decode(encoded(deep)).pixels[0, 0, 0]) - 40_000 / 257) <= 1
    for mode in ("L", "P", "1", "LA"):
        assert decode(encoded(NOISE.convert(mode))).pixels.shape == (64, 48, 3)
    cmyk = decode(encoded(NOISE.convert("CMYK"), "JPEG"))
    assert (cmyk.pixels.shape, cmyk.format, cmyk.mode) == ((64, 48, 3), "JPEG", "CMYK")


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(NOISE, "JPEG", exif=exif)).pixels.shape == (48, 64, 3)


def test_png_round_trip_is_exact_and_deterministic() -> None:
    pixels = np.asarray(NOISE)
    assert np.array_equal(decode(encode_png(pixels)).pixels, pixels)
    assert encode_png(pixels) == encode_png(pixels.copy())


def test_picture_is_decoded_once_and_read_only(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(np.asarray(NOISE)))
    picture = Picture("0" * 64, path)
    assert picture.pixels is picture.pixels
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0] = 0


def test_missing_and_oversized_files(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="No such file"):
        read_file(tmp_path / "nothing.png")
    sparse = tmp_path / "sparse.png"
    with open(sparse, "wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(PictureError, match="at most 400 MB"):
        read_file(sparse)
