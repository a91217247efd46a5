"""How far each judge can be trusted: its controls, the scores it gave and left out, and the faults it detects."""

from __future__ import annotations

from typing import NamedTuple

from evalkit.api.results import ControlResult, DimensionResult, RunSummary
from evalkit.reports.detection import Detection, shipped_detection
from evalkit.reports.html.missing_scores import Missing, MissingScores


class JudgeRow(NamedTuple):
    """One judge: `results` are its dimensions, each role's; `missing` says why scores are missing, where counted.

    `detection` is `None` where nobody has measured which faults it detects.
    """

    name: str
    version: str
    results: tuple[DimensionResult, ...]
    controls: tuple[ControlResult, ...]
    missing: tuple[Missing, ...]
    detection: Detection | None = None

    @property
    def n_right(self) -> int:
        """Controls that were judged correctly."""
        return sum(control.passed for control in self.controls)

    @property
    def n_expected(self) -> int:
        """Scores it was to give."""
        return sum(result.n_expected for result in self.results)

    @property
    def n_scored(self) -> int:
        """Scores it gave."""
        return sum(result.n_scored for result in self.results)


def judge_rows(summary: RunSummary, missing: MissingScores | None) -> list[JudgeRow]:
    """Every judge that measured something or had a control, those that judged a control wrongly first."""
    names = dict.fromkeys([d.judge for d in summary.dimensions] + [c.judge for c in summary.controls])
    rows = [_row(name, summary, missing) for name in names]
    return sorted(rows, key=lambda row: row.n_right == len(row.controls))


def _row(name: str, summary: RunSummary, missing: MissingScores | None) -> JudgeRow:
    results = tuple(result for result in summary.dimensions if result.judge == name)
    controls = tuple(sorted((c for c in summary.controls if c.judge == name), key=lambda c: c.passed))
    version = results[0].judge_version if results else ""
    reasons = tuple(missing.of(name)) if missing else ()
    return JudgeRow(name, version, results, controls, reasons, shipped_detection(name, version))
