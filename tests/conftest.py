"""Settings of the whole test run: how many threads each test process may use."""

from __future__ import annotations

import os

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def share_cores(processes: int) -> None:
    """Give each of several test processes its share of the cores, before torch or NumPy ask for all of them.

    The variables reach the commands that tests start, too. What a variable already says is kept.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for variable in _THREADS:
        os.environ.setdefault(variable, str(max(1, cores // processes)))


if processes := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    share_cores(int(processes))
