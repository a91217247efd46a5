"""The Fréchet distance against scipy's matrix square root and torch-fidelity, by every method and streamed."""

import numpy as np
import pytest
import scipy.linalg

from evalkit.judges.fidelity.sets.frechet import frechet_distance, frechet_distance_of_moments, frechet_distance_of_rows
from evalkit.judges.fidelity.sets.frechet_spread import frechet_estimate
from evalkit.judges.fidelity.sets.grouped import GROUPS, GroupedFeatures, Groups
from evalkit.judges.fidelity.sets.moments import Moments

Rows = np.ndarray


def features(n: int, d: int, seed: int, shift: float = 0.0) -> Rows:
    """Skewed and correlated, as features are: spectrum falling as a power, no negative values."""
    mix = np.random.default_rng(7).standard_normal((d, d)) * np.arange(1, d + 1) ** -0.7
    return np.abs(np.random.default_rng(seed).standard_normal((n, d)) @ mix.T + shift)


def textbook(one: Rows, other: Rows) -> float:
    """As the formula is written, with scipy's matrix square root."""
    apart = one.mean(0) - other.mean(0)
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second)
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * np.trace(root).real)


def textbook_of_few(one: Rows, other: Rows) -> float:
    """The same where the covariances have no full rank, for which sqrtm loses half its digits.

    With orthonormal contrasts C (n-1, n) of the rows, A = C1 X Yᵀ C2ᵀ is square and regular, and tr (S1 S2)^½ is
    tr sqrtm(A Aᵀ) / √((n1-1)(n2-1)).
    """
    contrasts = [scipy.linalg.helmert(len(rows)) for rows in (one, other)]
    product = contrasts[0] @ one @ other.T @ contrasts[1].T
    root = np.trace(scipy.linalg.sqrtm(product @ product.T)).real / np.sqrt((len(one) - 1) * (len(other) - 1))
    apart = one.mean(0) - other.mean(0)
    spread = sum(np.trace(np.cov(rows, rowvar=False)) for rows in (one, other))
    return float(apart @ apart + spread - 2 * root)


@pytest.mark.parametrize(("n1", "n2", "d"), [(300, 250, 40), (90, 400, 64), (65, 65, 64)])
def test_parity_with_the_matrix_square_root(n1: int, n2: int, d: int) -> None:
    one, other = features(n1, d, 1), features(n2, d, 2, 0.3)
    expected = textbook(one, other)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance_of_moments(Moments.of(one), Moments.of(other)) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance_of_rows(one, other) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("n1", "n2", "d"), [(50, 50, 200), (30, 60, 100)])
def test_parity_where_there_are_fewer_rows_than_features(n1: int, n2: int, d: int) -> None:
    one, other = features(n1, d, 1), features(n2, d, 2, 0.3)
    expected = textbook_of_few(one, other) if n1 <= n2 else textbook_of_few(other, one)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-8)
    # from covariances alone the last digits are lost to everybody: sqrtm itself is this far off
    assert frechet_distance_of_moments(Moments.of(one), Moments.of(other)) == pytest.approx(expected, rel=1e-5)
    assert textbook(one, other) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("n", "d"), [(300, 48), (60, 200)])
def test_parity_with_torch_fidelity(n: int, d: int) -> None:
    pytest.importorskip("torch_fidelity")
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    rows = [features(n, d, 1).astype(np.float32), features(n, d, 2, 0.2).astype(np.float32)]
    theirs = fid_statistics_to_metric(*(fid_features_to_statistics(torch.from_numpy(r)) for r in rows), verbose=False)
    assert frechet_distance(*rows) == pytest.approx(next(iter(theirs.values())), rel=1e-4)


def test_a_set_has_no_distance_from_itself_and_a_shift_has_its_square() -> None:
    one = features(200, 20, 1)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(one, one + 2.0) == pytest.approx(20 * 4.0)


def test_features_that_never_fire_do_no_harm() -> None:
    one, other = features(200, 20, 1), features(200, 20, 2)
    dead = np.zeros((200, 5))
    assert frechet_distance(np.hstack([one, dead]), np.hstack([other, dead])) == pytest.approx(
        frechet_distance(one, other), rel=1e-6
    )


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        (np.zeros((3, 4)), np.zeros((3, 5)), "shapes"),
        (np.zeros((1, 4)), np.zeros((3, 4)), "at least 2"),
        (np.full((3, 4), np.nan), np.zeros((3, 4)), "finite"),
    ],
)
def test_bad_features_are_refused(one: Rows, other: Rows, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        frechet_distance(one, other)


def test_moments_merge_and_part_without_loss() -> None:
    rows = features(500, 12, 3) + 1e6  # sums of squares would lose all their digits here
    parts = [Moments.of(part) for part in np.array_split(rows, 7)]
    total = parts[0]
    for part in parts[1:]:
        total = total.merged(part)
    assert np.allclose(total.mean, rows.mean(0), rtol=1e-14)
    assert np.allclose(total.covariance, np.cov(rows, rowvar=False), rtol=1e-8)
    rest = total.without(parts[2])
    kept = np.concatenate([part for i, part in enumerate(np.array_split(rows, 7)) if i != 2])
    assert np.allclose(rest.covariance, np.cov(kept, rowvar=False), rtol=1e-8)
    with pytest.raises(ValueError, match="nothing is left"):
        total.without(total)


def gathered(rows: Rows, groups: Groups, batch: int) -> GroupedFeatures:
    result = GroupedFeatures(rows.shape[1], groups)
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch].astype(np.float32)
        result.update(part, [f"case {i}" for i in range(start, start + len(part))])
    return result


@pytest.mark.parametrize(("n", "d"), [(40, 64), (200, 24)])
@pytest.mark.parametrize("batch", [1, 7, 500])
def test_streaming_changes_nothing(n: int, d: int, batch: int) -> None:
    one, other = (features(n, d, seed).astype(np.float32) for seed in (1, 2))
    groups = Groups()
    found = frechet_estimate(gathered(one, groups, batch), gathered(other, groups, batch), twins=True)
    assert found.value == pytest.approx(frechet_distance(one, other), rel=1e-9)
    whole = Groups()
    at_once = frechet_estimate(gathered(one, whole, n), gathered(other, whole, n), twins=True)
    assert found.spread[:2] == pytest.approx(at_once.spread[:2], rel=1e-6)


def test_memory_does_not_grow_with_the_number_of_pictures() -> None:
    held = GroupedFeatures(16, Groups())
    for i in range(400):
        held.update(np.ones((5, 16), np.float32) * i, [f"{i}-{j}" for j in range(5)])
        assert len(held._labels) <= 16 + 5
    assert sum(part.n for part in held.moments()) == held.n == 2000
    assert len(held.moments()) == GROUPS


def test_the_spread_is_that_of_repeated_draws() -> None:
    values, errors, unbiased = [], [], []
    for seed in range(10_000, 10_240, 2):
        one, other = features(150, 12, seed), features(150, 12, seed + 1, 0.5)
        groups = Groups()
        found = frechet_estimate(gathered(one, groups, 500), gathered(other, groups, 500), twins=True)
        values.append(found.value)
        errors.append(found.spread.error)
        unbiased.append(found.spread.unbiased)
    assert 0.8 < np.mean(errors) / np.std(values) < 1.6  # honest to wide: the distance is no smooth mean
    truth = frechet_distance(features(40_000, 12, 900), features(40_000, 12, 901, 0.5))
    chance = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(unbiased) - truth) < 3 * chance  # the extrapolation to infinitely many
    assert np.mean(values) - truth > 10 * chance  # without it the distance is too large
