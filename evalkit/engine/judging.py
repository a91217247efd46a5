"""Has one judge judge one picture: there is always a verdict, whatever the judge does."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.api.errors import EvalkitError, JudgeError, StoppedByUser, UnavailableError
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Control, Judge
from evalkit.api.records import Case, FindingKind, Role, Score, Status, Verdict, grade_of
from evalkit.api.results import ControlResult
from evalkit.api.scope import kinds_of
from evalkit.formats.foreign_text import readable, said
from evalkit.plugins.values import FaultyValue, checked_control, checked_verdict, stored


@dataclass(frozen=True, slots=True)
class JudgeTask:
    """One picture for one judge, and the cell of the run that its verdict belongs to."""

    key: str
    role: Role
    idx: int
    seed: int
    case: Case
    picture: Picture
    twin: Picture | None
    outside: Mapping[str, str] = field(default_factory=dict)
    """Dimension -> why it does not apply to the case."""


def look(
    judge: Judge, case: Case, picture: Picture, twin: Picture | None, outside: Mapping[str, str] | None = None
) -> Verdict:
    """The judge's verdict; if the judge fails, a verdict with `error` for every dimension.

    Findings carry the grade that their kind declares. Dimensions in `outside` do not apply, whatever the judge says;
    that any other does not apply is an error of its cell. `outside` is `None` for a control, of which nothing is known.

    Raises:
        UnavailableError: the judge can't judge any picture.
    """
    try:
        given = checked_verdict(judge, judge.judge(picture, case, twin), picture)
        asked = given if outside is None else without_excuses(given, outside)
        return stored(complete(judge, asked, outside or {}))
    except (UnavailableError, StoppedByUser):
        raise
    except FaultyValue as problem:
        return in_scope(blank(judge, Status.ERROR, str(problem)), outside or {})
    except EvalkitError as error:
        return in_scope(blank(judge, Status.ERROR, readable(error)), outside or {})
    except BaseException as error:  # a judge is a plug-in: its bug, or its `sys.exit`, marks its cells; the run goes on
        trace = readable("".join(traceback.format_exception(error)[-3:]), 20_000)
        failed = blank(judge, Status.ERROR, said(error), {"traceback": trace})
        return in_scope(failed, outside or {})


def blank(judge: Judge, status: Status, reason: str, evidence: dict[str, str] | None = None) -> Verdict:
    """A verdict without values: every dimension of the judge has this status and this reason."""
    reason = reason or "no reason is given"
    scores = tuple(Score(dimension.name, status, reason=reason) for dimension in judge.dimensions)
    return Verdict(judge.name, scores, evidence=evidence or {})


def complete(judge: Judge, verdict: Verdict, outside: Mapping[str, str]) -> Verdict:
    """The same verdict, with the dimensions marked that do not apply, and every finding with its grade.

    Raises:
        JudgeError: a finding of a kind that the judge does not declare.
    """
    return _graded(in_scope(verdict, outside), kinds_of(judge))


def without_excuses(verdict: Verdict, outside: Mapping[str, str]) -> Verdict:
    """The same verdict, with an error where the judge says on its own that a dimension does not apply, or is skipped.

    What does not apply counts in no figure. So it must be said before the judge has looked, by `applies`: else bad
    pictures could be left out.
    """

    def answered(score: Score) -> Score:
        if score.status not in (Status.NOT_APPLICABLE, Status.SKIPPED) or score.dimension in outside:
            return score
        said = f"the judge says `{score.status.value}` after looking ({score.reason}), which only its `applies` may say"
        return Score(score.dimension, Status.ERROR, reason=said)

    return dataclasses.replace(verdict, scores=tuple(map(answered, verdict.scores)))


def in_scope(verdict: Verdict, outside: Mapping[str, str]) -> Verdict:
    """The same verdict, with the dimensions marked that do not apply to the case."""
    if not outside:
        return verdict
    scores = tuple(
        Score(score.dimension, Status.NOT_APPLICABLE, reason=outside[score.dimension])
        if score.dimension in outside
        else score
        for score in verdict.scores
    )
    return dataclasses.replace(verdict, scores=scores)


def _graded(verdict: Verdict, kinds: Mapping[str, FindingKind]) -> Verdict:
    """The same verdict, every finding with its grade. Raises `JudgeError` for a kind that is not declared."""
    unknown = sorted({finding.kind for finding in verdict.findings} - kinds.keys())
    if unknown:
        raise JudgeError(f"the judge reports findings of the kind `{unknown[0]}`, which it does not declare in `kinds`")
    declared = (dataclasses.replace(f, grade=f.grade or kinds[f.kind].grade) for f in verdict.findings)
    return dataclasses.replace(verdict, findings=tuple(dataclasses.replace(f, grade=grade_of(f)) for f in declared))


def try_control(judge: Judge, control: Control) -> ControlResult:
    """Whether the judge gives the right verdict on a control picture. What it makes of a control is foreign code."""
    verdict = look(judge, control.case, control.picture, control.twin)
    failed = any(score.status is Status.ERROR for score in verdict.scores)
    passed = not failed and bool(control.passes(verdict))
    scores = ", ".join(f"{s.dimension} {s.value:.4g}" if s.value is not None else s.reason for s in verdict.scores)
    kinds = ", ".join(sorted({finding.kind for finding in verdict.findings})) or "no findings"
    made = ControlResult(judge.name, control.name, control.rule, passed, f"{scores}; {kinds}", control.dimensions)
    return checked_control(judge, made)
