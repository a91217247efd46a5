"""Plans the size of a suite: how many cases it takes to detect a drop, and how small a drop each size detects.

There are three things to plan from: the standard deviation of the differences (graded scores), the share of cases
that only one of student and teacher passes (pass or fail), or the differences of a finished run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from evalkit.api.records import Role, Status
from evalkit.formats.text_table import align
from evalkit.stats.clusters import effective_sd, picture_spread
from evalkit.stats.intervals import case_means
from evalkit.stats.power import (
    binary_cases_needed,
    binary_detectable,
    binary_power,
    cases_needed,
    detectable,
    graded_power,
)
from evalkit.store.run_reader import RunReader
from evalkit.verdict.compare import paired_differences

SIZES = (50, 100, 200, 500, 1000, 2000)
"""Numbers of cases that a table shows."""


class Design(NamedTuple):
    """What a plan should achieve.

    Args:
        effect: how far the true drop lies beyond the gate's bound, in units of the score; `None` if none is given.
        seeds: pictures per case; `None`: 1, or as many as the run has.
        correlation: between the seeds of one case; `None`: as in the run, or 1 (more seeds add nothing).
        alpha: 1 - confidence of the gate.
        power: share of suites in which the drop must be detected.
    """

    effect: float | None
    seeds: int | None
    correlation: float | None
    alpha: float
    power: float


def plan_from_sd(sd: float, design: Design) -> list[str]:
    """Lines of a plan for graded scores whose differences have this standard deviation per picture.

    Raises:
        ValueError: a figure that is out of its range.
    """
    effect, seeds = design.effect, design.seeds or 1
    correlation = 1.0 if design.correlation is None else design.correlation
    spread = effective_sd(sd, seeds, correlation)
    needed = cases_needed(spread, effect, design.alpha, design.power) if effect else None
    pictures = "one picture per case" if seeds == 1 else f"{seeds} pictures per case correlated by {correlation:g}"
    return [
        f"Differences with a standard deviation of {sd:g} per picture, {pictures}.",
        *_size_table(
            effect,
            seeds,
            needed,
            lambda n: detectable(n, spread, design.alpha, design.power),
            lambda n: graded_power(n, spread, effect or 0.0, design.alpha),
        ),
    ]


def plan_from_discordance(rate: float | None, discordant: float | None, design: Design) -> list[str]:
    """Lines of a plan for scores of pass or fail.

    Args:
        rate: share of the cases that the teacher passes; the student's passes are taken as independent of it.
        discordant: share of the cases that only one of the two passes; overrides `rate`.
        design: needs an effect.

    Raises:
        ValueError: no effect, or one that these shares can't show.
    """
    if design.effect is None:
        raise ValueError("--rate and --discordant need --effect")
    effect = design.effect
    discordant = _discordant_share(rate or 0.0, effect) if discordant is None else discordant
    if discordant < effect:
        raise ValueError(f"a drop of {effect:g} needs a share of at least {effect:g} discordant cases")
    head = f"{discordant:.3g} of the cases are passed by only one of the two; the gate is `max_drop: 0`."
    if (design.seeds or 1) > 1:  # means of several passes are graded scores
        return [head, *plan_from_sd(math.sqrt(discordant - effect**2), design)]
    worse, better = (discordant + effect) / 2, (discordant - effect) / 2
    return [
        head,
        *_size_table(
            effect,
            1,
            binary_cases_needed(worse, better, design.alpha, design.power),
            lambda n: binary_detectable(n, discordant, design.alpha, design.power),
            lambda n: binary_power(n, worse, better, design.alpha),
        ),
    ]


def _discordant_share(rate: float, effect: float) -> float:
    """Share of discordant cases if teacher and student pass independently of each other."""
    student = rate - effect
    if student < 0:
        raise ValueError(f"a pass rate of {rate:g} can't drop by {effect:g}")
    return rate * (1 - student) + (1 - rate) * student


def plan_from_run(run: Path, design: Design) -> list[str]:
    """Lines of a plan, one per dimension: the drop that the run's cases detect, and the cases that the effect needs.

    Raises:
        ValueError: no dimension of the run has a score.
        UsageError: not a run folder.
    """
    effect = design.effect
    wanted = (f"cases for {effect:g}",) if effect else ()
    rows: list[tuple[str, ...]] = [
        ("dimension", "cases", "seeds", "correlation", "sd per case", "smallest drop detected", *wanted)
    ]
    with RunReader(run) as reader:
        seeds = design.seeds or int(reader.meta("seeds") or 1)
        for name in sorted({name for role, name, _ in reader.status_counts() if role is Role.STUDENT}):
            differences = paired_differences(reader, reader, Role.TEACHER, name)
            means = case_means(differences)
            spread = picture_spread(differences)
            if spread.sd == 0:
                rows.append((name, f"{len(means):,}", "", "", "-", f"none: {_no_spread(reader, name, len(means))}"))
                continue
            between = design.correlation if design.correlation is not None else spread.correlation
            between = 1.0 if between is None else between
            per_case = effective_sd(spread.sd, seeds, between)
            drop = detectable(len(means), per_case, design.alpha, design.power)
            row = (name, f"{len(means):,}", f"{seeds}", f"{between:.2g}", f"{per_case:.3g}", f"{drop:.3g}")
            needed = cases_needed(per_case, effect, design.alpha, design.power) if effect else None
            rows.append((*row, "over ten million" if needed is None else f"{needed:,}") if effect else row)
    if len(rows) == 1:
        raise ValueError(f"{run}: nothing was scored")
    return align(rows, left=(0, len(rows[0]) - 1)) + ([_WHY_ANOTHER_NUMBER] if effect else [])


_WHY_ANOTHER_NUMBER = (
    "A gate's own range of cases is for the true values that its run leaves plausible; these figures are for a true "
    "drop that lies the given effect beyond the gate's bound."
)


def _no_spread(reader: RunReader, dimension: str, n: int) -> str:
    """Why the differences of a dimension have no spread: nothing was scored, or they are all equal."""
    counts: dict[Role, Counter[Status]] = {role: Counter() for role in Role}
    for (role, name, status), number in reader.status_counts().items():
        if name == dimension:
            counts[role][status] += number
    for role, found in counts.items():
        asked = found.total() - found[Status.NOT_APPLICABLE]
        if found[Status.SCORED] == 0:
            return f"0 of {asked} cells of the {role.value} scored" if asked else f"not asked of the {role.value}"
    if n == 0:
        return "no case has a score of both"
    return f"the {n:,} differences are all alike" if n > 1 else "a single case has no spread"


def _size_table(
    effect: float | None,
    seeds: int,
    needed: int | None,
    detectable_at: Callable[[int], float | None],
    power_at: Callable[[int], float],
) -> list[str]:
    """One line per size of a suite; the size that the effect needs is marked."""
    rows: list[Sequence[str]] = [
        ("cases", "pictures", "smallest drop detected", f"drop of {effect:g} detected" if effect else "")
    ]
    for n in sorted({*SIZES, *([needed] if needed else [])}):
        drop = detectable_at(n)
        chance = f"{power_at(n):.0%}" if effect else ""
        mark = "  <- needed" if n == needed else ""
        rows.append((f"{n:,}", f"{n * seeds:,}", "none" if drop is None else f"{drop:.3g}", chance + mark))
    too_many = [f"A drop of {effect:g} needs more than ten million cases."] if effect and needed is None else []
    return align(rows, left=(3,)) + too_many
