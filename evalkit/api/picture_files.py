"""Reads the containers of PNG, JPEG and WebP files: what a decoder needs, and no pixel yet.

A container also holds what no pixel depends on (text, previews, further pictures of a camera, motion). However large
or broken that is, it is no reason to refuse the picture: `coded` leaves it out before a decoder sees the file.

>>> read_header(b"GIF89a")
Traceback (most recent call last):
evalkit.api.errors.PictureError: not a PNG, JPEG or WebP file
"""

from __future__ import annotations

import contextlib
import re
import zlib
from typing import Literal, NamedTuple

from evalkit.api.errors import PictureError

Kind = Literal["PNG", "JPEG", "WEBP"]
SUFFIXES: dict[Kind, str] = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
"""The formats that are read, each with the suffix under which it is stored."""

MAX_PARTS = 20_000
"""Most chunks or segments of a file that are walked, pixel data of PNG apart: a camera's JPEG has a few hundred."""
MAX_PROFILE = 4_000_000
"""Largest colour profile that is read, bytes: those of printers have 1 to 2 MB."""
MOST_CODED = 8
"""So many bytes of coded data for one pixel are more than any JPEG encoder writes (noise at quality 100: 4.6)."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CODED = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_PNG_READ = {b"iCCP", b"eXIf", b"cICP"}
_SRGB_CICP = {(1, 1), (1, 6), (1, 13), (1, 14), (1, 15)}
"""Primaries and transfer (ITU-T H.273) that are taken for sRGB: BT.709 with its own or sRGB's curve."""
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PLAIN_APPS = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
"""Segments on which the colours of a JPEG depend; all other APPn are left out."""
_PROFILE, _EXIF = b"ICC_PROFILE\0", b"Exif\0\0"


class Header(NamedTuple):
    """What the container says of its picture.

    Args:
        kind: the format, found from the first bytes.
        width: in px, as coded: before the orientation is applied.
        height: likewise.
        coded: the file without what no pixel depends on, for a decoder.
        scans: passes over all pixels that decoding takes; more than 1 only in a JPEG.
        profile: the embedded ICC profile, empty if there is none.
        orientation: EXIF orientation, 1 to 8.
        notes: what of the file's metadata could not be used.
    """

    kind: Kind
    width: int
    height: int
    coded: bytes
    scans: int = 1
    profile: bytes = b""
    orientation: int = 1
    notes: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height in px after the orientation is applied."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_header(data: bytes) -> Header:
    """Walk the container of one file. Checksums of a PNG's pixel data are verified on the way.

    Raises:
        PictureError: the data are empty, truncated, or not a file of these formats.
    """
    if not data:
        raise PictureError("empty file (0 bytes)")
    try:
        if data.startswith(_PNG_SIGNATURE):
            return _png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (IndexError, ValueError) as error:
        raise PictureError(f"truncated or corrupt image: {error}") from error
    raise PictureError("not a PNG, JPEG or WebP file")


# ----------------------------------------------------------------------------------------------------------------- PNG


def _png(data: bytes) -> Header:
    view, at, parts, end = memoryview(data), len(_PNG_SIGNATURE), 0, False
    kept: list[memoryview] = [view[:at]]
    read: dict[bytes, bytes] = {}
    width = height = 0
    whole = True
    while not end:
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        after = at + 12 + length
        if len(name) < 4 or after > len(data):
            raise ValueError("the file ends early")
        body = view[at + 8 : after - 4]
        if name in _PNG_CODED:
            if zlib.crc32(view[at + 4 : after - 4]) != int.from_bytes(data[after - 4 : after]):
                raise ValueError(f"wrong checksum of a chunk {name.decode()}")
            kept.append(view[at:after])
        elif name in _PNG_READ and length <= MAX_PROFILE:
            read.setdefault(name, bytes(body))
        if at == len(_PNG_SIGNATURE):
            if name != b"IHDR" or length != 13:
                raise ValueError("it does not begin with IHDR")
            width, height = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
        parts += name != b"IDAT" or length == 0
        if parts > MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} chunks")
        whole, end, at = whole and name in _PNG_CODED, name == b"IEND", after
    profile, notes = _inflated(read[b"iCCP"]) if b"iCCP" in read else (b"", ())
    if (code := tuple(read.get(b"cICP", b"")[:2])) and code not in _SRGB_CICP:
        notes = (*notes, f"the colour space of its cICP chunk ({code[0]}) is not converted to sRGB")
    coded = data if whole and at == len(data) else b"".join(kept)
    return Header("PNG", width, height, coded, 1, profile, _orientation(read.get(b"eXIf", b"")), notes)


def _inflated(chunk: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The profile of an iCCP chunk: a name, a NUL, the method 0, and a zlib stream."""
    _, _, rest = chunk.partition(b"\0")
    unpack = zlib.decompressobj()
    try:
        profile = unpack.decompress(rest[1:], MAX_PROFILE)
    except zlib.error:
        profile = b""
    if profile and unpack.eof:
        return profile, ()
    return b"", ("its colour profile can't be read; taken for sRGB",)


# ---------------------------------------------------------------------------------------------------------------- JPEG


def _jpeg(data: bytes) -> Header:
    at, parts, width, height, scans = 2, 0, 0, 0, 0
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    profile: dict[int, bytes] = {}
    n_profile, exif, view = 0, b"", memoryview(data)
    pixel_data = 0  # where the first scan begins; from there on the file is taken as it is
    while True:
        found = _MARKER.search(data, at) if not scans else _MARKER.search(data, at, pixel_data + _most(width, height))
        if found is None:
            if scans and len(data) > pixel_data + _most(width, height):
                raise ValueError("more coded data than its pixels can have")
            end = len(data)  # the decoder says what is missing
            break
        marker, at = data[found.end() - 1], found.end()
        parts += 1
        if parts > MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} segments")
        if marker == 0xD9:
            end = at
            break
        if marker in (0xD8, 0x01):
            continue
        length = int.from_bytes(data[at : at + 2])
        if length < 2 or at + length > len(data):
            raise ValueError("the file ends early")
        body = view[at + 2 : at + length]
        if marker == 0xDA:
            pixel_data = pixel_data or found.end() - 2
            scans += 1
        elif marker in _SIZES and not scans:
            height, width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
        elif marker == 0xE2 and bytes(body[:12]) == _PROFILE and len(body) > 14:
            profile.setdefault(body[12], bytes(body[14:]))
            n_profile = body[13]
        elif marker == 0xE1 and bytes(body[:6]) == _EXIF:
            exif = exif or bytes(body[6:])
        if not scans and _is_plain(marker, body):
            kept.append(view[found.end() - 2 : at + length])
        at += length
    if not scans or not width:
        raise ValueError("it has no pixels")
    whole = b"".join(profile[number] for number in sorted(profile))
    good = len(profile) == n_profile and len(whole) <= MAX_PROFILE
    notes = () if good else ("its colour profile is incomplete or too large; taken for sRGB",)
    coded = b"".join([*kept, view[pixel_data:end]])
    return Header("JPEG", width, height, coded, scans, whole if good else b"", _orientation(exif), notes)


def _most(width: int, height: int) -> int:
    """Bytes within which the coded data of a JPEG must end."""
    return MOST_CODED * width * height + 65_536


def _is_plain(marker: int, body: memoryview) -> bool:
    if marker == 0xFE or 0xE0 <= marker <= 0xEF:
        wanted = _PLAIN_APPS.get(marker)
        return wanted is not None and bytes(body[: len(wanted)]) == wanted
    return True


# ---------------------------------------------------------------------------------------------------------------- WebP


def _webp(data: bytes) -> Header:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("the file ends early")
    at, parts, size = 12, 0, (0, 0)
    read: dict[bytes, bytes] = {}
    while at + 8 <= end:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 18]
        if at + 8 + length > end:
            raise ValueError("the file ends early")
        if name in (b"VP8X", b"VP8 ", b"VP8L") and size == (0, 0):
            size = _webp_size(name, body)
        elif name in (b"ICCP", b"EXIF") and length <= MAX_PROFILE:
            read.setdefault(name, data[at + 8 : at + 8 + length])
        parts += 1
        if parts > MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} chunks")
        at += 8 + length + length % 2
    if not all(size):
        raise ValueError("it has no pixels")
    exif = read.get(b"EXIF", b"").removeprefix(_EXIF)
    return Header("WEBP", *size, data[:end], 1, read.get(b"ICCP", b""), _orientation(exif))


def _webp_size(name: bytes, body: bytes) -> tuple[int, int]:
    if name == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if name == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


# ---------------------------------------------------------------------------------------------------------------- EXIF


def _orientation(exif: bytes) -> int:
    """The orientation tag of the first directory of a TIFF block; 1 where there is none, or none that can be read."""
    order: Literal["little", "big"] = "little" if exif[:2] == b"II" else "big"
    with contextlib.suppress(IndexError):
        start = int.from_bytes(exif[4:8], order)
        for number in range(min(int.from_bytes(exif[start : start + 2], order), 1_000)):
            entry = exif[start + 2 + 12 * number : start + 14 + 12 * number]
            if int.from_bytes(entry[:2], order) == 0x0112:
                value = int.from_bytes(entry[8:10], order)
                return value if 1 <= value <= 8 else 1
    return 1
