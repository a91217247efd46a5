"""`evalkit power`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import click

SIZES = (50, 100, 200, 500, 1000, 2000)
_SHARE = click.FloatRange(0, 1)
_OPEN_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)
_POSITIVE = click.FloatRange(0, min_open=True)


@click.command("power")
@click.option("--effect", type=_POSITIVE, metavar="D", envvar="EVALKIT_EFFECT", help="Drop that must be seen.")
@click.option("--sd", type=_POSITIVE, metavar="S", envvar="EVALKIT_SD", help="Standard deviation of the differences.")
@click.option(
    "--rate", type=_SHARE, metavar="P", envvar="EVALKIT_RATE",
    help="Pass or fail: share of cases the teacher passes; the student's passes are taken to be unrelated.",
)  # fmt: skip
@click.option(
    "--discordant", type=_SHARE, metavar="P", envvar="EVALKIT_DISCORDANT",
    help="Pass or fail: share of cases that only one of the two passes.",
)  # fmt: skip
@click.option(
    "--run", type=click.Path(path_type=Path), metavar="RUN", envvar="EVALKIT_RUN",
    help="Finished run folder with a teacher: plan from its differences, dimension by dimension.",
)  # fmt: skip
@click.option(
    "--seeds", type=click.IntRange(1), metavar="K", envvar="EVALKIT_SEEDS",
    help="Pictures per case. Default: 1, or as in RUN.",
)  # fmt: skip
@click.option(
    "--correlation", type=_SHARE, metavar="R", envvar="EVALKIT_CORRELATION",
    help="Between seeds of one case. Default: as in RUN, or 1 (more seeds add nothing).",
)  # fmt: skip
@click.option("--alpha", type=_OPEN_SHARE, default=0.05, show_default=True, envvar="EVALKIT_ALPHA",
              help="1 - confidence of the gate.")  # fmt: skip
@click.option("--power", type=_OPEN_SHARE, default=0.8, show_default=True, envvar="EVALKIT_POWER",
              help="How often the drop must be seen.")  # fmt: skip
def command(
    effect: float | None,
    sd: float | None,
    rate: float | None,
    discordant: float | None,
    run: Path | None,
    seeds: int | None,
    correlation: float | None,
    alpha: float,
    power: float,
) -> int:
    """How many cases does a suite need?

    A drop is seen where the gate fails; D is how far the drop lies beyond the gate's bound. The same figures hold for
    the other answer: the gate passes as often where the drop lies D below its bound. Give --run, or --sd (graded
    scores), or --effect with --rate or --discordant (pass or fail).
    """
    from evalkit.api.errors import UsageError

    given = [name for name, value in (("run", run), ("sd", sd)) if value is not None]
    given += ["rate/discordant"] if rate is not None or discordant is not None else []
    if len(given) != 1:
        what = f"--{' and --'.join(given)} exclude each other" if given else "nothing to plan from"
        raise UsageError(what, hint="give one of --run, --sd, --rate or --discordant; see `evalkit power --help`")
    try:
        if run is not None:
            lines = _from_run(run, effect, seeds, correlation, alpha, power)
        elif sd is not None:
            lines = _from_sd(sd, effect, seeds or 1, 1.0 if correlation is None else correlation, alpha, power)
        else:
            apart = _discordant(rate, discordant, effect)
            lines = _from_binary(apart, effect or 0.0, seeds or 1, correlation, alpha, power)
    except ValueError as error:
        raise UsageError(str(error)) from error
    click.echo(f"A drop counts as seen if the gate sees it {power:.0%} of the time, at alpha {alpha:g}.")
    for line in lines:
        click.echo(line)
    return 0


def _discordant(rate: float | None, discordant: float | None, effect: float | None) -> float:
    """Share of discordant cases; from the rate alone that of two independent passes. Raises `ValueError`."""
    if effect is None:
        raise ValueError("--rate and --discordant need --effect")
    if discordant is None:
        student = (rate or 0.0) - effect
        if student < 0:
            raise ValueError(f"a pass rate of {rate:g} can't drop by {effect:g}")
        discordant = (rate or 0.0) * (1 - student) + (1 - (rate or 0.0)) * student
    if discordant < effect:
        raise ValueError(f"a drop of {effect:g} takes a share of at least {effect:g} discordant cases")
    return discordant


def _from_sd(
    sd: float, effect: float | None, seeds: int, correlation: float, alpha: float, power: float
) -> Sequence[str]:
    from evalkit.stats.clusters import effective_sd
    from evalkit.stats.power import cases_needed, detectable, graded_power

    spread = effective_sd(sd, seeds, correlation)
    needed = cases_needed(spread, effect, alpha, power) if effect else None
    said = f"Differences with a standard deviation of {sd:g} per picture, {_said(seeds, correlation)}."
    return [said, *_sizes(
        effect, seeds, needed,
        lambda n: detectable(n, spread, alpha, power),
        lambda n: graded_power(n, spread, effect or 0.0, alpha),
    )]  # fmt: skip


def _from_binary(
    discordant: float, effect: float, seeds: int, correlation: float | None, alpha: float, power: float
) -> Sequence[str]:
    from evalkit.stats.power import binary_cases_needed, binary_detectable, binary_power

    said = f"{discordant:.3g} of the cases passed by one of the two only; a gate of `max_drop: 0`."
    if seeds > 1:  # means of several passes are graded scores
        between = 1.0 if correlation is None else correlation
        return [said, *_from_sd(math.sqrt(discordant - effect**2), effect, seeds, between, alpha, power)]
    worse, better = (discordant + effect) / 2, (discordant - effect) / 2
    return [said, *_sizes(
        effect, 1, binary_cases_needed(worse, better, alpha, power),
        lambda n: binary_detectable(n, discordant, alpha, power),
        lambda n: binary_power(n, worse, better, alpha),
    )]  # fmt: skip


def _sizes(
    effect: float | None,
    seeds: int,
    needed: int | None,
    detectable: Callable[[int], float | None],
    power: Callable[[int], float],
) -> list[str]:
    """One line per size of a suite; the size that is needed is marked."""
    rows = [("cases", "pictures", "smallest drop seen", f"drop of {effect:g} seen" if effect else "")]
    for n in sorted({*SIZES, *([needed] if needed else [])}):
        shown = detectable(n)
        chance = f"{power(n):.0%}" if effect else ""
        mark = "  <- needed" if n == needed else ""
        rows.append((f"{n:,}", f"{n * seeds:,}", "none" if shown is None else f"{shown:.3g}", chance + mark))
    too_many = [f"A drop of {effect:g} takes more than ten million cases."] if effect and needed is None else []
    return _table(rows) + too_many


def _from_run(
    run: Path, effect: float | None, seeds: int | None, correlation: float | None, alpha: float, power: float
) -> Sequence[str]:
    """One line per dimension: what the run's cases show, and how many the wanted effect needs."""
    from evalkit.api.records import Role
    from evalkit.stats.clusters import effective_sd, picture_spread
    from evalkit.stats.intervals import case_means
    from evalkit.stats.power import cases_needed, detectable
    from evalkit.store.run_reader import RunReader
    from evalkit.verdict.compare import paired_differences

    wanted = (f"cases for {effect:g}",) if effect else ()
    rows: list[tuple[str, ...]] = [
        ("dimension", "cases", "seeds", "correlation", "sd per case", "smallest drop seen", *wanted)
    ]
    with RunReader(run) as reader:
        theirs = int(reader.meta("seeds") or 1)
        for name in sorted({name for role, name, _ in reader.status_counts() if role is Role.STUDENT}):
            differences = paired_differences(reader, reader, Role.TEACHER, name)
            means = case_means(differences)
            spread = picture_spread(differences)
            if spread.sd == 0:
                rows.append((name, f"{len(means):,}", "", "", "0", "none: all alike"))
                continue
            between = correlation if correlation is not None else spread.correlation
            between = 1.0 if between is None else between
            per_case = effective_sd(spread.sd, seeds or theirs, between)
            needed = cases_needed(per_case, effect, alpha, power) if effect else None
            shown = detectable(len(means), per_case, alpha, power)
            row = (name, f"{len(means):,}", f"{seeds or theirs}", f"{between:.2g}", f"{per_case:.3g}", f"{shown:.3g}")
            rows.append((*row, "over ten million" if needed is None else f"{needed:,}") if effect else row)
    if len(rows) == 1:
        raise ValueError(f"{run}: nothing was scored")
    return _table(rows, text_columns=1)


def _said(seeds: int, correlation: float) -> str:
    return "one picture per case" if seeds == 1 else f"{seeds} pictures per case correlated by {correlation:g}"


def _table(rows: Sequence[Sequence[str]], text_columns: int = 0) -> list[str]:
    """Rows as aligned text: the first columns to the left, figures to the right."""
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    return [
        "  ".join(
            cell.ljust(width) if i < text_columns or i == len(widths) - 1 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    ]
