"""The answer of a run: failed before undecided before passed, and "measured" where no gate was configured."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.api.results import ControlResult, GateResult, GateStatus, Outcome

NO_GATE = "no gate applied: the run was measured, nothing could have failed it"
ONLY_WARNS = "undecided only for too few cases, of which the gates only warn (`undecided: warn`): exit 0"


def decide(
    gates: Sequence[GateResult], controls: Sequence[ControlResult], incomplete: Sequence[str], warnings: Sequence[str]
) -> tuple[Outcome, tuple[str, ...]]:
    """The outcome, and why.

    With gates the gates decide: each of them knows the cells and the judges that it rests on. A run has passed only if
    every gate has. Without gates a failed control or an incomplete dimension leaves the run undecided.

    Args:
        gates: what every gate says.
        controls: what the judges made of pictures whose right verdict is known.
        incomplete: dimensions with too few judged cells, in words.
        warnings: more that a reader of the outcome should know.
    """
    doubts = [f"judge invalid: {c.judge} failed the control `{c.name}` ({c.rule})" for c in controls if not c.passed]
    doubts += incomplete
    if not gates:
        if doubts:
            return Outcome.UNDECIDED, (*doubts, *warnings)
        return Outcome.MEASURED, (NO_GATE, *warnings)
    said = {status: [gate for gate in gates if gate.status is status] for status in GateStatus}
    n_passed = f"{len(said[GateStatus.PASS])} of {len(gates)} gates passed"
    failed = [f"gate failed: {gate.rule}: {gate.detail}" for gate in said[GateStatus.FAIL]]
    open_gates = [f"gate undecided: {gate.rule}: {gate.detail}" for gate in said[GateStatus.UNDECIDED]]
    if failed:
        return Outcome.FAILED, (*failed, *open_gates, *warnings)
    if open_gates:
        lenient = [ONLY_WARNS] if all(gate.warns for gate in said[GateStatus.UNDECIDED]) else []
        return Outcome.UNDECIDED, (*open_gates, n_passed, *lenient, *doubts, *warnings)
    return Outcome.PASSED, (n_passed, *doubts, *warnings)
