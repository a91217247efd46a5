"""The controls of a run counted: what they say of each rubric, and of the judge."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from evalkit.api.results import ControlResult
from evalkit.judges.vlm.quorum import LEAST, PROVEN, at_least, least_of_all, least_right
from evalkit.judges.vlm.rubric import Rubric

GUESSED_LEVEL, GUESSED_ANSWER, GUESSED_PAIR, GUESSED_DROP = 0.4, 0.5, 1 / 9, 6 / 25
"""Share of the controls that a model gets right which draws lots: two of five
levels, yes or no, both orders of a pair; a second level at least two below the first."""
ALL = "pictures of this run: all rubrics"
"""Name of the result for all rubrics that judge a single picture."""


class Said(Enum):
    """What a control came to. `UNKNOWN`: the call failed."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Tally(NamedTuple):
    """The controls of one rubric whose outcome is known: way and outcome, and which pictures they were made from.

    `luck`: share of them that a model gets right which draws lots. `why`: why there are none.
    """

    rubric: Rubric
    said: Sequence[tuple[str, Said]] = ()
    of: str = ""
    luck: float = GUESSED_ANSWER
    why: str = ""

    @property
    def right(self) -> int:
        return sum(said is Said.RIGHT for _, said in self.said)


def control_name(rubric: Rubric) -> str:
    """The name of the result for one rubric."""
    return f"pictures of this run: {rubric.name}"


def guessed(rubric: Rubric) -> float:
    """Share of the controls of a rubric that a model gets right which draws lots."""
    if is_pair(rubric):
        return GUESSED_PAIR
    return GUESSED_ANSWER if rubric.questions else GUESSED_LEVEL


def is_pair(rubric: Rubric) -> bool:
    """Whether a rubric compares two pictures."""
    return not (rubric.levels or rubric.questions)


def result_of_rubric(judge: str, tally: Tally, error: float, *, alone: bool) -> ControlResult:
    """Whether a rubric passes. `alone`: nothing else shows that the model does not draw lots."""
    name, dimensions, n = control_name(tally.rubric), (tally.rubric.dimension,), len(tally.said)
    if n < LEAST:
        rule = f"no controls on pictures of this run: {tally.why}" if tally.why else "a single control proves nothing"
        return ControlResult(judge, name, rule, True, _detail(tally), dimensions, made=False)
    least = least_right(n, error)
    rule = f"at least {least} of {n} controls are right ({tally.of})"
    passed, by_luck = tally.right >= least, at_least(least, n, tally.luck)
    if passed and alone and by_luck > PROVEN:
        rule = f"{_too_few(n, by_luck)} ({tally.of})"
        return ControlResult(judge, name, rule, True, _detail(tally), dimensions, made=False)
    return ControlResult(judge, name, rule, passed, _detail(tally), dimensions)


def result_of_all(judge: str, tallies: Sequence[Tally], error: float) -> ControlResult:
    """Whether the controls of all rubrics together show that the model does more than draw lots."""
    n, right = sum(len(tally.said) for tally in tallies), sum(tally.right for tally in tallies)
    if n < LEAST:
        rule = "no controls on pictures of this run: 10 % of the calls of this run are fewer than two controls"
        return ControlResult(judge, ALL, rule, True, made=False)
    least = least_of_all(n, error)
    detail = f"{right} of {n} right: " + ", ".join(f"{t.rubric.name} {t.right}/{len(t.said)}" for t in tallies)
    rule, by_luck = f"at least {least} of the {n} controls of all rubrics are right", at_least(least, n, GUESSED_LEVEL)
    if right >= least and by_luck > PROVEN:
        return ControlResult(judge, ALL, _too_few(n, by_luck), True, detail, made=False)
    return ControlResult(judge, ALL, rule, right >= least, detail)


def _too_few(n: int, by_luck: float) -> str:
    return f"{n} controls are too few to tell a model that draws lots: it passes {by_luck:.0%} of the time"


def _detail(tally: Tally) -> str:
    if not tally.said:
        return ""
    ways = dict.fromkeys(way for way, _ in tally.said)
    return f"{tally.right} of {len(tally.said)} right: " + ", ".join(f"{way} {_share(way, tally.said)}" for way in ways)


def _share(way: str, said: Sequence[tuple[str, Said]]) -> str:
    mine = [one for its, one in said if its == way]
    return f"{sum(one is Said.RIGHT for one in mine)}/{len(mine)}"
