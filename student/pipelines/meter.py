"""Measures time and memory of one pipeline call."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Reading:
    """Wall seconds and peak memory in MB (10^6 bytes) of a block of code; set when the block ends."""

    seconds: float = 0.0
    peak_memory_mb: float | None = None


@contextmanager
def measure(device: torch.device) -> Iterator[Reading]:
    """Measure a block of code that works on `device`.

    CUDA: the device is synchronised before and after, memory is `torch.cuda.max_memory_allocated`, weights included.
    Elsewhere: memory is the largest resident size of this process so far, which never falls.
    """
    import torch

    cuda = device.type == "cuda"
    reading = Reading()
    if cuda:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    try:
        yield reading
    finally:
        if cuda:
            torch.cuda.synchronize(device)
        reading.seconds = time.perf_counter() - started
        reading.peak_memory_mb = torch.cuda.max_memory_allocated(device) / 1e6 if cuda else _peak_resident_mb()


def _peak_resident_mb() -> float | None:
    try:
        import resource
    except ImportError:  # not a Unix
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
