"""Prediction-powered means: against `ppi_py`, coverage by a small simulation, never much worse than labels."""

import numpy as np
import pytest

from evalkit.stats.prediction_powered import powered_mean, tuned_weight
from tests.bench.calibration import World, simulate

FIVE = (0.1, 0.2, 0.3, 0.25, 0.15)

# `ppi_mean_pointestimate` and `ppi_mean_ci(alpha=0.05)` of ppi_py 0.2.3 on `world(seed)`: value, low, high. The package
# needs too much to be a dependency of ours (numba, pandas, statsmodels, scikit-learn, gdown).
PARITY = {
    0: (0.5752014822892558, 0.5405571928123386, 0.609845771766173),
    1: (0.5089982730387158, 0.4685038546190252, 0.5494926914584064),
    2: (0.5592270925766136, 0.5110348758831715, 0.6074193092700557),
    3: (0.5061914833163377, 0.449549478975494, 0.5628334876571813),
}


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    levels = rng.choice(5, 460, p=FIVE) / 4
    scores = np.round(0.1 + 1.2 * levels + rng.normal(0, 0.1 * (1 + seed), 460), 6)
    return levels[:60], scores[:60], scores[60:]


@pytest.mark.parametrize("seed", sorted(PARITY))
def test_the_estimate_is_that_of_ppi_py(seed: int) -> None:
    found = powered_mean(*world(seed))
    value, low, high = PARITY[seed]
    assert found
    assert found.estimate.value == pytest.approx(value, abs=1e-9)
    # theirs is normal, ours holds for skewed values too: on such plain ones the bounds are nearly the same
    assert found.estimate.low == pytest.approx(low, abs=0.12 * (high - low))
    assert found.estimate.high == pytest.approx(high, abs=0.12 * (high - low))


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("place", "labelled", "wide"),
    [
        (World("good", FIVE, 0.1), 50, (0.35, 0.5)),
        (World("fair, lower is better", FIVE, 0.25, slope=-1.0), 50, (0.6, 0.8)),
        (World("useless", FIVE, 0.3, slope=0.0), 50, (0.95, 1.04)),
        (World("mostly good", (0.02, 0.05, 0.1, 0.33, 0.5), 0.25), 100, (0.68, 0.85)),
        (World("rare defects, some missed", (0.03, 0.04, 0.04, 0.04, 0.85), 0.02, missed=0.33), 40, (0.85, 1.0)),
    ],
    ids=lambda value: value.name if isinstance(value, World) else "",
)
def test_it_covers_and_is_narrower_where_the_judge_is_good(
    place: World, labelled: int, wide: tuple[float, float]
) -> None:
    kept = simulate(place, labelled, judged=400, draws=250, seed=5)
    assert 0.92 <= kept.coverage <= 0.985  # the bench does 2,000; one standard error of 250 is 1.4 points
    assert wide[0] <= kept.ratio <= wide[1]


def test_a_bias_of_the_judge_is_taken_out() -> None:
    labels, scores, others = world(0)
    plain, kind = powered_mean(labels, scores, others), powered_mean(labels, scores + 0.3, others + 0.3)
    assert plain
    assert kind
    assert kind.estimate.value == pytest.approx(plain.estimate.value)
    assert kind.estimate.high == pytest.approx(plain.estimate.high, abs=1e-6)


def test_the_weight_turns_with_the_judge() -> None:
    labels, scores, others = world(0)
    up, down = powered_mean(labels, scores, others), powered_mean(labels, -scores, -others)
    assert up
    assert down
    assert down.weight == pytest.approx(-up.weight)
    assert down.estimate.value == pytest.approx(up.estimate.value)
    assert up.worth
    assert up.worth > 90, "60 labels with a good judge"


def test_without_help_the_labels_stand_alone() -> None:
    labels, scores, others = world(0)
    for mute in (
        powered_mean(labels, np.full(60, 0.5), np.full(400, 0.5)),
        powered_mean(labels, scores, np.zeros(0)),
        powered_mean(labels[:29], scores[:29], others),
        powered_mean(np.append(np.ones(51), labels[:9] / 2), scores, others),
    ):
        assert mute
        assert mute.weight == 0
        assert mute.estimate == mute.labels_only
    same = powered_mean(np.ones(60), scores, others, low=0.0, high=1.0)
    assert same
    assert same.estimate.value == 1
    assert same.estimate.low is not None
    assert 0.9 < same.estimate.low < 1, "60 alike don't prove that all are"
    assert powered_mean(np.zeros(0), np.zeros(0), others) is None
    assert tuned_weight(np.ones(1), np.ones(1), others) == 0
    with pytest.raises(ValueError, match="scores of the same cases"):
        powered_mean(labels, scores[:5], others)


def test_bounds_stay_on_the_scale() -> None:
    labels = np.append(np.ones(30), np.full(10, 0.75))
    scores = np.append(np.full(30, 0.97), np.full(10, 0.7))
    found = powered_mean(labels, scores, np.full(300, 0.99), low=0.0, high=1.0)
    assert found
    assert found.estimate.high is not None
    assert found.estimate.value <= found.estimate.high <= 1
