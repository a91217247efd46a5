"""Why scores are missing, counted while the cases stream by."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from evalkit.api.records import Status
from evalkit.api.results import CaseResult
from evalkit.reports.escape import one_line

MOST_REASONS = 200
LONGEST_REASON = 300
OTHER = "other reasons"


class Missing(NamedTuple):
    """How many scores of a judge have this status for this reason."""

    status: Status
    reason: str
    n: int


class MissingScores:
    """Counts abstentions, errors and skipped scores by judge and reason; its memory is bounded."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Status, str]] = Counter()

    def add(self, result: CaseResult) -> None:
        """Count the missing scores of one case and seed."""
        for verdict in (verdict for verdicts in result.verdicts.values() for verdict in verdicts):
            for score in verdict.scores:
                if score.status is not Status.SCORED:
                    self._count(verdict.judge, score.status, one_line(score.reason, LONGEST_REASON))

    def of(self, judge: str) -> list[Missing]:
        """What is missing of one judge: errors first, the most frequent reason first."""
        order = (Status.ERROR, Status.SKIPPED, Status.UNSCORED, Status.NOT_APPLICABLE)
        found = [Missing(status, why, n) for (name, status, why), n in self._counts.items() if name == judge]
        return sorted(found, key=lambda missing: (order.index(missing.status), -missing.n))

    def _count(self, judge: str, status: Status, reason: str) -> None:
        known = (judge, status, reason)
        full = len(self._counts) >= MOST_REASONS and known not in self._counts
        self._counts[(judge, status, OTHER) if full else known] += 1
