"""What the seconds of a picture depend on besides the generator's work, so that only like times are compared."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from evalkit.api.protocols import Generator
from evalkit.api.records import JSON, Sample
from evalkit.api.timing import TIMED_ON
from evalkit.engine.generating import info_of

_SETTINGS = ("device", "offload")
"""Settings of a generator that decide where it works."""


def conditions_of(generator: Generator) -> dict[str, JSON]:
    """Hardware, threads, torch and offloading, as they are now: ask after the first picture, when weights are loaded.

    `threads` is that of torch where torch is in use, else the number of CPUs that this process may use.
    """
    info = info_of(generator)
    torch = sys.modules.get("torch")
    return {
        "hardware": info.hardware,
        "cpu": _cpu(),
        "cpus": _cpus(),
        "threads": int(torch.get_num_threads()) if torch is not None else _cpus(),
        "torch": _torch_version(),
        **{name: str(info.settings[name]) for name in _SETTINGS if name in info.settings},
    }


def shared_conditions(samples: Iterable[Sample]) -> Mapping[str, JSON]:
    """The conditions of all timed pictures with their batch size; empty where unknown, or where they differ.

    Fewer pictures than one batch may come from a smaller one: the last batch is seldom full.
    """
    noted: JSON = None
    sizes: Counter[int] = Counter()
    for sample in samples:
        if not sample.ok or sample.seconds is None:
            continue
        conditions = sample.notes.get(TIMED_ON)
        if not isinstance(conditions, dict) or noted not in (None, conditions):
            return {}
        noted = conditions
        sizes[sample.batch_size] += 1
    if noted is None:
        return {}
    ((size, n),) = sizes.most_common(1)
    return {**noted, "batch_size": size} if sizes.total() - n < size else {}


@cache
def _cpu() -> str:
    """The model of the CPU, as Linux names it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _torch_version() -> str:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
