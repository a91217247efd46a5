"""GitHub annotations: workflow commands printed to the log (docs.github.com, "Workflow commands")."""

from __future__ import annotations

from evalkit.api.results import GateStatus, Outcome, RunSummary
from evalkit.reports.escape import command_data, command_property
from evalkit.reports.failures import Failure, Failures, Merged, expected_and_read
from evalkit.reports.wording import BLAMES, gate_state, outcome_of

NAMED = 10
"""Most cases that one annotation names."""


def command(level: str, title: str, message: str) -> str:
    """One workflow command, `::error title=…::…`. Untrusted text stays text in it.

    Args:
        level: `error`, `warning` or `notice`.
        title: heading of the annotation.
        message: text of the annotation.
    """
    return f"::{level} title={command_property(title)}::{command_data(message)}"


def workflow_commands(summary: RunSummary, failures: Failures, limit: int) -> list[str]:
    """At most `limit` commands of each level: errors for what decided the outcome, warnings for failures.

    A run that ends with exit 0 has no errors: that it is undecided is a warning (`undecided: warn`). GitHub shows 10
    errors and 10 warnings of a step; a notice counts those that were left out.
    """
    level = "error" if summary.exit_code else "warning"
    undecided = summary.reasons if outcome_of(summary) is Outcome.UNDECIDED else ()
    decisive = [command(level, "evalkit: undecided", reason) for reason in undecided]
    decisive += [
        command(level, f"evalkit: gate failed: {gate.rule}", gate.detail)
        for gate in summary.gates
        if gate.status is GateStatus.FAIL
    ]
    errors, warnings = (decisive, []) if summary.exit_code else ([], decisive)
    n_warnings = len(warnings) + failures.n
    warnings = [*warnings, *(_failure(failure) for failure in failures.worst)]
    notices = [
        command("notice", f"evalkit: {gate_state(gate)}: {gate.rule}", gate.detail)
        for gate in summary.gates
        if gate.status is GateStatus.UNDECIDED
    ]
    if failures.n_inherited:
        notices.insert(0, _inherited(failures))
    cut = max(0, len(errors) - limit) + max(0, n_warnings - limit) + max(0, len(notices) - limit)
    more = [command("notice", "evalkit", f"{cut:,} more: see the summary and the report")] if cut else []
    return [*errors[:limit], *warnings[:limit], *notices[:limit], *more]


def _inherited(failures: Failures) -> str:
    n = failures.n_inherited
    named = ", ".join(f"{one.case_id} [seed {one.seed}]" for one in failures.inherited[:NAMED])
    what = f"{n:,} case{'' if n == 1 else 's'} with failures that the teacher has, too, and no failed gate counted"
    return command("notice", "evalkit: inherited", f"{what}: {named}{', …' if n > NAMED else ''}")


def _failure(failure: Failure) -> str:
    since = failure.bucket.value if failure.bucket else "failure"
    parts = [_found(one) for one in failure.found[:1]] + [one.in_words for one in failure.counted]
    parts += [f"also {one.kind}" + (f" ×{one.n}" if one.n > 1 else "") for one in failure.found[1:]]
    return command("warning", f"evalkit: {since}: {failure.case_id} [seed {failure.seed}]", "; ".join(parts))


def _found(one: Merged) -> str:
    finding = one.worst
    texts = [
        f"{name} “{text}”"
        for name, text in zip(("expected", "read"), expected_and_read(finding), strict=True)
        if text is not None and text not in finding.message
    ]
    box = finding.box
    facts = [
        *texts,
        f"at [{box.x0:g}, {box.y0:g}, {box.x1:g}, {box.y1:g}] px",
        f"grade {one.grade.value}",
        f"severity {finding.severity:.2f}",
        *([BLAMES[finding.blame.value]] if finding.blame else []),
    ]
    many = f" ×{one.n}, the worst" if one.n > 1 else ""
    return f"{one.kind}{many}: {finding.message} ({', '.join(facts)})"
