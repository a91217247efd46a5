"""The hardware that a model can be served on: the GPUs that `nvidia-smi` lists, or the CPU."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

_QUERY = ("--query-gpu=index,uuid,memory.total,memory.free", "--format=csv,noheader,nounits")
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; memory in GiB, `free` as it is now."""

    index: int
    uuid: str
    total: float
    free: float


@dataclass(frozen=True, slots=True)
class Machine:
    """The GPUs that this process may use (none: the CPU), and the number of CPU cores that it may use."""

    gpus: tuple[Gpu, ...] = ()
    cores: int = 2


def machine() -> Machine:
    """This machine. If the driver does not answer, it has no GPU."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux only
    return Machine(_gpus(), len(allowed(0)) if allowed else os.cpu_count() or 1)


def _gpus() -> tuple[Gpu, ...]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        listed = subprocess.run([tool, *_QUERY], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    gpus = parse(listed.stdout) if listed.returncode == 0 else ()
    return visible(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))


def parse(text: str) -> tuple[Gpu, ...]:
    """The GPUs in the output of `nvidia-smi --query-gpu=index,uuid,memory.total,memory.free` (MiB).

    A line without figures (`[N/A]`: memory shared with the CPU) is left out, because its memory is not known.
    """
    gpus = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 4 and all(fields[i].isdigit() for i in (0, 2, 3)):
            index, uuid, total, free = fields
            gpus.append(Gpu(int(index), uuid, int(total) / 1024, int(free) / 1024))
    return tuple(gpus)


def visible(gpus: tuple[Gpu, ...], wanted: str | None) -> tuple[Gpu, ...]:
    """The GPUs that `CUDA_VISIBLE_DEVICES` (indices or beginnings of UUIDs) names; `None`: all."""
    if wanted is None:
        return gpus
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    return tuple(gpu for gpu in gpus if any(_is(gpu, name) for name in names))


def _is(gpu: Gpu, name: str) -> bool:
    return gpu.index == int(name) if name.isdigit() else gpu.uuid.startswith(name)
