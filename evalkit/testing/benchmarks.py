"""Checks a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from evalkit.api.protocols import Benchmark, BenchmarkInfo
from evalkit.api.records import JSON, Case
from evalkit.testing.common import called, check, check_json, created


def check_benchmark(
    benchmark: type[Benchmark] | Benchmark, *, settings: Mapping[str, JSON] | None = None, limit: int = 1000
) -> None:
    """Check a benchmark: its class, a stable digest, and cases with ids of their own, the same at every reading.

    Args:
        benchmark: the class, or an instance.
        settings: with which an instance of the class is created; without them, the defaults.
        limit: only so many cases are read.

    Raises:
        AssertionError: the benchmark breaks its contract; the message says how.
    """
    made = created("benchmarks", benchmark, settings)
    name = type(made).__name__
    info = called(f"{name}.info", made.info)
    check(isinstance(info, BenchmarkInfo), f"{name}.info returned {type(info).__name__}, not BenchmarkInfo")
    for field in ("name", "version", "digest"):
        value = getattr(info, field)
        check(isinstance(value, str) and value, f"{name}.info: `{field}` is {value!r}, not a text")
    cases = _cases(name, made, limit)
    check(cases, f"{name} has no cases")
    seen: set[str] = set()
    for case in cases:
        check(isinstance(case, Case), f"{name}.cases yields {type(case).__name__}, not Case")
        check(case.id not in seen, f"{name} has two cases with the id `{case.id}`")
        seen.add(case.id)
        check_json(f"the case `{case.id}`", case)
    check(_cases(name, made, limit) == cases, f"{name}.cases yields other cases, or another order, the second time")
    digest = called(f"{name}.info", made.info).digest
    check(digest == info.digest, f"{name}.info: `digest` changes though the cases are the same")


def _cases(name: str, made: Benchmark, limit: int) -> list[Case]:
    found: list[Case] = called(f"{name}.cases", lambda: list(islice(made.cases(), limit)))
    return found
