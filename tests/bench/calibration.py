"""Does prediction-powered inference keep its promise? Coverage and width, by simulation.

    python -m tests.bench calibration

People give levels 1 to 5; the judge scores everything. Binomial noise of a share over 2,000 draws is 0.5 points (one
standard error) at 95 %.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.prediction_powered import powered_mean

DRAWS = 2000
JUDGED = 1000
LABELS = (50, 200)


class World(NamedTuple):
    """Levels with these chances, and a judge whose score correlates with them as `skill` says (of the noise's sd)."""

    name: str
    chances: tuple[float, ...]
    noise: float
    slope: float = 1.0


PLAIN = (0.1, 0.2, 0.3, 0.25, 0.15)
GOOD = (0.02, 0.05, 0.1, 0.33, 0.5)
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
)


class Kept(NamedTuple):
    """Share of intervals with the truth in them, mean width, and that width over the labels' own."""

    coverage: float
    width: float
    ratio: float
    correlation: float


def draw(world: World, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(labels in [0, 1], scores of the judge), shape (n,) each."""
    levels = rng.choice(len(world.chances), n, p=world.chances) / (len(world.chances) - 1)
    scores = world.slope * levels + world.noise * rng.normal(size=n)
    return levels, scores


def simulate(world: World, labelled: int, judged: int = JUDGED, draws: int = DRAWS, seed: int = 0) -> Kept:
    rng = np.random.default_rng(seed)
    truth = float(np.dot(world.chances, np.linspace(0, 1, len(world.chances))))
    inside, widths, ratios = 0, [], []
    for _ in range(draws):
        labels, scores = draw(world, judged, rng)
        found = powered_mean(labels[:labelled], scores[:labelled], scores[labelled:], low=0.0, high=1.0)
        assert found
        low, high = found.estimate.low, found.estimate.high
        alone = found.labels_only
        assert low is not None
        assert high is not None
        inside += low <= truth <= high
        widths.append(high - low)
        ratios.append((high - low) / ((alone.high or 1.0) - (alone.low or 0.0)))
    levels, scores = draw(world, 20_000, rng)
    correlation = float(np.corrcoef(levels, scores)[0, 1])
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
    print("widths by number of labels, levels 1 to 5 mapped to 0 to 1, 300 samples each")
    for world in (WORLDS[0], WORLDS[1], WORLDS[3], WORLDS[4]):
        row = [f"{n}: {simulate(world, n, draws=300).width:.3f}" for n in (30, 60, 100, 200, 400)]
        print(f"  {world.name:34s} {'  '.join(row)}", flush=True)
    print(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
