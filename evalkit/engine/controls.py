"""Controls: pictures whose right verdict is known, shown to every judge before its word is taken."""

from __future__ import annotations

from evalkit.engine.judging import look
from evalkit.engine.plan import Plan
from evalkit.protocols import Control, Judge
from evalkit.records import Status, Verdict
from evalkit.results import ControlResult
from evalkit.store.run_store import RunStore


def run_controls(plan: Plan, store: RunStore) -> tuple[ControlResult, ...]:
    """The result of every control of every judge; those this judge has already passed in this run are not repeated.

    Raises:
        UnavailableError: a judge can look at nothing.
    """
    known = {(fingerprint, result.name): result for fingerprint, result in store.control_results() if result.passed}
    results = []
    for judge in plan.judges:
        fingerprint = judge.fingerprint()
        for control in judge.controls():
            result = known.get((fingerprint, control.name)) or _try(judge, control)
            store.put_control(fingerprint, result)
            results.append(result)
    return tuple(results)


def _try(judge: Judge, control: Control) -> ControlResult:
    verdict = look(judge, control.case, control.picture, control.twin)
    failed = [score for score in verdict.scores if score.status is Status.ERROR]
    passed = not failed and control.passes(verdict)
    return ControlResult(judge.name, control.name, control.rule, passed, _detail(verdict))


def _detail(verdict: Verdict) -> str:
    scores = ", ".join(f"{s.dimension} {s.value:.4g}" if s.value is not None else s.reason for s in verdict.scores)
    kinds = ", ".join(sorted({finding.kind for finding in verdict.findings})) or "no findings"
    return f"{scores}; {kinds}"
