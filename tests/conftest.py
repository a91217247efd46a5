"""Settings of the whole test run: how many threads each test process may use, and in which order the files come."""

from __future__ import annotations

import os

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with the longest tests first: at the end only short ones are left, and no process works alone."""
    ranks = {"vllm": 0, "slow": 1}
    files: dict[str, int] = {}
    for item in items:
        rank = min((ranks[mark.name] for mark in item.iter_markers() if mark.name in ranks), default=2)
        path = item.nodeid.partition("::")[0]
        files[path] = min(rank, files.get(path, rank))
    items.sort(key=lambda item: files[item.nodeid.partition("::")[0]])
