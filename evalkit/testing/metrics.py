"""Checks a metric."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from evalkit.api.pictures import Picture
from evalkit.api.protocols import Metric, PictureSet, SetFigure
from evalkit.api.records import JSON
from evalkit.testing.common import called, check, check_close, check_fingerprint, created, example_picture


def check_metric(metric: type[Metric] | Metric, *, settings: Mapping[str, JSON] | None = None, n: int = 4) -> None:
    """Check a metric: its class, its fingerprint, its figures on two small sets of pictures, `close`.

    Args:
        metric: the class, or an instance; it is closed at the end.
        settings: with which an instance of the class is created; without them, the defaults.
        n: number of pictures in each set.

    Raises:
        AssertionError: the metric breaks its contract; the message says how.
        UnavailableError: the metric needs something that this machine does not have.
    """
    made = created("metrics", metric, settings)
    sets = _example_set("student", n, 150), _example_set("teacher", n, 180)
    try:
        check_fingerprint(made)
        for twins in (True, False):
            figures = called(f"{made.name}.measure", made.measure, *sets, twins=twins)
            _check_figures(made, list(figures))
    finally:
        check_close(made)


def _check_figures(made: Metric, figures: list[SetFigure]) -> None:
    expected = {dimension.name: dimension for dimension in made.dimensions}
    for figure in figures:
        check(isinstance(figure, SetFigure), f"{made.name}.measure returned {type(figure).__name__}, not SetFigure")
    given = [figure.dimension for figure in figures]
    wanted = f"{made.name}.measure returned figures on {sorted(given)}, not one for each of {sorted(expected)}"
    check(sorted(given) == sorted(expected), wanted)
    for figure in figures:
        name, estimate = f"{made.name}: the figure `{figure.dimension}`", figure.estimate
        if estimate is None:
            check(figure.reason, f"{name} has no estimate and no `reason`")
            continue
        check(math.isfinite(estimate.value), f"{name} is {estimate.value}")
        low, high = estimate.low, estimate.high
        check(low is None or low <= estimate.value, f"{name}: the interval begins above the estimate")
        check(high is None or high >= estimate.value, f"{name}: the interval ends below the estimate")


def _example_set(name: str, n: int, shade: int) -> PictureSet:
    def pictures() -> Iterator[tuple[str, Picture]]:
        for number in range(n):
            yield f"example/{number:04d}", example_picture(shade + 9 * number)

    return PictureSet(name, n, pictures)
