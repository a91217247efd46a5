"""Abilities as tables: for the terminal, and in Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.api.ability import Ability, FalseAlarms, Sight
from evalkit.formats.text_table import align

HEADER = ("fault", "AUC", "recall at 1 % FA", "found in place", "IoU", "Spearman", "9 in 10 from", "AUC by size", "n")


def rows(ability: Ability) -> list[tuple[str, ...]]:
    """One row of text per fault, in the order of `HEADER`."""
    return [_row(one) for one in ability.sights]


def plain(ability: Ability) -> list[str]:
    """Lines for a terminal."""
    return [
        f"{ability.judge} {ability.version}, {ability.pixels} px",
        *(f"  {line}" for line in align([HEADER, *rows(ability)], left=range(len(HEADER)))),
        f"  false alarms: {alarms(ability.false_alarms)}",
    ]


def markdown(abilities: Sequence[Ability]) -> str:
    """One section per judge, with its table and its false alarms."""
    parts = []
    for ability in abilities:
        lines = [f"| {' | '.join(row)} |" for row in rows(ability)]
        parts += [
            f"### {ability.judge} {ability.version}",
            f"Measured {ability.created[:10]} at {ability.pixels} px by `{ability.command}`.",
            "\n".join([f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}", *lines]),
            f"False alarms on clean pictures: {alarms(ability.false_alarms)}.",
        ]
    return "\n\n".join(parts) + "\n"


def alarms(groups: Sequence[FalseAlarms]) -> str:
    """The false alarms of each group, as text."""
    return ", ".join(
        f"{one.alarms} of {one.n} {one.group}" + (f" ({one.abstained} abstained)" if one.abstained else "")
        for one in groups
    )


def _row(one: Sight) -> tuple[str, ...]:
    area = "–"
    if one.auc is not None:
        bounds = f" [{one.auc.low:.2f}, {one.auc.high:.2f}]" if one.auc.low is not None and one.auc.high else ""
        area = f"{one.auc.value:.3f}{bounds}"
    unit = f" {one.unit}" if one.unit else ""
    from_size = "never" if one.smallest is None else f"{one.smallest:g}{unit}" if len(one.sizes) > 1 else "yes"
    n = str(one.n) if one.n == one.n_scored else f"{one.n_scored} of {one.n}"
    by_size = ", ".join(f"{size.size:g}: {_two(size.auc)}" for size in one.sizes) if len(one.sizes) > 1 else "–"
    figures = (_share(one.recall), _share(one.found), _two(one.iou), _two(one.spearman))
    return (one.fault, area, *figures, from_size, by_size, n)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
