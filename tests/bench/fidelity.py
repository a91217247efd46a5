"""Compares FID from features with scipy's matrix square root, measures speeds and the coverage of the intervals."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from evalkit.judges.fidelity.paired.flip import flip
from evalkit.judges.fidelity.paired.judge import FidelityJudge
from evalkit.judges.fidelity.sets.frechet import frechet_distance, frechet_distance_of_moments
from evalkit.judges.fidelity.sets.frechet_spread import frechet_estimate
from evalkit.judges.fidelity.sets.grouped import GroupedFeatures, Groups
from evalkit.judges.fidelity.sets.jackknife import interval
from evalkit.judges.fidelity.sets.mmd import mmd2, mmd2_estimates, polynomial
from evalkit.judges.fidelity.sets.moments import Moments
from evalkit.stats.intervals import mean_interval

Rows = NDArray[np.float64]
DRAWS = 300


def features(rng: np.random.Generator, n: int, d: int, shift: float = 0.0) -> Rows:
    """Skewed and correlated, as Inception's are: spectrum falling as a power, no negative values."""
    mix = np.random.default_rng(7).standard_normal((d, d)) * np.arange(1, d + 1) ** -0.7 / np.sqrt(d)
    rows: Rows = np.abs(rng.standard_normal((n, d)) @ mix.T * 3 + shift)
    return rows


def textbook(one: Rows, other: Rows) -> float:
    """The Fréchet distance as most code has it: covariances, then the square root of their product."""
    apart = one.mean(0) - other.mean(0)
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second)
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * np.trace(root).real)


class Timed(NamedTuple):
    value: float
    seconds: float


def timed(work: Callable[[], float], repeats: int = 1) -> Timed:
    """The best of `repeats`."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        value = work()
        seconds.append(time.perf_counter() - began)
    return Timed(value, min(seconds))


def speed(n: int, d: int) -> None:
    rng = np.random.default_rng(0)
    one, other = features(rng, n, d), features(rng, n, d, 0.05)
    slow = timed(lambda: textbook(one, other))
    fast = timed(lambda: frechet_distance(one, other), 3)
    print(
        f"  n {n:5d}, {d}-d: scipy sqrtm {slow.seconds:.2f} s, ours {fast.seconds:.3f} s: "
        f"{slow.seconds / fast.seconds:.0f} times faster, relative difference {abs(fast.value / slow.value - 1):.1e}",
        flush=True,
    )


def judges() -> None:
    """One pair of pictures, one thread."""
    rng = np.random.default_rng(0)
    judge = FidelityJudge()
    (_, control) = judge.controls()
    assert control.twin is not None
    pair = control.picture, control.twin
    judge.judge(pair[0], control.case, pair[1])
    whole = timed(lambda: float(judge.judge(pair[0], control.case, pair[1]).scores[0].value or 0), 5)
    print(f"  fidelity judge, 128 px: {1000 * whole.seconds:.0f} ms a picture", flush=True)
    try:
        import flip_evaluator
    except ImportError:
        return
    for side in (128, 512, 1024):
        one, other = (rng.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(2))
        scaled = [pixels.astype(np.float32) / 255 for pixels in (one, other)]
        theirs = timed(lambda: float(flip_evaluator.evaluate(*scaled, "LDR", applyMagma=False)[1]), 2)  # noqa: B023
        ours = timed(lambda: float(flip(one, other).mean()), 2)  # noqa: B023
        print(
            f"  FLIP, {side} px: the authors' {theirs.seconds:.3f} s, ours {ours.seconds:.3f} s: "
            f"{theirs.seconds / ours.seconds:.1f} times faster, means differ by {abs(ours.value - theirs.value):.0e}",
            flush=True,
        )


def twins(rng: np.random.Generator, n: int, d: int, shift: float, alike: float) -> tuple[Rows, Rows]:
    """Features of twins: `alike` is the correlation of what moves them."""
    mix = np.random.default_rng(7).standard_normal((d, d)) * np.arange(1, d + 1) ** -0.7 / 2
    shared, own = rng.standard_normal((2, n, d))
    other = alike * shared + np.sqrt(1 - alike**2) * own
    return np.abs(shared @ mix.T), np.abs(other @ mix.T + shift)


@cache
def truths(d: int, shift: float) -> tuple[float, float]:
    """Fréchet and kernel distance of the two distributions, from 300,000 rows of each."""
    one, other = twins(np.random.default_rng(1), 300_000, d, shift, 0.0)
    parts = [mmd2(one[i : i + 1000], other[i : i + 1000], polynomial) for i in range(0, len(one), 1000)]
    return frechet_distance_of_moments(Moments.of(one), Moments.of(other)), float(np.mean(parts))


def coverage(n: int, d: int, shift: float, alike: float) -> None:
    """How often 95 % intervals hold the true value, over `DRAWS` runs."""
    truth, true_kernel = truths(d, shift)
    cases = [str(i) for i in range(n)]
    rows: list[tuple[float, ...]] = []
    for draw in range(DRAWS):
        pair = twins(np.random.default_rng(100 + draw), n, d, shift, alike)
        groups = Groups()
        held = [GroupedFeatures(d, groups), GroupedFeatures(d, groups)]
        for each, of in zip(held, pair, strict=True):
            each.update(of.astype(np.float32), cases)
        found = frechet_estimate(held[0], held[1], twins=True)
        kernel = mmd2_estimates(pair[0], pair[1], polynomial, cases, cases)
        assert found.spread is not None
        assert kernel.paired is not None
        assert kernel.paired.spread is not None
        paired = mean_interval(kernel.paired.spread.pseudo)
        assert paired is not None
        ends = interval(found.value, found.spread, n), interval(found.spread.unbiased, found.spread, n)
        rows.append(
            (
                found.value,
                *((end.low or 0.0, end.high or 0.0)[i] for end in ends for i in (0, 1)),
                paired.low or 0.0,
                paired.high or 0.0,
                kernel.unbiased.value,
                kernel.paired.value,
                found.spread.unbiased,
            )
        )
    table = np.array(rows)
    mean = table[:, 0].mean()
    plain = np.mean((table[:, 1] <= mean) & (mean <= table[:, 2]))
    beyond = np.mean((table[:, 3] <= truth) & (truth <= table[:, 4]))
    pairs = np.mean((table[:, 5] <= true_kernel) & (true_kernel <= table[:, 6]))
    far = "" if 0.9 * n > d else " (not reported: fewer pictures than features)"
    print(
        f"  n {n:4d}, {d}-d, shift {shift}, twins alike {alike}: FD {mean:.3f}, interval holds {plain:.0%};"
        f" -infinity {table[:, 9].mean():.3f} (true {truth:.3f}), holds {beyond:.0%}{far};"
        f" kernel distance published {table[:, 7].mean():+.4f}, for twins {table[:, 8].mean():+.4f}"
        f" (true {true_kernel:+.4f}), holds {pairs:.0%}",
        flush=True,
    )


def main() -> None:
    print("Fréchet distance from features")
    speed(500, 2048)
    speed(2500, 1280)
    print("paired judges")
    judges()
    print(f"95 % intervals, {DRAWS} runs each")
    for n in (30, 120, 400):
        for shift in (0.0, 0.3):
            for alike in (0.0, 0.9):
                coverage(n, 48, shift, alike)


if __name__ == "__main__":
    main()
