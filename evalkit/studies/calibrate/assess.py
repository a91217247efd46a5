"""Computes the figures of one dimension from labels and scores; none is measured on the labels it was fitted to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.labels import LEVELS
from evalkit.api.records import Role
from evalkit.api.results import Interval
from evalkit.stats import agreement
from evalkit.stats.cross_fit import folds
from evalkit.stats.isotonic import IsotonicMapping, fit_isotonic
from evalkit.stats.ordinal import OrdinalMapping, fit_ordinal
from evalkit.stats.pass_fail import best_threshold, exact_share, rogan_gladen
from evalkit.stats.prediction_powered import powered_mean
from evalkit.studies.calibrate.join import CaseValues, LabelledScores, passes
from evalkit.studies.calibrate.records import Agreement, DimensionCalibration, Estimate, PassFail, ScoreMapping

Values = NDArray[np.float64]
Positions = NDArray[np.int_]
RESAMPLES = 300
ENOUGH = 20
"""Below this number of labelled pictures, or half as many cases, no figures are given."""
ENOUGH_FOR_ISOTONIC = 200
"""From this number of labelled pictures on, the mapping is isotonic, its shape being left to the data
(Niculescu-Mizil & Caruana 2005)."""
ALPHAS: tuple[agreement.Level, ...] = ("ordinal", "interval", "nominal")


class JudgeVersion(NamedTuple):
    """Name and version of the judge that gave the scores."""

    name: str
    version: str


def assess(
    judged: LabelledScores, judge: JudgeVersion, *, pass_level: float, no_estimate: str = ""
) -> DimensionCalibration:
    """All figures of one dimension.

    Args:
        judged: labels and scores.
        judge: the judge that gave the scores.
        pass_level: lowest value of people that is a pass, in [0, 1].
        no_estimate: why the labels say nothing about other pictures; empty if they do.
    """
    head = DimensionCalibration(
        judged.dimension.name, judge.name, judge.version, judged.kind, judged.n_labels, len(judged.cells),
        len(np.unique(judged.cases)), len(judged.unscored_labels), judged.raters,
    )  # fmt: skip
    estimates = () if no_estimate else _estimates(judged)
    if head.n_pictures < ENOUGH or head.n_cases < ENOUGH // 2:
        known = f"{head.n_pictures} labelled pictures of {head.n_cases} cases"
        too_few = f"{known}; at least {ENOUGH} of {ENOUGH // 2} are needed"
        return replace(head, too_few=too_few, estimates=estimates, no_estimate=no_estimate)
    mapped = map_scores(judged)
    accuracy, tie = _pairwise(judged)
    return replace(
        head,
        agreement=(*_levels(judged, mapped.held_out), _ranks(judged), accuracy),
        tie=tie,
        pass_fail=None if judged.kind == "pairwise" else _pass_fail(judged, pass_level, estimate=not no_estimate),
        estimates=estimates,
        no_estimate=no_estimate,
        mapped=mapped.record,
    )


# ------------------------------------------------------------------------------------------------------ mapping


class MappedScores(NamedTuple):
    """The mapping for use, and the values that mappings fitted to other cases give to each cell, shape (cells,)."""

    record: ScoreMapping
    held_out: Values


def map_scores(judged: LabelledScores) -> MappedScores:
    """Fit the mapping, cross-fitted by case: isotonic from `ENOUGH_FOR_ISOTONIC` labelled pictures on, else ordinal."""
    held_out = np.full(len(judged.cells), np.nan)
    means = np.full(len(judged.cells), np.nan)
    for fold in folds(judged.cases):
        held_out[fold.held] = _fit(judged, fold.fit).apply(judged.scores[fold.held])
        means[fold.held] = judged.labels[fold.fit].mean()
    error = float(np.mean(np.abs(held_out - judged.labels)))
    of_mean = float(np.mean(np.abs(means - judged.labels)))
    return MappedScores(ScoreMapping(_fit(judged, np.arange(len(judged.cells))), error, of_mean), held_out)


def _fit(judged: LabelledScores, cells: NDArray[np.int_]) -> IsotonicMapping | OrdinalMapping:
    """Fit a mapping to some cells; the answer of each person is one observation."""
    ratings = judged.ratings[:, cells]
    given = ~np.isnan(ratings)
    scores = np.broadcast_to(judged.scores[cells], ratings.shape)[given]
    if len(judged.cells) < ENOUGH_FOR_ISOTONIC:
        return fit_ordinal(scores, ratings[given], np.array(LEVELS[judged.kind]))
    return fit_isotonic(scores, ratings[given], increasing=judged.upwards)


# ---------------------------------------------------------------------------------------------------- agreement


def _levels(judged: LabelledScores, held_out: Values) -> list[Agreement]:
    """The measures that compare levels; the judge's level is its mapped score, rounded to the nearest one."""
    levels = np.array(LEVELS[judged.kind])
    said = levels[np.argmin(np.abs(held_out[:, None] - levels), axis=1)]
    rows = judged.ratings
    always = np.full(len(said), _most_common(rows[~np.isnan(rows)]))
    found = []
    for level in ALPHAS:

        def alpha(at: Positions, level: agreement.Level = level) -> float | None:
            return _mean([agreement.krippendorff_alpha(np.vstack([said[at], row[at]]), level) for row in rows])

        people = agreement.krippendorff_alpha(rows, level) if len(rows) > 1 else None
        found.append(_with_interval(judged, f"alpha_{level}", alpha, people, 0.0))
    between = [_agreement(one, other, levels) for one, other in _pairs_of_people(judged)]
    baseline = _mean([_agreement(always, row, levels).same for row in rows])

    def kappa(at: Positions) -> float | None:
        return _mean([_agreement(said[at], row[at], levels).kappa for row in rows])

    def same(at: Positions) -> float | None:
        return _mean([_agreement(said[at], row[at], levels).same for row in rows])

    return [
        *found,
        _with_interval(judged, "kappa", kappa, _mean([two.kappa for two in between]), 0.0),
        _with_interval(judged, "same_level", same, _mean([two.same for two in between]), baseline),
    ]


def _with_interval(
    judged: LabelledScores,
    measure: str,
    figure: Callable[[Positions], float | None],
    people: float | None,
    baseline: float | None,
) -> Agreement:
    """The judge's figure with a percentile interval, resampled by case (Efron 1979; Cameron, Gelbach & Miller 2008)."""
    value = figure(np.arange(len(judged.cells)))
    if value is None:
        return Agreement(measure, None, people, baseline)
    ends = np.flatnonzero(np.diff(judged.cases)) + 1  # cells come grouped by case
    groups = np.split(np.arange(len(judged.cells)), ends)
    rng = np.random.default_rng(0)
    drawn = (np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))]) for _ in range(RESAMPLES))
    known = [again for at in drawn if (again := figure(at)) is not None]
    interval = None
    if len(known) > 0.9 * RESAMPLES:
        low, high = np.quantile(known, (0.025, 0.975))
        interval = Interval(value, min(float(low), value), max(float(high), value), len(groups))
    return Agreement(measure, value, people, baseline, interval)


class _PairAgreement(NamedTuple):
    """Agreement of two raters: quadratic kappa, and the share of equal levels."""

    kappa: float | None
    same: float | None


def _agreement(one: Values, other: Values, levels: Values) -> _PairAgreement:
    """The agreement of two raters on the cells that both rated."""
    one, other = _common(one, other)
    if not len(one):
        return _PairAgreement(None, None)
    return _PairAgreement(agreement.weighted_kappa(one, other, levels), float(np.mean(one == other)))


def _common(one: Values, other: Values) -> tuple[Values, Values]:
    """The ratings of the cells that both raters rated."""
    both = ~np.isnan(one) & ~np.isnan(other)
    return one[both], other[both]


def _pairs_of_people(judged: LabelledScores) -> list[tuple[Values, Values]]:
    """The common ratings of every pair of people."""
    return [_common(one, other) for one, other in combinations(judged.ratings, 2)]


def _most_common(values: Values) -> float:
    seen, counts = np.unique(values, return_counts=True)
    return float(seen[np.argmax(counts)])


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _ranks(judged: LabelledScores) -> Agreement:
    """Spearman's correlation of the judge's score, turned so that higher is better, with the mean label."""
    sign = 1.0 if judged.upwards else -1.0
    people = [agreement.rank_correlation(one, other) for one, other in _pairs_of_people(judged)]

    def figure(at: Positions) -> float | None:
        return agreement.rank_correlation(sign * judged.scores[at], judged.labels[at])

    return _with_interval(judged, "rank_correlation", figure, _mean(people), 0.0)


def _pairwise(judged: LabelledScores) -> tuple[Agreement, float]:
    """acc_eq over the pairs inside each fold, with a tie fitted to the other folds; and the tie fitted to all pairs."""
    scores = judged.scores if judged.upwards else -judged.scores
    right = n = baseline = 0.0
    for fold in folds(judged.cases):
        tie = agreement.calibrated_tie(agreement.all_pairs(scores[fold.fit], judged.labels[fold.fit]))
        pairs = agreement.all_pairs(scores[fold.held], judged.labels[fold.held])
        found = agreement.pairwise_accuracy(pairs, tie)
        if found is not None:
            right, n = right + found * len(pairs.signs), n + len(pairs.signs)
            baseline += float(np.sum(pairs.signs == 0))
    people = [
        agreement.pairwise_accuracy(agreement.all_pairs(one, other), 0.0) for one, other in _pairs_of_people(judged)
    ]
    tie = agreement.calibrated_tie(agreement.all_pairs(scores, judged.labels))
    # baseline: a judge that finds all pictures equal is right about people's ties
    known = Agreement("pairwise_accuracy", right / n if n else None, _mean(people), baseline / n if n else None)
    return known, tie


# -------------------------------------------------------------------------------------------------- pass or fail


def _pass_fail(judged: LabelledScores, pass_level: float, *, estimate: bool) -> PassFail:
    """The judge's two error rates; each cell is decided by a threshold fitted to other cases."""
    upwards = judged.upwards
    passed = np.asarray(passes(judged.labels, pass_level))
    threshold = best_threshold(judged.scores, passed, higher_is_better=upwards)
    said = np.zeros(len(passed), dtype=bool)
    for fold in folds(judged.cases):
        cut = best_threshold(judged.scores[fold.fit], passed[fold.fit], higher_is_better=upwards)
        if cut is None:  # all other cases pass, or all fail: so does this one
            said[fold.held] = passed[fold.fit].mean() >= 0.5
        else:
            said[fold.held] = _passes(judged.scores[fold.held], cut, upwards=upwards)
    good, bad = int(passed.sum()), int((~passed).sum())
    wrong_pass, wrong_fail = int((said & ~passed).sum()), int((~said & passed).sum())
    result = PassFail(pass_level, threshold, exact_share(wrong_pass, bad), exact_share(wrong_fail, good))
    scores = np.array([value for (_, _, role), value in judged.everything.items() if role is Role.STUDENT])
    powered = powered_mean(*judged.by_case(Role.STUDENT, pass_level)[:3], low=0.0, high=1.0)
    if not estimate or not len(scores) or powered is None:
        return result
    cross = None
    if threshold is not None and not any(role is Role.STUDENT for _, _, role in judged.unscored):
        kept = int(_passes(scores, threshold, upwards=upwards).sum())
        cross = rogan_gladen(kept, len(scores), (good - wrong_fail, good), (bad - wrong_pass, bad))
    return replace(result, pass_rate=powered.estimate, pass_rate_rogan_gladen=cross)


def _passes(scores: Values, threshold: float, *, upwards: bool) -> NDArray[np.bool_]:
    return scores >= threshold if upwards else scores <= threshold


# ----------------------------------------------------------------------------------------------------- estimates


def _estimates(judged: LabelledScores) -> tuple[Estimate, ...]:
    """The estimates for student, teacher and their paired difference; for pairwise questions, that of the pairs."""
    if judged.kind == "pairwise":
        found = [_estimate("pairs", judged, judged.by_case(None), None, low=0.0)]
    else:
        found = [
            _estimate(role.value, judged, judged.by_case(role), role, low=0.0) for role in (Role.STUDENT, Role.TEACHER)
        ]
        found.append(_estimate("student - teacher", judged, judged.differences(), None, low=-1.0))
    return tuple(estimate for estimate in found if estimate)


def _estimate(of: str, judged: LabelledScores, values: CaseValues, role: Role | None, *, low: float) -> Estimate | None:
    if len(values.labels) < ENOUGH // 2:
        return None
    powered = powered_mean(*values[:3], low=low, high=1.0)
    assert powered
    judges = judged.judges_mean(role, difference=of == "student - teacher")
    return Estimate(
        of, powered.estimate, powered.labels_only, judges, powered.weight, powered.worth,
        values.n_judged, len(values.labels) + len(values.others),
    )  # fmt: skip
