"""How many controls must be right: most runs of an honest judge pass, and few runs of one that guesses.

    one rubric    at least `least_right(n)` of its n controls
    all rubrics   at least `least_of_all(n)` of the n controls of all rubrics that judge a single picture

The second test is needed because a rubric with few controls must forgive one error of two or three. It asks for no more
than guessing can't reach, so that one rubric which a model can't answer fails its own test and not this one.
"""

from __future__ import annotations

import math

LEAST = 2
"""A single wrong verdict proves nothing."""
HONEST = 0.98
"""Share of the controls that an honest judge gets right: the truth is beyond doubt."""
ERROR = 0.01
"""Share of the runs in which an honest judge may fail one of its controls of the run, over all rubrics."""
GUESSED = 0.5
"""Share of the controls that a judge gets right by guessing, at most."""
LUCK = 0.001
"""Probability with which a judge that guesses may pass the test of all rubrics, where so much can be asked for."""
PROVEN = 0.05
"""A test that a judge which guesses passes more often than that is no proof."""


def least_right(n: int, error: float) -> int:
    """The most controls of `n` that an honest judge gets right in all but a share `error` of the runs.

    It is the largest k with P(X < k) ≤ error, where X is binomial (n, `HONEST`).
    """
    k, below = 0, 0.0
    while k < n and (below := below + binomial(n, k, HONEST)) <= error:
        k += 1
    return k


def least_of_all(n: int, error: float) -> int:
    """The fewest controls of `n` that guessing reaches with probability `LUCK` at most, but never more than
    `least_right`."""
    return next((k for k in range(least_right(n, error)) if at_least(k, n, GUESSED) <= LUCK), least_right(n, error))


def best_count(most: int, error: float, guessed: float) -> int:
    """How many controls to ask, at most `most`, so that guessing passes least often.

    Seven of which six must be right prove more than eight of which six must.
    """
    counts = range(min(most, LEAST), most + 1)
    return min(counts, key=lambda n: (at_least(least_right(n, error), n, guessed), -n), default=0)


def at_least(right: int, n: int, share: float) -> float:
    """P(X ≥ right) for X binomial (n, share)."""
    return sum(binomial(n, k, share) for k in range(right, n + 1))


def fewer_than(share: float, right: int, n: int, error: float) -> bool:
    """Whether `right` of `n` is significantly less than `share`: P(X ≤ right) < error for binomial (n, share)."""
    return n > 0 and sum(binomial(n, k, share) for k in range(right + 1)) < error


def binomial(n: int, k: int, p: float) -> float:
    """P(X = k) for X binomial (n, p)."""
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)
