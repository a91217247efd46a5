"""Whether a judge has looked for a kind of finding: what its scores on one picture say of that kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.api.records import FindingKind, Status, Verdict
from evalkit.verdict.evidence import NO_ROW, Cell


def look(kind: FindingKind, verdict: Verdict) -> Cell:
    """Scored if one of the dimensions that the kind names is; of a kind that names none, all must be.

    Dimensions that do not apply to the case are not asked for; if none applies, neither does the kind.
    """
    scores = [score for score in verdict.scores if not kind.dimensions or score.dimension in kind.dimensions]
    if not scores:
        return Cell(Status.SKIPPED, reason=NO_ROW)
    asked = [score for score in scores if score.status is not Status.NOT_APPLICABLE]
    if not asked:
        return Cell(Status.NOT_APPLICABLE, reason=scores[0].reason)
    missing = [score for score in asked if score.value is None]
    if not missing or (kind.dimensions and len(missing) < len(asked)):
        return Cell(Status.SCORED, 0.0)
    return Cell(missing[0].status, reason=missing[0].reason)


def looked(verdicts: Sequence[Verdict], wanted: Mapping[str, Sequence[FindingKind]]) -> Cell:
    """One cell for all kinds of a gate: scored if each judge has looked for each of its kinds that the case concerns.

    Args:
        verdicts: on one picture.
        wanted: by judge, the kinds that it is to look for.
    """
    said = {verdict.judge: verdict for verdict in verdicts}
    cells = [
        look(kind, said[judge]) if judge in said else Cell(Status.SKIPPED, reason=NO_ROW)
        for judge, kinds in wanted.items()
        for kind in kinds
    ]
    asked = [cell for cell in cells if cell.status is not Status.NOT_APPLICABLE]
    if not asked:
        return Cell(Status.NOT_APPLICABLE, reason=cells[0].reason if cells else "not asked")
    return next((cell for cell in asked if cell.value is None), Cell(Status.SCORED, 0.0))
