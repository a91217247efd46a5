"""Measures the coverage and width of prediction-powered intervals by simulation.

    python -m tests.bench calibration

People give levels 1 to 5; the judge scores everything. Binomial noise of a share over 2,000 draws is 0.5 points (one
standard error) at 95 %.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evalkit.stats.prediction_powered import powered_mean

DRAWS = 2000
JUDGED = 1000
LABELS = (50, 200)


class World(NamedTuple):
    """Levels with these probabilities, and a judge that gives `slope` times the level plus noise of this sd.

    It takes this share of what is not the best for the best: `missed`. It abstains on this share of the pictures below
    the middle level: `silent`; such a picture has the mean of the judge's other scores.

    With several seeds, one picture of a case is labelled and all are scored; half of what differs is the case's.
    """

    name: str
    chances: tuple[float, ...]
    noise: float
    slope: float = 1.0
    seeds: int = 1
    missed: float = 0.0
    silent: float = 0.0


PLAIN = (0.1, 0.2, 0.3, 0.25, 0.15)
GOOD = (0.02, 0.05, 0.1, 0.33, 0.5)
RARE = (0.03, 0.04, 0.04, 0.04, 0.85)
WORLDS = (
    World("a good judge", PLAIN, 0.1),
    World("a fair judge", PLAIN, 0.25),
    World("a weak judge", PLAIN, 0.6),
    World("a useless judge", PLAIN, 0.3, slope=0.0),
    World("counts defects (lower is better)", PLAIN, 0.25, slope=-1.0),
    World("mostly good pictures, good judge", GOOD, 0.1),
    World("mostly good pictures, fair judge", GOOD, 0.25),
    World("yes/no .8, fair judge", (0.2, 0.8), 0.5),
    World("yes/no .9, fair judge", (0.1, 0.9), 0.5),
    World("rare defects, a third missed", RARE, 0.02, missed=0.33),
    World("abstains on half of the bad, fair judge", PLAIN, 0.25, silent=0.5),
    World("abstains on all of the bad, fair judge", PLAIN, 0.25, silent=1.0),
    World("3 pictures a case, fair judge", PLAIN, 0.25, seeds=3),
)


class Kept(NamedTuple):
    """Share of intervals with the truth in them, mean width, and that width over the labels' own."""

    coverage: float
    width: float
    ratio: float
    correlation: float


class Cases(NamedTuple):
    """Per case: people's label of one picture in [0, 1], the judge's score of it, and its mean score of the case."""

    labels: NDArray[np.float64]
    scores: NDArray[np.float64]
    means: NDArray[np.float64]


def draw(world: World, n: int, rng: np.random.Generator) -> Cases:
    """`n` cases, shape (n,) each."""
    shared = rng.normal(size=(n, 1)) if world.seeds > 1 else 0.0
    own = rng.normal(size=(n, world.seeds))
    hidden = own if world.seeds == 1 else (shared + own) / np.sqrt(2)
    edges = stats.norm.ppf(np.cumsum(world.chances)[:-1])
    levels = np.searchsorted(edges, hidden) / (len(world.chances) - 1)
    seen = np.where(rng.random(levels.shape) < world.missed, 1.0, levels) if world.missed else levels
    scores = world.slope * seen + world.noise * rng.normal(size=levels.shape)
    if world.silent:
        silent = (levels < 0.5) & (rng.random(levels.shape) < world.silent)
        scores[silent] = scores[~silent].mean()
    return Cases(levels[:, 0], scores[:, 0], scores.mean(axis=1))


def simulate(world: World, labelled: int, judged: int = JUDGED, draws: int = DRAWS, seed: int = 0) -> Kept:
    rng = np.random.default_rng(seed)
    truth = float(np.dot(world.chances, np.linspace(0, 1, len(world.chances))))
    inside, widths, ratios = 0, [], []
    for _ in range(draws):
        cases = draw(world, judged, rng)
        found = powered_mean(
            cases.labels[:labelled], cases.scores[:labelled], cases.means[labelled:], low=0.0, high=1.0
        )
        assert found
        low, high = found.estimate.low, found.estimate.high
        alone = found.labels_only
        assert low is not None
        assert high is not None
        inside += low <= truth <= high
        widths.append(high - low)
        ratios.append((high - low) / ((alone.high or 1.0) - (alone.low or 0.0)))
    many = draw(world, 20_000, rng)
    correlation = float(np.corrcoef(many.labels, many.scores)[0, 1])
    return Kept(inside / draws, float(np.mean(widths)), float(np.mean(ratios)), correlation)


def main() -> None:
    began = time.monotonic()
    print(f"95 % interval of the mean over {JUDGED:,} judged, {DRAWS:,} samples each")
    print(f"  {'':34s} {'r':>5s}  labels  coverage  width  / labels alone")
    for world in WORLDS:
        for labelled in LABELS:
            kept = simulate(world, labelled)
            mark = "" if 0.935 <= kept.coverage <= 0.965 else "  <- outside 93.5 to 96.5 %"
            print(
                f"  {world.name:34s} {kept.correlation:5.2f}  {labelled:6d}  {kept.coverage:7.1%}  {kept.width:5.3f}"
                f"  {kept.ratio:5.2f}{mark}",
                flush=True,
            )
    print("widths by number of labels, levels 1 to 5 mapped to 0 to 1, 80 samples each (over labels alone)")
    for world in WORLDS[:3]:
        found = {n: simulate(world, n, draws=80) for n in (30, 60, 100, 200, 400)}
        row = [f"{n}: {kept.width:.3f} ({kept.ratio:.2f})" for n, kept in found.items()]
        print(f"  {world.name:34s} {'  '.join(row)}", flush=True)
    print(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
