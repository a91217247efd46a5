"""Pictures as the world has them: what a viewer shows, within limits that hold."""

import io
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from evalkit.api import decoding
from evalkit.api.decoding import decode
from evalkit.api.errors import PictureError
from evalkit.api.picture_files import read_header
from tests.evalkit.hostile_pictures import (
    chunk,
    dense_scans,
    display_p3,
    encoded,
    flat,
    many_scans,
    multi_picture,
    with_chunks,
)

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 12, 3), dtype=np.uint8))
GREEN = Image.new("RGB", (8, 8), (60, 180, 75))


def test_a_camera_s_multi_picture_jpeg_is_its_first_picture() -> None:
    made = decode(multi_picture(level=200))
    assert (made.format, made.pixels.shape, int(made.pixels[0, 0, 0])) == ("JPEG", (16, 16, 3), 200)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_display_p3_profile_is_converted(kind: str) -> None:
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    made = decode(encoded(GREEN, kind, icc_profile=display_p3(), **options))
    assert made.notes == ()
    assert np.abs(made.pixels[4, 4].astype(int) - [0, 183, 63]).max() < 12, made.pixels[4, 4]
    assert int(made.pixels[4, 4, 0]) < 40, "more saturated in sRGB: less red"


def test_an_srgb_profile_leaves_every_pixel_alone() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = decode(encoded(NOISE, icc_profile=profile))
    assert np.array_equal(made.pixels, np.asarray(NOISE))


def test_alpha_is_composited_after_the_colours_are_converted() -> None:
    half = GREEN.convert("RGBA")
    half.putalpha(128)
    solid = decode(encoded(GREEN, icc_profile=display_p3())).pixels[0, 0].astype(float)
    made = decode(encoded(half, icc_profile=display_p3())).pixels[0, 0]
    assert np.abs(made - (solid * 128 / 255 + 255 * 127 / 255)).max() <= 1.5


@pytest.mark.parametrize("profile", [b"rubbish", b"", bytes(200), display_p3()[:300]])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_broken_profile_is_noted_and_not_fatal(kind: str, profile: bytes) -> None:
    made = decode(encoded(flat(), kind, icc_profile=profile))
    assert abs(int(made.pixels[0, 0, 0]) - 200) <= 1
    assert not profile or "colour profile" in made.notes[0]


def test_a_profile_for_other_colours_is_noted() -> None:
    made = decode(encoded(flat().convert("CMYK"), "JPEG", icc_profile=display_p3()))
    assert "is for RGB colours, and the picture is CMYK" in made.notes[0]


def test_text_however_large_is_no_reason_to_refuse_pixels() -> None:
    huge = zlib.compress(bytes(80_000_000))
    texts = [chunk(b"zTXt", b"k\0\0" + huge)] * 3 + [
        chunk(b"iTXt", b"k\0\1\0\0\0" + huge),
        chunk(b"tEXt", b"k\0" + bytes(5_000_000)),
    ]
    broken = chunk(b"tEXt", b"k\0v")[:-4] + b"\0\0\0\0"  # a wrong checksum of what no pixel depends on
    for data in (with_chunks(encoded(NOISE), *texts), with_chunks(encoded(NOISE), broken), encoded(NOISE) + b"more"):
        assert np.array_equal(decode(data).pixels, np.asarray(NOISE))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("strip", [10**6, 12 * 3])
def test_every_orientation(orientation: int, strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "STRIP", strip)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(NOISE, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(decode(data).pixels, wanted)
    assert read_header(data).upright_size == wanted.shape[1::-1]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK"])
def test_strips_make_the_same_pixels(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (20, 12), dtype=np.uint16))
    else:
        image = NOISE.convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(np.arange(240, dtype=np.uint8).reshape(20, 12)))
    data = encoded(image, "JPEG" if mode == "CMYK" else "PNG")
    whole = decode(data).pixels
    monkeypatch.setattr(decoding, "STRIP", 50)
    assert np.array_equal(decode(data).pixels, whole)


def test_transparency_without_an_alpha_channel() -> None:
    for data in (encoded(flat(), transparency=(200, 200, 200)), encoded(flat().convert("L"), transparency=200)):
        assert int(decode(data).pixels.min()) == 255


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_of_an_animation_the_first_frame(kind: str, options: dict[str, object]) -> None:
    data = encoded(flat(level=200), kind, save_all=True, append_images=[flat(level=10)], **options)
    assert int(decode(data).pixels[0, 0, 0]) == 200


@pytest.mark.parametrize(
    "data",
    [many_scans(64, 600), many_scans(1000, 5000), many_scans(3000, 400), dense_scans(500, 400)],
    ids=["scans", "more scans", "work", "coded data"],
)
def test_hostile_progressive_jpegs_are_refused_at_once(data: bytes) -> None:
    start = time.process_time()
    with pytest.raises(PictureError, match=r"too large to decode safely|more coded data"):
        decode(data)
    assert time.process_time() - start < 1.0


def test_hostile_progressive_jpegs_within_the_limits_cost_little() -> None:
    start = time.process_time()
    for scans in range(350, 360):
        decode(many_scans(1000, scans))
    assert time.process_time() - start < 5 * 10


def test_a_jpeg_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "CPU_SECONDS", -1.0)
    with pytest.raises(PictureError, match="s of CPU"):
        decode(encoded(NOISE, "JPEG"))


def test_many_empty_parts_are_not_walked_for_ever() -> None:
    for data in (
        with_chunks(encoded(NOISE), chunk(b"juNK", b"") * 100_000),
        with_chunks(encoded(NOISE), chunk(b"IDAT", b"") * 100_000),
        b"\xff\xd8" + b"\xff\xe5\0\2" * 100_000 + encoded(NOISE, "JPEG")[2:],
    ):
        with pytest.raises(PictureError, match="more than 20000"):
            decode(data)


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [0], [0]
    decoded = decoding._decoded

    def watched(header: object) -> object:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        inside[0] -= 1
        return decoded(header)  # type: ignore[arg-type]

    monkeypatch.setattr(decoding, "_decoded", watched)
    monkeypatch.setattr(decoding, "LARGE", 10)
    threads = [threading.Thread(target=decode, args=(encoded(NOISE),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_no_damage_is_more_than_a_picture_error(kind: str) -> None:
    data = encoded(NOISE, kind, icc_profile=display_p3(), exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0")
    rng = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(data[: int(rng.integers(1, len(data) + 1))])
        for _ in range(int(rng.integers(0, 6))):
            broken[int(rng.integers(0, len(broken)))] = int(rng.integers(0, 256))
        try:
            decode(bytes(broken))
        except PictureError:
            continue
