"""Has one judge judge one picture: there is always a verdict, whatever the judge does."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from evalkit.api.errors import EvalkitError, JudgeError, UnavailableError
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Control, Judge
from evalkit.api.records import Case, Role, Score, Status, Verdict
from evalkit.api.results import ControlResult
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


def look(judge: Judge, case: Case, picture: Picture, twin: Picture | None) -> Verdict:
    """The judge's verdict; if the judge fails, a verdict with `error` for every dimension.

    Raises:
        UnavailableError: the judge can't judge any picture.
    """
    try:
        verdict = judge.judge(picture, case, twin)
        if problem := verdict_problem(judge, verdict):
            raise JudgeError(problem)
        dump(verdict)  # evidence that JSON can't hold is this judge's error, not the store's
        return verdict
    except UnavailableError:
        raise
    except EvalkitError as error:
        return blank(judge, Status.ERROR, str(error))
    except Exception as error:  # a judge is a plug-in: its bug marks its cells, the run goes on
        trace = "".join(traceback.format_exception(error)[-3:])
        return blank(judge, Status.ERROR, f"{type(error).__name__}: {error}", {"traceback": trace})


def blank(judge: Judge, status: Status, reason: str, evidence: dict[str, str] | None = None) -> Verdict:
    """A verdict without values: every dimension of the judge has this status and this reason."""
    scores = tuple(Score(dimension.name, status, reason=reason) for dimension in judge.dimensions)
    return Verdict(judge.name, scores, evidence=evidence or {})


def try_control(judge: Judge, control: Control) -> ControlResult:
    """Whether the judge gives the right verdict on a control picture."""
    verdict = look(judge, control.case, control.picture, control.twin)
    failed = any(score.status is Status.ERROR for score in verdict.scores)
    passed = not failed and control.passes(verdict)
    scores = ", ".join(f"{s.dimension} {s.value:.4g}" if s.value is not None else s.reason for s in verdict.scores)
    kinds = ", ".join(sorted({finding.kind for finding in verdict.findings})) or "no findings"
    return ControlResult(judge.name, control.name, control.rule, passed, f"{scores}; {kinds}")
