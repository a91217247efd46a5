"""Kernel distances against torch-fidelity and CMMD's definition; their spread; twins."""

import numpy as np
import pytest

from evalkit.judges.fidelity.sets import mmd
from evalkit.judges.fidelity.sets.mmd import gaussian, mmd2, mmd2_estimates, polynomial
from tests.judges.fidelity.test_frechet import features


@pytest.mark.parametrize(("estimator", "unbiased"), [("unbiased", True), ("biased", False)])
def test_parity_with_torch_fidelity(estimator: str, unbiased: bool) -> None:
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid")
    one, other = features(120, 32, 1), features(120, 32, 2, 0.2)
    settings = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    xx, xy, yy = (metric_kid.kernel_poly(a, b, **settings) for a, b in ((one, one), (one, other), (other, other)))
    theirs = metric_kid.mmd2(xx, xy, yy, mmd_est=estimator)
    assert mmd2(one, other, polynomial, unbiased=unbiased) == pytest.approx(theirs, rel=1e-9)


def test_parity_with_torch_fidelitys_kid() -> None:
    """One subset of all pictures; their subsets of 1,000 have the same mean and more noise."""
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid")
    import torch

    rows = [features(150, 40, seed, seed / 10).astype(np.float32) for seed in (1, 2)]
    settings = {"kid_subsets": 1, "kid_subset_size": 150, "kid_kernel": "poly", "verbose": False, "rng_seed": 1}
    kernel = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    theirs = metric_kid.kid_features_to_metric(*map(torch.from_numpy, rows), **settings, **kernel)
    assert mmd2(*rows, polynomial) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-4)


def test_the_pair_of_twins_left_out_is_torch_fidelitys_u_statistic() -> None:
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid")
    one, other = features(80, 16, 1), features(80, 16, 2)
    xx, xy, yy = (polynomial(a, b) for a, b in ((one, one), (one, other), (other, other)))
    cases = [str(i) for i in range(80)]
    paired = mmd2_estimates(one, other, polynomial, cases, cases).paired
    assert paired.value == pytest.approx(metric_kid.mmd2(xx, xy, yy, mmd_est="u-statistic"), rel=1e-9)


def test_cmmd_by_its_definition() -> None:
    """mean k(x, x) + mean k(y, y) - 2 mean k(x, y) over all pairs, k = exp(-|x-y|²/200), of unit vectors."""
    one, other = (r / np.linalg.norm(r, axis=1, keepdims=True) for r in (features(30, 8, 1), features(40, 8, 2, 0.5)))
    k = {}
    for name, (a, b) in {"xx": (one, one), "yy": (other, other), "xy": (one, other)}.items():
        k[name] = np.mean([[np.exp(-(np.sum((x - y) ** 2)) / 200) for y in b] for x in a])
    assert mmd2(one, other, gaussian, unbiased=False) == pytest.approx(k["xx"] + k["yy"] - 2 * k["xy"], abs=1e-14)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, cases = features(70, 9, 1), features(70, 9, 2), [f"{i // 2}" for i in range(70)]
    whole = mmd2_estimates(one, other, polynomial, cases, cases)
    monkeypatch.setattr(mmd, "_BLOCK", 16)
    parts = mmd2_estimates(one, other, polynomial, cases, cases)
    for a, b in zip(whole, parts, strict=True):
        assert a.value == pytest.approx(b.value, rel=1e-9)
        assert a.spread.error == pytest.approx(b.spread.error, rel=1e-9)


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_spread_is_the_jackknife_over_cases(seeds: int) -> None:
    n = 10 * seeds
    one, other, cases = features(n, 9, 1), features(n, 9, 2), [f"{i // seeds}" for i in range(n)]
    found = mmd2_estimates(one, other, polynomial, cases, cases)
    left = np.array([c != "4" for c in cases])
    for name in ("unbiased", "biased", "paired"):
        without = []
        for case in dict.fromkeys(cases):
            left = np.array([c != case for c in cases])
            kept = [c for c in cases if c != case]
            without.append(getattr(mmd2_estimates(one[left], other[left], polynomial, kept, kept), name).value)
        spread = np.sqrt(9 / 10 * np.sum((np.array(without) - np.mean(without)) ** 2))
        assert getattr(found, name).spread.error == pytest.approx(spread, rel=1e-6), name


def test_a_fixed_reference_adds_no_spread() -> None:
    one, other = features(60, 9, 1), features(50, 9, 2)
    fixed = mmd2_estimates(one, other, polynomial).unbiased
    left = [mmd2(np.delete(one, i, 0), other, polynomial) for i in range(60)]
    assert fixed.spread.error == pytest.approx(np.sqrt(59 / 60 * np.sum((left - np.mean(left)) ** 2)), rel=1e-6)


def test_only_the_estimator_for_twins_is_right_for_twins() -> None:
    """Student = teacher but for independent noise: the true distance is 0."""
    values = []
    for seed in range(40):
        base = features(40, 8, seed)
        rng = np.random.default_rng(1000 + seed)
        one, other = (base + rng.normal(0, 0.05, base.shape) for _ in range(2))
        cases = [str(i) for i in range(40)]
        found = mmd2_estimates(one, other, polynomial, cases, cases)
        values.append((found.unbiased.value, found.paired.value))
    published, paired = np.mean(values, axis=0)
    assert abs(paired) < 0.02 * abs(published)
    assert published < 0


def test_few_cases_get_no_interval() -> None:
    few = mmd2_estimates(features(4, 9, 1), features(4, 9, 2), polynomial)
    assert few.unbiased.spread is None
    with pytest.raises(ValueError, match="no discrepancy"):
        mmd2(np.zeros((1, 3)), np.zeros((5, 3)), polynomial)
    with pytest.raises(ValueError, match="finite"):
        mmd2(np.full((3, 3), np.inf), np.zeros((5, 3)), polynomial)
