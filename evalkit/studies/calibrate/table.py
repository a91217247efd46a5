"""Formats a calibration for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.api.results import Interval
from evalkit.formats.text_table import align
from evalkit.studies.calibrate.records import Agreement, Calibration, DimensionCalibration, Estimate

MEASURES = {
    "alpha_ordinal": "alpha, ordinal",
    "alpha_interval": "alpha, interval",
    "alpha_nominal": "alpha, nominal",
    "kappa": "kappa, quadratic",
    "same_level": "same level",
    "rank_correlation": "rank correlation",
    "pairwise_accuracy": "pairs in order",
}
INDENT = "  "


def lines(calibration: Calibration) -> Iterator[str]:
    """All lines, dimension by dimension, then the warnings."""
    for each in calibration.dimensions:
        yield from _dimension(each)
    for warning in calibration.warnings:
        yield f"note: {warning}"


def _dimension(found: DimensionCalibration) -> Iterator[str]:
    people = f"{len(found.raters)} {'person' if len(found.raters) == 1 else 'people'}"
    yield f"{found.dimension} ({found.kind}), judge {found.judge} {found.judge_version}"
    looked_at = f"{found.n_pictures} {'pairs' if found.kind == 'pairwise' else 'pictures'} of {found.n_cases} cases"
    unscored = (
        f"; {found.n_unscored} more have no score of the judge and count in the estimates only"
        if found.n_unscored
        else ""
    )
    yield f"{INDENT}{found.n_labels} labels by {people} on {looked_at}{unscored}"
    if found.too_few:
        yield f"{INDENT}too few labels: {found.too_few}"
        yield from _estimates(found)
        return
    rows = [("", "judge", "people", "baseline"), *(_agreement(each) for each in found.agreement)]
    yield from (INDENT + line for line in align(rows))
    yield from _mapping(found)
    yield from _pass_fail(found)
    yield from _estimates(found)


def _estimates(found: DimensionCalibration) -> Iterator[str]:
    if found.no_estimate:
        yield f"{INDENT}no estimate of all pictures: {found.no_estimate}"
    if found.estimates:
        head = ("what people would say", "estimate", "labels alone", "equivalent labels", "judge's mean")
        yield from (INDENT + line for line in align([head, *(_estimate(each) for each in found.estimates)]))


def _agreement(each: Agreement) -> tuple[str, ...]:
    judge = _interval(each.judge_interval) if each.judge_interval else _figure(each.judge)
    return MEASURES.get(each.measure, each.measure), judge, _figure(each.people), _figure(each.baseline)


def _mapping(found: DimensionCalibration) -> Iterator[str]:
    if found.mapped:
        yield (
            f"{INDENT}mapping: {found.mapped.mapping.kind}; mean error on other cases {found.mapped.error:.3f} "
            f"({found.mapped.error_of_mean:.3f} if it always gave the mean)"
        )


def _pass_fail(found: DimensionCalibration) -> Iterator[str]:
    what = found.pass_fail
    if what is None:
        return
    cut = (
        "no threshold separates passes from fails"
        if what.threshold is None
        else f"judge's threshold {what.threshold:.4g}"
    )
    yield f"{INDENT}people pass a picture at {what.level:g} or more; {cut}"
    yield f"{INDENT}{INDENT}false pass {_share(what.false_pass, 'people fail')}"
    yield f"{INDENT}{INDENT}false fail {_share(what.false_fail, 'people pass')}"
    if what.pass_rate:
        check = f"; Rogan-Gladen {_interval(what.pass_rate_rogan_gladen)}" if what.pass_rate_rogan_gladen else ""
        yield f"{INDENT}{INDENT}pass rate of the student {_interval(what.pass_rate)}{check}"


def _estimate(each: Estimate) -> tuple[str, ...]:
    worth = "" if each.worth is None else f"{each.worth:.0f} instead of {each.estimate.n}"
    judged = "" if each.n_judged == each.n_cases else f", {each.n_judged} of them scored"
    of = f"{each.of} ({each.n_cases} cases{judged})"
    mean = "-" if each.judge is None else f"{each.judge:.4g}"
    return of, _interval(each.estimate), _interval(each.labels_only), worth, mean


def _share(share: Interval | None, of: str) -> str:
    return f"none: there is no picture that {of}" if share is None else f"{_interval(share)} of {share.n} that {of}"


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    if interval.low is None or interval.high is None:
        return f"{interval.value:.3f} (no interval)"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
