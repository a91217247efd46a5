"""Which findings fail a case: the one rule that comparison, verdict, JUnit, summary, report and leaderboard share."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.api.records import Finding, Verdict
from evalkit.api.results import FAILING_SEVERITY

__all__ = ["FAILING_SEVERITY", "fails", "is_failure"]


def is_failure(finding: Finding, least: float = FAILING_SEVERITY) -> bool:
    """Whether a finding is severe enough to fail its case; `least` is the smallest severity that is."""
    return finding.severity >= least


def fails(verdicts: Iterable[Verdict]) -> bool:
    """Whether a picture with these verdicts fails: it has a finding that is a failure."""
    return any(is_failure(finding) for verdict in verdicts for finding in verdict.findings)
