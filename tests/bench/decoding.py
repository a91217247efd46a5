"""What decoding costs: peak memory of the largest pictures, seconds of hostile JPEGs, milliseconds of everyday ones.

    python -m tests.bench decoding

Each large picture is decoded in a process of its own. Its peak is `VmHWM` above the process before the file was read,
so that the file counts too. The figures stand in `evalkit/api/decoding.py`.
"""

from __future__ import annotations

import io
import multiprocessing
import time
from typing import NamedTuple

import numpy as np
from PIL import Image

from evalkit.api.pictures import decode
from tests.evalkit.hostile_pictures import many_scans

SIDE = 8_000
"""8000 x 8000 px: 64 Mpx, the most that is decoded."""
LARGE = (
    ("PNG", "L", {}),
    ("PNG", "RGB", {}),
    ("PNG", "RGBA", {}),
    ("JPEG", "L", {}),
    ("JPEG", "RGB", {}),
    ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    ("JPEG", "CMYK", {"progressive": True, "subsampling": 0}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True, "quality": 0, "method": 0}),
)


class Cost(NamedTuple):
    """CPU seconds and peak memory of one decode, in MB."""

    seconds: float
    peak_mb: float


def large(kind: str, mode: str, options: dict[str, object]) -> Cost:
    """What a picture of 64 Mpx costs."""
    buffer = io.BytesIO()
    _drawn(SIDE, mode).save(buffer, kind, **options)
    return in_process(buffer.getvalue())


def in_process(data: bytes) -> Cost:
    """Decode `data` in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (data,))


def _measure(data: bytes) -> Cost:
    decode(_encoded(8))  # Pillow is imported
    before, start = _status("VmRSS") - len(data) / 1e6, time.process_time()
    decode(data)
    return Cost(time.process_time() - start, _status("VmHWM") - before)


def _status(name: str) -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith(name))


def _drawn(side: int, mode: str) -> Image.Image:
    tile = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8), dtype=np.uint8)
    grey = Image.fromarray(np.kron(tile, np.ones((8, 8), np.uint8)))
    return grey.convert(mode)


def _encoded(side: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 64, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def _milliseconds(data: bytes, times: int) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        decode(data)
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def main() -> None:
    for kind, mode, options in LARGE:
        cost = large(kind, mode, options)
        print(f"64 Mpx {kind} {mode} {options or ''}: peak {cost.peak_mb:.0f} MB, {cost.seconds:.2f} s of CPU")
    for side, scans in ((8_000, 18), (4_000, 75), (1_500, 500)):
        cost = in_process(many_scans(side, scans))
        print(f"{side} px, {scans} scans: {cost.seconds:.2f} s of CPU, peak {cost.peak_mb:.0f} MB")
    for side, times in ((128, 300), (1024, 20)):
        for kind in ("PNG", "JPEG", "WEBP"):
            print(f"{side} px {kind}: {_milliseconds(_encoded(side, kind), times):.3f} ms")


if __name__ == "__main__":
    main()
