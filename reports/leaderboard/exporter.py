"""`leaderboard.json`: one entry per generator of the run, with the schema it obeys beside it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from evalkit import settings
from evalkit.records import JSON
from evalkit.results import DimensionResult, GeneratorResult, Interval, RunResults, RunSummary
from reports.files import replacing_file

SCHEMA = "leaderboard.schema.json"


class LeaderboardExporter:
    """A JSON file of leaderboard entries, each figure with its interval, its counts and its judge."""

    class Settings(settings.Settings):
        """Nothing to set."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write `leaderboard.json` and its schema into `out`; the path of the former."""
        target = out / "leaderboard.json"
        with replacing_file(out / SCHEMA) as file:
            file.write(schema_text())
        with replacing_file(target) as file:
            json.dump(leaderboard(results.summary()), file, indent=2, ensure_ascii=True, allow_nan=False)
            file.write("\n")
        return target


def schema_text() -> str:
    """The published JSON Schema (draft 2020-12) of the file."""
    return (files(__package__) / "schema.json").read_text(encoding="utf-8")


def leaderboard(summary: RunSummary) -> JSON:
    """The file's content. A figure that is missing is null, and the counts beside it say why."""
    return {
        "$schema": SCHEMA,
        "format_version": 1,
        "created": summary.created,
        "evalkit_version": summary.evalkit_version,
        "command": summary.command,
        "outcome": summary.outcome.value,
        "coverage": summary.coverage,
        "entries": [_entry(generator, summary) for generator in summary.generators],
    }


def _entry(generator: GeneratorResult, summary: RunSummary) -> JSON:
    return {
        "generator": generator.name,
        "role": generator.role.value,
        "benchmark": summary.benchmark,
        "benchmark_version": summary.benchmark_version,
        "benchmark_digest": summary.benchmark_digest,
        "n_cases": summary.n_cases,
        "seeds": summary.seeds,
        "n_pictures": generator.n_pictures,
        "n_errors": generator.n_errors,
        "nfe": generator.nfe,
        "seconds_per_picture": generator.seconds_per_picture,
        "hardware": generator.hardware,
        "licence": generator.licence,
        "settings": dict(generator.settings),
        "dimensions": [_figure(result) for result in summary.dimensions if result.role is generator.role],
    }


def _figure(result: DimensionResult) -> JSON:
    estimate = result.estimate
    return {
        "dimension": result.dimension.name,
        "description": result.dimension.description,
        "unit": result.dimension.unit,
        "higher_is_better": result.dimension.higher_is_better,
        "value": estimate.value if estimate else None,
        "ci_low": estimate.low if estimate else None,
        "ci_high": estimate.high if estimate else None,
        "confidence": estimate.confidence if estimate else None,
        "n_scored": result.n_scored,
        "n_expected": result.n_expected,
        "judge": result.judge,
        "judge_version": result.judge_version,
        "difference_to_teacher": _difference(result.difference),
    }


def _difference(difference: Interval | None) -> JSON:
    if difference is None:
        return None
    return {
        "value": difference.value,
        "ci_low": difference.low,
        "ci_high": difference.high,
        "confidence": difference.confidence,
        "n_cases": difference.n,
    }
