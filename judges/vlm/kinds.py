"""The kinds of findings that the rubrics may report, and the grade of a finding."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.api.records import FindingKind, Grade
from evalkit.judges.vlm.rubric import LEVELS, Rubric

ROUGH = 4.0
"""Ratio of sizes from which a finding is worse than the twin's: a box that a model states is not exact."""
TEXT = ("typo", "missing-text", "extra-text", "duplicate-text")
"""Kinds of the family `text`, as in the typography judge. `malformed` is not one: a face can be malformed too."""
_NOT_THERE = "what was asked for is not there, as in the exact judges"
_MORE = "it is seen at once, but all that was asked for is there, as in the typography judge"
_DECLARED = {
    **dict.fromkeys(("typo", "missing-text"), (Grade.FAILURE, _NOT_THERE)),
    **dict.fromkeys(("missing-element", "wrong-count", "wrong-shape", "wrong-order"), (Grade.FAILURE, _NOT_THERE)),
    **dict.fromkeys(("no-change", "wrong-change"), (Grade.FAILURE, "the edit that was asked for did not happen")),
    **dict.fromkeys(("extra-text", "duplicate-text"), (Grade.DEFECT, _MORE)),
}
_BY_LEVEL = "the model rates how bad it is by the level that it gives the picture: see `grade_at`"


def kinds_of_rubrics(rubrics: Sequence[Rubric]) -> tuple[FindingKind, ...]:
    """The kinds that these rubrics may report."""
    reported_by: dict[str, list[Rubric]] = {}
    for rubric in rubrics:
        for name in rubric.kinds:
            reported_by.setdefault(name, []).append(rubric)
    return tuple(_kind(name, names) for name, names in reported_by.items())


def grade_of_kind(kind: str, rubric: Rubric, score: float) -> Grade:
    """The grade of a finding of this kind that came with a level of this score: its kind's own, else `grade_at`."""
    return _DECLARED[kind][0] if kind in _DECLARED else grade_at(rubric, score)


def grade_at(rubric: Rubric, score: float) -> Grade:
    """The grade that a level means, which need not be whole.

    In every rubric level 4 is what is seen only when searched for. The rubric says from which level on the picture does
    not do what was asked (`fails_from`): from 3 on where that is counted (text, compliance, edits), else from 2 on.
    """
    if score >= LEVELS[-1] - 1.5:
        return Grade.BLEMISH
    return Grade.DEFECT if score >= rubric.fails_from + 0.5 else Grade.FAILURE


def _kind(name: str, rubrics: Sequence[Rubric]) -> FindingKind:
    grade, reason = _DECLARED.get(name, (None, _BY_LEVEL))
    said = f"{name.replace('-', ' ')}, as the model reports it under {', '.join(rubric.name for rubric in rubrics)}"
    asked_under = tuple(rubric.dimension for rubric in rubrics)
    return FindingKind(name, "text" if name in TEXT else "", said, grade, reason, ROUGH, asked_under)
