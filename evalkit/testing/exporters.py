"""Checks an exporter, on the results of a small run that never took place."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from evalkit.api.pictures import encode_png
from evalkit.api.protocols import Exporter
from evalkit.api.records import JSON, Box, Case, Dimension, Finding, Role, Sample, Score, Status, TextTarget, Verdict
from evalkit.api.results import (
    CaseResult,
    ControlResult,
    DimensionResult,
    GateResult,
    GateStatus,
    GeneratorResult,
    Interval,
    Outcome,
    RunResults,
    RunSummary,
)
from evalkit.testing.common import called, check, created, example_pixels

_DIMENSION = Dimension("example.brightness", "mean level of the picture")
_HOSTILE = "<script>alert(1)</script> \x1b[31m ::error::"


def check_exporter(exporter: type[Exporter] | Exporter, *, settings: Mapping[str, JSON] | None = None) -> None:
    """Check an exporter: its class, and that it writes a file below the run folder.

    The results hold a scored case, an abstention, a picture that is missing, and a prompt with HTML and control
    characters in it.

    Args:
        exporter: the class, or an instance.
        settings: with which an instance of the class is created; without them, the defaults.

    Raises:
        AssertionError: the exporter breaks its contract; the message says how.
    """
    made = created("exporters", exporter, settings)
    name = type(made).__name__
    with tempfile.TemporaryDirectory(prefix="evalkit-") as folder:
        out = Path(folder).resolve()
        path = called(f"{name}.export", made.export, example_results(out), out)
        check(isinstance(path, Path), f"{name}.export returned {type(path).__name__}, not a Path")
        check(path.exists(), f"{name}.export returned {path}, which does not exist")
        check(path.resolve().is_relative_to(out), f"{name}.export wrote to {path}, outside the run folder")


def example_results(folder: Path) -> RunResults:
    """The results of a small run of student and teacher, with its pictures in `folder`."""
    return _Results(folder)


class _Results:
    def __init__(self, folder: Path) -> None:
        self._pictures = folder / "pictures"
        self._pictures.mkdir(parents=True, exist_ok=True)
        self._cases = [
            self._case("example/0001", "a sign that says OPEN", 200),
            self._case("example/0002", _HOSTILE, 90),
            self._case("example/0003", "a picture that is missing", None),
        ]

    def summary(self) -> RunSummary:
        estimate = Interval(0.6, 0.4, 0.8, 3)
        return RunSummary(
            outcome=Outcome.PASSED,
            reasons=("1 of 1 gates passed",),
            benchmark="example",
            benchmark_version="1",
            benchmark_digest="0" * 64,
            created="2025-01-01T00:00:00+00:00",
            evalkit_version="0",
            command="evalkit run",
            n_cases=len(self._cases),
            seeds=1,
            coverage=2 / 3,
            generators=tuple(
                GeneratorResult(role, f"example {role.value}", "Apache-2.0", "CPU", 2, 1, 4, 0.5) for role in Role
            ),
            dimensions=tuple(DimensionResult(role, "example", "1", _DIMENSION, 3, 2, estimate) for role in Role),
            gates=(GateResult(f"{_DIMENSION.name} at least 0.1", GateStatus.PASS, "0.6", _DIMENSION.name, estimate),),
            controls=(ControlResult("example", "black", "a black picture scores 0", True),),
            finding_counts={"dark": {"student": 1, "teacher": 1}},
        )

    def cases(self) -> Iterator[CaseResult]:
        yield from self._cases

    def picture_path(self, sample: Sample) -> Path:
        return self._pictures / f"{sample.sha256}{sample.suffix}"

    def _case(self, case_id: str, prompt: str, shade: int | None) -> CaseResult:
        case = Case(case_id, prompt, width=128, height=128, category="signs", texts=(TextTarget("OPEN"),))
        samples = {role: self._sample(role, case, shade) for role in Role}
        return CaseResult(case, 0, samples, {role: (_verdict(shade),) for role in Role})

    def _sample(self, role: Role, case: Case, shade: int | None) -> Sample:
        if shade is None:
            return Sample("key", role, case.id, 0, "fingerprint", 1, error="out of memory")
        data = encode_png(example_pixels(shade))
        sha256 = hashlib.sha256(data).hexdigest()
        (self._pictures / f"{sha256}.png").write_bytes(data)
        return Sample("key", role, case.id, 0, "fingerprint", 1, sha256, ".png", 128, 128, nfe=4, seconds=0.5)


def _verdict(shade: int | None) -> Verdict:
    name = _DIMENSION.name
    if shade is None:
        return Verdict("example", (Score(name, Status.SKIPPED, reason="no picture: out of memory"),))
    dark = Finding("dark", Box(32, 32, 64, 64), 0.6, "level", 0.8, f"too dark {_HOSTILE}")
    return Verdict("example", (Score(name, Status.SCORED, shade / 255),), (dark,) if shade < 100 else ())
