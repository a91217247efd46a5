"""`verdict.json`: the outcome of a run and its reasons for machines, beside the JSON schema of the file."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path

from pydantic import Field

from evalkit.api import settings
from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_OK, EXIT_UNDECIDED
from evalkit.api.records import JSON
from evalkit.api.results import (
    Bucket,
    CellCounts,
    Comparison,
    DimensionChange,
    DimensionResult,
    GateResult,
    GeneratorResult,
    Interval,
    Outcome,
    RunResults,
    RunSummary,
)
from evalkit.reports.dimensions import not_applicable
from evalkit.reports.escape import clip
from evalkit.reports.failures import Counted, Failure, Failures, collect_failures, expected_and_read
from evalkit.reports.files import replacing_file
from evalkit.reports.wording import outcome_of

SCHEMA = "verdict.schema.json"
FORMAT_VERSION = 2
MAX_TEXT = 2_000
EXITS = {
    Outcome.PASSED: (EXIT_OK, "finished, every gate passed"),
    Outcome.MEASURED: (EXIT_OK, "measured, no gate applied"),
    Outcome.FAILED: (EXIT_GATE_FAILED, "finished, a gate failed (regression)"),
    Outcome.UNDECIDED: (
        EXIT_UNDECIDED,
        "could not be decided: a gate is undecided (evidence is missing, or there are too few cases), coverage is "
        "below the limit, a control failed (judge invalid), or a server or device was missing",
    ),
}
"""The exit code of `evalkit run` for an outcome, and what it means."""
UNDECIDED_BUT_ONLY_WARNS = (
    "undecided, no gate failed; a gate has too few cases to decide, which only warns (`undecided: warn`)"
)


class VerdictExporter:
    """A JSON file with the outcome, its reasons, gates, changes since the baseline and the worst new failures."""

    class Settings(settings.Settings):
        """How many failures to list."""

        worst_failures: int = Field(default=50, ge=0, le=1000)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write `verdict.json` and its schema into `out`; the path of the former."""
        target = out / "verdict.json"
        content = verdict(results.summary(), collect_failures(results, self.settings.worst_failures))
        with replacing_file(out / SCHEMA) as file:
            file.write(schema_text())
        with replacing_file(target) as file:
            json.dump(content, file, indent=2, ensure_ascii=True, allow_nan=False)
            file.write("\n")
        return target


def schema_text() -> str:
    """The published JSON Schema (draft 2020-12) of the file."""
    return (files(__package__) / SCHEMA).read_text(encoding="utf-8")


def verdict(summary: RunSummary, failures: Failures) -> JSON:
    """The file's content. A missing figure is null, never a number; so is a comparison that was not made."""
    outcome = outcome_of(summary)
    exit_code, meaning = EXITS[outcome]
    if summary.outcome is Outcome.UNDECIDED and summary.exit_code == EXIT_OK:
        exit_code, meaning = EXIT_OK, UNDECIDED_BUT_ONLY_WARNS
    return {
        "$schema": SCHEMA,
        "format_version": FORMAT_VERSION,
        "outcome": outcome.value,
        "exit_code": exit_code,
        "exit_meaning": meaning,
        "reasons": [_text(reason) for reason in summary.reasons],
        "created": _text(summary.created),
        "evalkit_version": _text(summary.evalkit_version),
        "command": _text(summary.command),
        "run_digest": _text(summary.run_digest) or None,
        "benchmark": {
            "name": _text(summary.benchmark),
            "version": _text(summary.benchmark_version),
            "digest": _text(summary.benchmark_digest),
            "n_cases": summary.n_cases,
            "seeds": summary.seeds,
        },
        "coverage": summary.coverage,
        "gates": [_gate(gate) for gate in summary.gates],
        "controls": [
            {
                "judge": _text(control.judge),
                "name": _text(control.name),
                "rule": _text(control.rule),
                "passed": control.passed,
                "detail": _text(control.detail),
            }
            for control in summary.controls
        ],
        "judges": [
            {"name": _text(name), "version": _text(version)}
            for name, version in dict.fromkeys((row.judge, row.judge_version) for row in summary.dimensions)
        ],
        "dimensions": [_dimension(row, not_applicable(summary, row)) for row in summary.dimensions],
        "comparison": _comparison(summary.comparison) if summary.comparison else None,
        "flaky": [_text(case_id) for case_id in summary.flaky],
        "finding_counts": {_text(kind): dict(counts) for kind, counts in sorted(summary.finding_counts.items())},
        "failures": {
            "n": failures.n,
            "n_new": failures.n_new,
            "cases": [{"case": case, "seed": seed} for case, seed in failures.everyone],
            "worst": [_failure(failure) for failure in failures.worst],
            "n_flaky": failures.n_flaky,
            "n_inherited": failures.n_inherited,
            "inherited": [_failure(failure) for failure in failures.inherited],
        },
        "generators": [_generator(generator) for generator in summary.generators],
        "environment": {_text(name): _text(value) for name, value in summary.environment.items()},
    }


def _gate(gate: GateResult) -> JSON:
    return {
        "rule": _text(gate.rule),
        "status": gate.status.value,
        "detail": _text(gate.detail),
        "dimension": _text(gate.dimension) or None,
        "interval": _interval(gate.interval),
        "detectable": _number(gate.detectable),
        "n_needed": gate.n_needed,
        "n_needed_most": gate.n_needed_most,
        "cause": gate.cause.value if gate.cause else None,
        "warns": gate.warns,
        "asked": _cells(gate.asked) if gate.asked else None,
        "imputed": _interval(gate.imputed),
        "p_value": _number(gate.p_value),
        "p_adjusted": _number(gate.p_adjusted),
        "cases": [_text(case) for case in gate.cases],
    }


def _cells(counts: CellCounts) -> JSON:
    return {
        "student": counts.student,
        "student_scored": counts.student_scored,
        "reference": counts.reference,
        "reference_scored": counts.reference_scored,
        "left_out": counts.left_out,
        "not_applicable": counts.not_applicable,
        "failed": counts.failed,
        "reference_failed": counts.reference_failed,
        "reason": _text(counts.reason),
    }


def _dimension(row: DimensionResult, n_not_applicable: int) -> JSON:
    return {
        "role": row.role.value,
        "judge": _text(row.judge),
        "dimension": _text(row.dimension.name),
        "unit": _text(row.dimension.unit),
        "higher_is_better": row.dimension.higher_is_better,
        "n_scored": row.n_scored,
        "n_expected": row.n_expected,
        "n_not_applicable": n_not_applicable,
        "estimate": _interval(row.estimate),
        "difference_to_teacher": _interval(row.difference),
    }


def _comparison(comparison: Comparison) -> JSON:
    return {
        "baseline": _text(comparison.baseline),
        "baseline_created": _text(comparison.baseline_created),
        "buckets": {bucket.value: comparison.buckets.get(bucket, 0) for bucket in Bucket},
        "incomparable_reasons": {_text(reason): n for reason, n in comparison.reasons.items()},
        "dimensions": [_change(change) for change in comparison.dimensions],
    }


def _change(change: DimensionChange) -> JSON:
    return {
        "dimension": _text(change.dimension),
        "group": _text(change.group),
        "higher_is_better": change.higher_is_better,
        "difference": _interval(change.difference),
        "p_value": _number(change.p_value),
        "p_adjusted": _number(change.p_adjusted),
    }


def _failure(failure: Failure) -> JSON:
    return {
        "case": failure.case_id,
        "seed": failure.seed,
        "bucket": failure.bucket.value if failure.bucket else None,
        **_worst(failure),
        "gates": [_counted(one) for one in failure.counted],
    }


def _worst(failure: Failure) -> dict[str, JSON]:
    """The worst finding of a failure; null where a gate on a dimension alone fails the case."""
    if failure.worst is None:
        names = ("grade", "judge", "kind", "message", "expected", "read", "box", "size", "unit", "severity", "blame")
        return {**dict.fromkeys(names), "n": 0}
    worst = failure.worst
    finding = worst.worst
    expected, read = expected_and_read(finding)
    return {
        "grade": worst.grade.value,
        "judge": _text(worst.judge),
        "kind": _text(finding.kind),
        "n": worst.n,
        "message": _text(finding.message),
        "expected": None if expected is None else _text(expected),
        "read": None if read is None else _text(read),
        "box": [finding.box.x0, finding.box.y0, finding.box.x1, finding.box.y1],
        "size": finding.size,
        "unit": _text(finding.unit),
        "severity": finding.severity,
        "blame": finding.blame.value if finding.blame else None,
    }


def _counted(one: Counted) -> JSON:
    return {
        "rule": _text(one.rule),
        "subject": _text(one.subject) or None,
        "value": _number(one.value),
        "teacher": _number(one.teacher),
        "baseline": _number(one.baseline),
    }


def _generator(generator: GeneratorResult) -> JSON:
    return {
        "role": generator.role.value,
        "name": _text(generator.name),
        "nfe": generator.nfe,
        "seconds_per_picture": _number(generator.seconds_per_picture),
        "n_timed": generator.n_timed,
        "n_pictures": generator.n_pictures,
        "n_errors": generator.n_errors,
        "hardware": _text(generator.hardware) or None,
        "licence": _text(generator.licence) or None,
    }


def _interval(interval: Interval | None) -> JSON:
    if interval is None or _number(interval.value) is None:
        return None
    return {
        "value": interval.value,
        "low": _number(interval.low),
        "high": _number(interval.high),
        "n": interval.n,
        "confidence": interval.confidence,
    }


def _number(value: float | None) -> float | None:
    """The number; `None` for NaN and the infinities, which JSON has no word for."""
    return value if value is not None and math.isfinite(value) else None


def _text(text: str) -> str:
    """The text as data: clipped, and without lone surrogates, which many JSON readers refuse."""
    return clip(text, MAX_TEXT).encode("utf-8", "replace").decode("utf-8")
