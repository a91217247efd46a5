"""The made-up run of `conftest` compared with a baseline: changes, gate intervals, grain maps, a judge's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from evalkit.api.records import JSON, Blame, Box, Case, Role, Sample, Score, Status, Verdict
from evalkit.api.results import (
    Bucket,
    CaseChange,
    CaseResult,
    CellCounts,
    Comparison,
    DimensionChange,
    GateResult,
    GateStatus,
    Interval,
    RunSummary,
    Undecided,
)
from tests.reports import conftest
from tests.reports.posters import DESIGNS, HEIGHT, TYPOS, WIDTH, draw_poster

CELL = 20
BASELINE = "runs/flash-mini-1180"
_BUCKETS = (
    (Bucket.REGRESSED, ""),
    (Bucket.UNCHANGED, ""),
    (Bucket.REGRESSED, ""),
    (Bucket.FIXED, ""),
    (Bucket.STILL_FAILING, ""),
    (Bucket.UNCHANGED, ""),
    (Bucket.INCOMPARABLE, "the case has changed"),
    (Bucket.NEW_FAILURE, "not in the baseline"),
)


def grain_map(area: Box | None, off: Sequence[Box]) -> JSON:
    """A map as the grain judge writes it: noise in `area`, `None` where `off` lies, little elsewhere."""
    values = np.random.default_rng(3).uniform(0.02, 0.1, (HEIGHT // CELL, WIDTH // CELL + 1))
    cells: list[list[float | None]] = [[round(float(v), 3) for v in row] for row in values]
    for y, row in enumerate(cells):
        for x in range(len(row)):
            cell = Box(x * CELL, y * CELL, (x + 1) * CELL, (y + 1) * CELL)
            if area and area.intersection(cell) > 0:
                row[x] = round(0.3 + 3.1 * area.intersection(cell) / cell.area, 3)
            if any(box.intersection(cell) > 0 for box in off):
                row[x] = None
    return {"cell": CELL, "values": cells}


def with_evidence(result: CaseResult) -> CaseResult:
    """The case with grain maps, and with a language judge's words on the student's picture."""
    verdicts: dict[Role, tuple[Verdict, ...]] = {}
    for role, given in result.verdicts.items():
        words = [Box(*word["box"]) for v in given for word in v.evidence.get("words", [])]
        area = next((f.box for v in given for f in v.findings if f.kind == "grain"), None)
        seen = {"mask": "declared regions", "threshold": 0.12, "median": 0.06, "map": grain_map(area, words)}
        verdicts[role] = tuple(replace(v, evidence=seen) if v.judge == "grain" else v for v in given)
    if result.seed == 0 and Role.STUDENT in verdicts:
        checklist = Verdict("vlm", (Score("checklist", Status.SCORED, 0.5),), (), checklist_evidence(result.case))
        verdicts[Role.STUDENT] = (*(v for v in verdicts[Role.STUDENT] if v.judge != "vlm"), checklist)
    return replace(result, verdicts=verdicts)


def checklist_evidence(case: Case) -> dict[str, JSON]:
    return {
        "answers": [
            {"question": "Is the ground one even colour?", "answer": "no", "expected": "yes", "yes": 0.18},
            {"question": "Is there a button below the lines?", "answer": "yes", "expected": "yes", "yes": 0.97},
        ],
        "said": f"The headline “{case.texts[0].text}” is legible, but the lower right of the ground looks speckled, "
        "as if the picture had been enlarged from a noisy one.",
    }


def change_of(result: CaseResult, position: int, folder: Path) -> CaseChange:
    """What became of the case; in the baseline only what was failing already has a typo."""
    bucket, reason = _BUCKETS[position]
    if bucket is Bucket.NEW_FAILURE:
        return CaseChange(bucket, reason)
    design = DESIGNS[position // 2]
    failing = bucket in (Bucket.FIXED, Bucket.STILL_FAILING)
    asked = f"{design.title} {' '.join(design.lines)}"
    broken = {w: TYPOS[w] for w in TYPOS if w in asked} if failing else {}
    drawn = draw_poster(design, typos=broken, grain=Box(20, 540, 240, 630) if failing else None)
    sample = baseline_sample(result, conftest.store(folder, drawn.png))
    return CaseChange(bucket, reason, sample, (conftest.typography(drawn, dict.fromkeys(broken, Blame.STUDENT_ONLY)),))


def baseline_sample(result: CaseResult, sha: str) -> Sample:
    sample = conftest.a_sample(Role.STUDENT, result.case.id, result.seed, sha)
    return replace(sample, fingerprint="ba" * 32, nfe=8, seconds=0.44, key="77" * 32)


def compared_cases(folder: Path) -> list[CaseResult]:
    """`demo_cases` with evidence and changes."""
    told = [with_evidence(result) for result in conftest.demo_cases(folder)]
    return [replace(result, change=change_of(result, i, folder)) for i, result in enumerate(told)]


def compared_summary() -> RunSummary:
    """`demo_summary` with a comparison, and gates that carry their intervals."""
    calm = conftest.demo_summary()
    buckets = {bucket: sum(b is bucket for b, _ in _BUCKETS) for bucket in Bucket}
    return replace(
        calm,
        gates=gates(),
        comparison=Comparison(BASELINE, "2026-11-16T06:12:00Z", buckets, tuple(changes()), {"the case has changed": 1}),
        flaky=("poster/night-trains",),
        config={
            **calm.config,
            "gates": [
                {"dimension": "clean-ground", "max_drop": 0.15, "against": "teacher", "confidence": 0.95},
                {"dimension": "words", "max_drop": 0.05, "against": "teacher", "confidence": 0.95},
                {"dimension": "ned", "max_value": 0.04, "confidence": 0.95},
                {"finding": "grain", "max_rate": 0.8, "blame": "student-only", "confidence": 0.95},
            ],
        },
        run_digest="4be1" * 16,
    )


def gates() -> tuple[GateResult, ...]:
    return (
        GateResult(
            "clean-ground at most 0.15 worse than the teacher",
            GateStatus.PASS,
            "worse by 0.079 [0.049, 0.109] (n = 4)",
            "clean-ground",
            Interval(0.079, 0.049, 0.109, 4),
            0.044,
        ),
        GateResult(
            "words at most 0.05 worse than the teacher",
            GateStatus.FAIL,
            "worse by 0.081 [0.059, 0.103] (n = 4)",
            "words",
            Interval(0.081, 0.059, 0.103, 4),
            0.031,
        ),
        GateResult(
            "ned at most 0.04",
            GateStatus.UNDECIDED,
            "mean 0.031 [0.007, 0.055] (n = 4); 29 to 90 cases would decide it 8 times in 10",
            "ned",
            Interval(0.031, 0.007, 0.055, 4),
            0.034,
            29,
            90,
            Undecided.POWER,
            asked=CellCounts(8, 7, 8, 8, not_applicable=2, failed=1, reason="no picture (1 cell)"),
        ),
        GateResult(
            "grain in at most 0.8 of the cases",
            GateStatus.UNDECIDED,
            "nothing was scored",
            "grain",
            cause=Undecided.EVIDENCE,
            asked=CellCounts(8, 0, reason="no flat ground (8 cells)"),
        ),
    )


def changes() -> list[DimensionChange]:
    groups = {
        "all": 1.0,
        "task:t2i": 1.0,
        "category:events": 1.6,
        "category:food": 0.4,
        "category:travel": 0.8,
    }
    told = []
    for name, higher, value, half in (
        ("words", True, -0.046, 0.03),
        ("ned", False, 0.009, 0.011),
        ("clean-ground", True, 0.038, 0.021),
        ("residual", False, -0.11, 0.18),
    ):
        for group, factor in groups.items():
            middle, reach = value * factor, half * (1 if group == "all" else 1.7)
            p = 0.004 if abs(middle) > reach else 0.31
            told.append(
                DimensionChange(
                    name,
                    group,
                    higher,
                    Interval(middle, middle - reach, middle + reach, 4 if group == "all" else 2),
                    p,
                    min(1.0, p * 5),
                )
            )
    told.append(DimensionChange("checklist", "all", True, None))
    return told


def compared_run(folder: Path) -> conftest.FakeRunResults:
    """The whole of it, with its pictures in `folder`."""
    results = compared_cases(folder)
    return conftest.FakeRunResults(compared_summary(), folder, lambda: iter(results))
