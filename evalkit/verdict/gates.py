"""Gates: rules decided on the bounds of a confidence interval, and honest about what they can't tell.

A gate passes if its bound holds whatever the missing cells hold, fails if the scored cells alone break it, and is
undecided otherwise. Gates fail by p-values that are corrected for the number of gates (Holm 1979), so that a run that
is as good as its reference fails by chance no more often than one gate alone would. Passes need no correction: all
gates must pass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.api.results import CellCounts, GateResult, GateStatus, Interval, Undecided
from evalkit.config.model import Gate
from evalkit.stats.intervals import level_above, mean_interval
from evalkit.stats.multiplicity import holm
from evalkit.stats.power import cases_needed, detectable
from evalkit.verdict.evidence import Evidence

POWER = 0.8
"""The power at which the smallest detectable difference is stated."""
PLAUSIBLE = 0.8
"""Confidence of the interval of true values for which the number of cases needed is stated."""
ROUNDING = 1e-9
"""Tolerance of a share of a whole number of cells."""
LEAST_APART = 10
"""On a side without a limit a gate says nothing unless this many cases differ from the most common value."""


@dataclasses.dataclass(frozen=True)
class Ruling:
    """What the data say of one gate by itself, before the correction for several gates.

    Args:
        gate: the rule.
        interval: of the scored cells. `None` where nothing was scored.
        imputed: with every missing cell at its least favourable value; `None` where that is not known.
        p_value: the smallest one-sided level at which the scored cells break the bound.
        p_pass: the smallest one-sided level at which the bound holds with every missing cell imputed.
        watched: whether the gate passes by `p_pass` and not by `imputed`, because an e-process has watched it.
        counts: the cells.
        lack: why the evidence does not suffice to decide at all; empty if it does.
        cases: ids of the cases that break the bound by themselves.
        detail: more for people, such as how it was decided.
        missing: what of the evidence is missing that is none of these cells, in words; empty if nothing is.
    """

    gate: Gate
    interval: Interval | None
    imputed: Interval | None
    p_value: float
    counts: CellCounts | None = None
    lack: str = ""
    cases: tuple[str, ...] = ()
    detail: str = ""
    detectable: float | None = None
    needed: tuple[int, int] | None = None
    p_pass: float = 1.0
    watched: bool = False
    missing: str = ""

    @property
    def has_gaps(self) -> bool:
        """Whether any evidence that was asked for is missing; nothing scored at all counts as that."""
        cells = self.counts is not None and _gaps(self.gate, self.counts)
        return bool(self.missing) or self.interval is None or cells


def describe(gate: Gate) -> str:
    """The rule in words."""
    where = gate.where.describe() if gate.where else ""
    if gate.finding:
        whose = "" if gate.blame is None else f" ({gate.blame.value})"
        grade = "" if gate.grade.value == "failure" else f" of grade {gate.grade.value} or worse"
        return f"{gate.finding}{grade}{whose} in at most {gate.max_rate:.3g} of the cases{where}"
    if gate.min_value is not None:
        return f"{gate.dimension} at least {gate.min_value:g}{where}"
    if gate.max_value is not None:
        return f"{gate.dimension} at most {gate.max_value:g}{where}"
    return f"{gate.dimension} at most {gate.max_drop:g} worse than the {gate.against}{where}"


def bound_of(gate: Gate) -> float:
    """The figure the rule compares with."""
    bounds = (gate.min_value, gate.max_value, gate.max_drop, gate.max_rate)
    return next(bound for bound in bounds if bound is not None)


def is_upper(gate: Gate) -> bool:
    """Whether the bound is one from above: all are but `min_value`."""
    return gate.min_value is None


def rule_on(
    gate: Gate,
    evidence: Evidence,
    *,
    low: float | None,
    high: float | None,
    min_coverage: float,
    paired: bool,
    cases: Sequence[str] = (),
) -> Ruling:
    """What the cells of a run say of one gate.

    Args:
        gate: the rule.
        evidence: one value per case of what it bounds.
        low: smallest possible value, `None` if unbounded.
        high: largest possible value.
        min_coverage: share of the asked cells that must have a verdict (a score or an abstention) on each side.
        paired: whether the reference's cells are part of the figure.
        cases: ids of the cases that break the bound by themselves.
    """
    values, filled = evidence.scored, evidence.imputed
    interval = _interval(gate, values, low, high)
    open_end = (high if is_upper(gate) else low) is None
    unknown = open_end and bool(len(values)) and not tells_of_others(values)
    return Ruling(
        gate,
        interval,
        None if filled is None else _interval(gate, filled, low, high),
        p_breaks(gate, values, low, high),
        evidence.counts,
        lack_of(gate, evidence.counts, min_coverage, paired=paired),
        tuple(cases),
        detail=_UNKNOWN if unknown else "",
        detectable=_detectable(values, gate.confidence),
        needed=None if unknown else _needed(gate, values, low, high),
        p_pass=p_holds(gate, filled, low, high),
    )


_UNKNOWN = (
    f"fewer than {LEAST_APART} cases differ from the most common value, and the dimension declares no `worst`, so "
    "it is not known how bad another case may be"
)


def tells_of_others(values: NDArray[np.float64]) -> bool:
    """Whether values without a limit tell how far out others may lie: enough of them differ from the most common one.

    A sample of zeros says nothing about the size of the first defect, and one with three defects little about the
    fourth: no interval of an unlimited mean is valid for every population (Bahadur & Savage 1956). With 95 % zeros and
    exponential defects a gate passes wrongly in 13 % of runs of 50 cases; by this rule such runs are undecided.
    """
    _, times = np.unique(values, return_counts=True)
    return len(values) - int(times.max(initial=0)) >= LEAST_APART


def _interval(gate: Gate, values: NDArray[np.float64], low: float | None, high: float | None) -> Interval | None:
    """The interval of the mean at the gate's confidence, without a bound that the values can't tell."""
    found = mean_interval(values, confidence=gate.confidence, low=low, high=high)
    if found is None or None not in (low, high) or tells_of_others(values):
        return found
    return dataclasses.replace(found, low=None if low is None else found.low, high=None if high is None else found.high)


def rule_on_interval(gate: Gate, interval: Interval | None, *, lack: str = "") -> Ruling:
    """The same where only an interval is known: a metric over a whole set, or a leaderboard file as the baseline.

    The p-value takes the estimate as normal, with the standard error that the interval's own half-width implies.
    """
    if interval is None:
        return Ruling(gate, None, None, 1.0, lack=lack or "nothing was measured")
    return Ruling(gate, interval, interval, _normal_p_value(gate, interval), lack=lack)


def settle(rulings: Sequence[Ruling]) -> tuple[GateResult, ...]:
    """What every gate says, with failures corrected for the number of gates."""
    adjusted = holm([None if ruling.lack else ruling.p_value for ruling in rulings])
    return tuple(_settled(ruling, p) for ruling, p in zip(rulings, adjusted, strict=True))


def undecided(result: GateResult, cause: Undecided, why: str) -> GateResult:
    """The same gate, undecided for a reason that lies outside of its cells."""
    return dataclasses.replace(
        result, status=GateStatus.UNDECIDED, cause=cause, detail=f"{why}; {result.detail}", cases=(), warns=False
    )


def format_interval(interval: Interval | None) -> str:
    """`0.93 [0.90, 0.95] (n = 120)`; an unknown bound is `?`."""
    if interval is None:
        return "nothing was scored"
    low, high = ("?" if bound is None else f"{bound:.4g}" for bound in (interval.low, interval.high))
    return f"{interval.value:.4g} [{low}, {high}] (n = {interval.n})"


def _gaps(gate: Gate, counts: CellCounts) -> bool:
    """Whether cells that the figure rests on were asked and not scored, on both sides if it compares them."""
    compares = gate.max_drop is not None or gate.blame is not None
    return counts.student_scored < counts.student or (compares and counts.reference_scored < counts.reference)


def lack_of(gate: Gate, counts: CellCounts, min_coverage: float, *, paired: bool) -> str:
    """Why the cells do not suffice to decide a gate at all; empty if they do."""
    sides = [("student", counts.student, counts.student_scored, counts.failed)]
    if paired or counts.reference:  # a cell that the reference misses too is left out: it must not miss too many
        sides.append((gate.against, counts.reference, counts.reference_scored, counts.reference_failed))
    for side, asked, scored, failed in sides:
        if asked == 0:
            return f"nothing was asked of the {side}" + (f": {counts.reason}" if counts.reason else "")
        if asked - failed < min_coverage * asked - ROUNDING:
            return f"{failed} of {asked} cells of the {side} have no verdict: {counts.reason}"
        if (side == "student" or paired) and scored < gate.min_scored * asked - ROUNDING:
            return f"only {scored} of {asked} cells of the {side} were scored: {counts.reason}"
    return ""


def _settled(ruling: Ruling, p_adjusted: float | None) -> GateResult:
    gate, alpha = ruling.gate, (1 - ruling.gate.confidence) / 2
    status, cause = _status(ruling, p_adjusted, alpha)
    label = "worse by" if gate.max_drop is not None else "share" if gate.finding else "mean"
    details = [f"{label} {format_interval(ruling.interval)}", ruling.detail, ruling.missing, ruling.lack]
    counts = ruling.counts
    if counts and counts.reason and not ruling.lack:  # how many cells there are is in `asked`
        details.append(f"missing: {counts.reason}")
    if cause is Undecided.EVIDENCE and counts and not ruling.lack and not ruling.watched:
        details.append(
            "with every missing cell at its least favourable value: " + format_interval(ruling.imputed)
            if ruling.imputed
            else "the dimension declares no worst value that a missing cell could take"
        )
    if status is GateStatus.UNDECIDED and p_adjusted is not None and ruling.p_value <= alpha:
        details.append(f"it would have failed as the only gate (p = {ruling.p_value:.2g}, corrected {p_adjusted:.2g})")
    needed = ruling.needed if cause is Undecided.POWER else None
    if needed:
        details.append(
            f"{needed[0]:,} to {needed[1]:,} cases would decide it 8 times in 10, for the true values that this run "
            "leaves plausible (`evalkit power` takes an effect that you choose)"
        )
    return GateResult(
        describe(gate),
        status,
        "; ".join(part for part in details if part),
        gate.subject,
        ruling.interval,
        ruling.detectable,
        needed[0] if needed else None,
        needed[1] if needed else None,
        cause,
        gate.undecided == "warn" and cause in (Undecided.POWER, Undecided.FAMILY),
        counts,
        ruling.imputed,
        None if ruling.lack else ruling.p_value,
        p_adjusted,
        ruling.cases if status is GateStatus.FAIL else (),
    )


def _status(ruling: Ruling, p_adjusted: float | None, alpha: float) -> tuple[GateStatus, Undecided | None]:
    if ruling.lack or p_adjusted is None or ruling.interval is None:
        return GateStatus.UNDECIDED, Undecided.EVIDENCE
    if p_adjusted <= alpha:
        return GateStatus.FAIL, None
    if ruling.p_pass <= alpha if ruling.watched else _holds(ruling.gate, ruling.imputed):
        return GateStatus.PASS, None
    if ruling.has_gaps:  # it may lack power too, but what is missing could have decided it
        return GateStatus.UNDECIDED, Undecided.EVIDENCE
    return GateStatus.UNDECIDED, Undecided.FAMILY if ruling.p_value <= alpha else Undecided.POWER


def _holds(gate: Gate, interval: Interval | None) -> bool:
    """Whether the whole interval lies on the good side of the bound."""
    if interval is None:
        return False
    far = interval.high if is_upper(gate) else interval.low
    if far is None:
        return False
    return far <= bound_of(gate) if is_upper(gate) else far >= bound_of(gate)


def p_breaks(gate: Gate, scored: NDArray[np.float64], low: float | None, high: float | None) -> float:
    """The smallest one-sided level at which the scored cells break the bound."""
    return _p_value(gate, scored, low, high, breaks=True)


def p_holds(gate: Gate, imputed: NDArray[np.float64] | None, low: float | None, high: float | None) -> float:
    """The smallest one-sided level at which the bound holds whatever the missing cells hold."""
    return 1.0 if imputed is None else _p_value(gate, imputed, low, high, breaks=False)


def _p_value(gate: Gate, values: NDArray[np.float64], low: float | None, high: float | None, *, breaks: bool) -> float:
    """The smallest one-sided level at which the mean breaks the bound, or holds it."""
    above_bound = is_upper(gate) is breaks
    if (low if above_bound else high) is None and not tells_of_others(values):
        return 1.0
    if above_bound:
        return level_above(values, bound_of(gate), low=low, high=high)
    below, above = (None if end is None else -end for end in (high, low))
    return level_above(-values, -bound_of(gate), low=below, high=above)


def _normal_p_value(gate: Gate, interval: Interval) -> float:
    from scipy import stats

    beyond = (interval.value - bound_of(gate)) * (1 if is_upper(gate) else -1)
    near = interval.low if is_upper(gate) else interval.high
    if near is None or beyond <= 0:
        return 1.0
    width = abs(interval.value - near)
    if width == 0:
        return 0.0
    quantile = stats.norm.isf((1 - interval.confidence) / 2)
    return float(stats.norm.sf(beyond / width * quantile))


def _detectable(values: NDArray[np.float64], confidence: float) -> float | None:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return detectable(len(values), spread, alpha=1 - confidence, power=POWER) if spread > 0 else None


def _needed(gate: Gate, values: NDArray[np.float64], low: float | None, high: float | None) -> tuple[int, int] | None:
    """How many cases would decide the gate 8 times in 10, from the ends of an 80 % interval of the true value.

    `None` where that interval holds the bound: then the data do not tell how far away the true value is.
    """
    interval = mean_interval(values, confidence=PLAUSIBLE, low=low, high=high)
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    if interval is None or interval.low is None or interval.high is None or spread == 0:
        return None
    bound = bound_of(gate)
    if interval.low <= bound <= interval.high:
        return None
    near, far = sorted((abs(interval.low - bound), abs(interval.high - bound)))
    fewest = cases_needed(spread, far, alpha=1 - gate.confidence, power=POWER)
    most = cases_needed(spread, near, alpha=1 - gate.confidence, power=POWER)
    return None if fewest is None or most is None else (fewest, most)
