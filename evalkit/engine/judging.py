"""Has one judge judge one picture: there is always a verdict, whatever the judge does."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.api.errors import EvalkitError, JudgeError, UnavailableError
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Control, Judge
from evalkit.api.records import Case, FindingKind, Role, Score, Status, Verdict, grade_of
from evalkit.api.results import ControlResult
from evalkit.api.scope import kinds_of
from evalkit.formats.keys import dump
from evalkit.plugins.conformance import verdict_problem


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

    Findings carry the grade that their kind declares. Dimensions in `outside` do not apply, whatever the judge says.

    Raises:
        UnavailableError: the judge can't judge any picture.
    """
    try:
        verdict = judge.judge(picture, case, twin)
        if problem := verdict_problem(judge, verdict):
            raise JudgeError(problem)
        verdict = complete(judge, verdict, outside or {})
        dump(verdict)  # evidence that JSON can't hold is this judge's error, not the store's
        return verdict
    except UnavailableError:
        raise
    except EvalkitError as error:
        return in_scope(blank(judge, Status.ERROR, str(error)), outside or {})
    except Exception as error:  # a judge is a plug-in: its bug marks its cells, the run goes on
        trace = "".join(traceback.format_exception(error)[-3:])
        failed = blank(judge, Status.ERROR, f"{type(error).__name__}: {error}", {"traceback": trace})
        return in_scope(failed, outside or {})


def blank(judge: Judge, status: Status, reason: str, evidence: dict[str, str] | None = None) -> Verdict:
    """A verdict without values: every dimension of the judge has this status and this reason."""
    scores = tuple(Score(dimension.name, status, reason=reason) for dimension in judge.dimensions)
    return Verdict(judge.name, scores, evidence=evidence or {})


def complete(judge: Judge, verdict: Verdict, outside: Mapping[str, str]) -> Verdict:
    """The same verdict, with the dimensions marked that do not apply, and every finding with its grade.

    Raises:
        JudgeError: a finding of a kind that the judge does not declare.
    """
    return _graded(in_scope(verdict, outside), kinds_of(judge))


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
    """Whether the judge gives the right verdict on a control picture."""
    verdict = look(judge, control.case, control.picture, control.twin)
    failed = any(score.status is Status.ERROR for score in verdict.scores)
    passed = not failed and control.passes(verdict)
    scores = ", ".join(f"{s.dimension} {s.value:.4g}" if s.value is not None else s.reason for s in verdict.scores)
    kinds = ", ".join(sorted({finding.kind for finding in verdict.findings})) or "no findings"
    return ControlResult(judge.name, control.name, control.rule, passed, f"{scores}; {kinds}", control.dimensions)
