"""Metrics over all pictures of a run: which sets they compare, and their figures, kept in the store."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evalkit.api.errors import ConfigError, EvalkitError, Interrupted, StoppedByUser
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Metric, PictureSet, SetFigure
from evalkit.api.records import Dimension, Role, Sample
from evalkit.api.results import Interval, MetricResult
from evalkit.config.model import Gate
from evalkit.engine.closing import close
from evalkit.engine.plan import Plan
from evalkit.engine.progress import Progress
from evalkit.engine.reference_sets import ReferenceSet
from evalkit.formats.foreign_text import readable, said
from evalkit.formats.keys import digest, from_json, to_json
from evalkit.plugins.conformance import Origin, calling
from evalkit.plugins.values import FaultyValue, checked_figures, checked_text
from evalkit.stats.intervals import mean_interval
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore
from evalkit.verdict.gates import Ruling, rule_on_interval

CONFIDENCE = 0.95
"""Of the intervals of metrics."""
_FORMAT = 2
"""Raised whenever `MetricResult` or its interval changes: what was kept in another form is measured again."""


class _Comparison(NamedTuple):
    """What one metric is asked for: `contents` changes whenever a picture of either set does."""

    role: Role
    pictures: PictureSet
    reference: PictureSet
    twins: bool
    contents: str
    read: ReferenceSet | None = None


def metric_results(
    plan: Plan,
    store: RunStore,
    references: Mapping[Path, ReferenceSet],
    progress: Progress,
    stop: threading.Event,
) -> tuple[MetricResult, ...]:
    """Every figure of every metric of the plan. What the store has of the same pictures is not measured again.

    A metric that fails has no figures, and says why.

    Raises:
        Interrupted: `stop` was set; finished metrics are kept.
    """
    results: list[MetricResult] = []
    for metric in plan.metrics:
        for comparison in _comparisons(metric, plan, store, references):
            results += _measured(metric, comparison, store, progress, stop)
        close(metric, f"the metric `{metric.name}`")
    return tuple(results)


def check_gates_on_metrics(plan: Plan, n_cases: int) -> None:
    """Raise `ConfigError` for a gate that a metric of so few pictures must not decide, or can't."""
    known = plan.metric_dimensions()
    n = n_cases * len(plan.seeds)
    for gate in plan.config.gates:
        metric = known.get(gate.dimension)
        if metric is None:
            continue
        if gate.max_drop is not None:
            hint = "a metric compares the two sets already: use `max_value`"
            raise ConfigError(f"`{gate.dimension}` has no value of the teacher's own", where="gates", hint=hint)
        if gate.where is not None:
            hint = "leave `where` out, or run only these cases (`cases`)"
            raise ConfigError(f"`{gate.dimension}` has one value for all pictures, no part", where="gates", hint=hint)
        if gate.confidence != CONFIDENCE:
            raise ConfigError(f"`{gate.dimension}` has a {CONFIDENCE:.0%} interval, no other", where="gates")
        if n < metric.least_for_gate:
            raise ConfigError(
                f"no gate on `{gate.dimension}` below {metric.least_for_gate:,} pictures, and this run has {n:,}: "
                "its bias depends on the number of pictures and on the model",
                where="gates",
                hint="gate on an unbiased kernel distance (`…-twins` against the teacher), or add cases",
            )


def metric_ruling(gate: Gate, metric: Metric, results: Sequence[MetricResult], min_coverage: float) -> Ruling:
    """What the student's figure says of a gate: nothing, where it came from too few of the pictures."""
    found = next((r for r in results if r.dimension.name == gate.dimension and r.role is Role.STUDENT), None)
    ruling = rule_on_interval(
        gate, found.estimate if found else None, lack=_lack_of_pictures(found, metric, min_coverage)
    )
    if ruling.lack or found is None or found.n_pictures >= found.n_expected:
        return ruling
    return replace(ruling, missing=f"{found.n_pictures:,} of {found.n_expected:,} pictures were measured")


def _lack_of_pictures(found: MetricResult | None, metric: Metric, min_coverage: float) -> str:
    if found is None or found.estimate is None:
        return (found.reason if found else "") or "it was not measured"
    n = min(found.n_pictures, found.n_reference)
    if n < metric.least_for_gate:
        return f"{n:,} of at least {metric.least_for_gate:,} pictures"
    if found.n_pictures < min_coverage * found.n_expected:
        return f"only {found.n_pictures:,} of {found.n_expected:,} pictures were measured"
    return ""


def _measured(
    metric: Metric, asked: _Comparison, store: RunStore, progress: Progress, stop: threading.Event
) -> list[MetricResult]:
    place = f"metric:{metric.name}:{asked.role.value}:{asked.reference.name}"
    with calling(Origin("metrics", metric.name), "`fingerprint`"):
        fingerprint = checked_text(metric.fingerprint(), "`fingerprint`")
    key = digest(_FORMAT, fingerprint, asked.contents, asked.twins)
    stored = store.meta(place)
    if stored and stored["key"] == key:
        return [from_json(MetricResult, result) for result in stored["results"]]
    name = f"{metric.name} {asked.role.value}"
    progress.start(name, asked.pictures.n + asked.reference.n)
    watched = [_watched(each, name, progress, stop) for each in (asked.pictures, asked.reference)]
    figures, failure = figures_of(metric, watched[0], watched[1], twins=asked.twins)
    expected, lost = store.n_samples(asked.role), len(asked.read.lost) if asked.read else 0
    results = []
    for dimension in metric.dimensions:
        figure = figures.get(dimension.name) or SetFigure(dimension.name, None, failure or "the metric gave no figure")
        results.append(
            MetricResult(
                metric.name,
                metric.version,
                dimension,
                asked.role,
                asked.reference.name,
                asked.pictures.n,
                expected,
                asked.reference.n - lost,
                _with_bounds(figure, dimension),
                figure.reason,
                "; ".join(filter(None, (figure.note, asked.read.left_out() if asked.read else ""))),
            )
        )
    if not failure:  # else the same command tries again
        store.set_meta(place, {"key": key, "results": [to_json(result) for result in results]})
    return results


def figures_of(
    metric: Metric, pictures: PictureSet, reference: PictureSet, *, twins: bool
) -> tuple[dict[str, SetFigure], str]:
    """The figures of a metric by dimension; where it fails, none, and the reason."""
    try:
        measured = metric.measure(pictures, reference, twins=twins)
        return checked_figures(metric.name, metric.dimensions, measured), ""
    except (Interrupted, StoppedByUser):
        raise
    except FaultyValue as problem:
        return {}, str(problem)
    except EvalkitError as error:
        return {}, readable(error) + (f" ({readable(error.hint)})" if getattr(error, "hint", "") else "")
    except BaseException as error:  # a metric is a plug-in: anything can happen, `sys.exit` too
        return {}, said(error)


def _with_bounds(figure: SetFigure, dimension: Dimension) -> Interval | None:
    """The estimate, with the interval of the mean of its pseudo-values (Tukey 1958) moved to where the estimate is."""
    estimate = figure.estimate
    if estimate is None or not len(figure.pseudo_values):
        return estimate
    values = np.asarray(figure.pseudo_values, dtype=float)
    around = mean_interval(values - values.mean() + estimate.value, confidence=CONFIDENCE)
    if around is None or around.low is None:
        return estimate
    low = around.low if dimension.low is None else max(dimension.low, around.low)
    return Interval(estimate.value, low, around.high, estimate.n, CONFIDENCE)


def _comparisons(
    metric: Metric, plan: Plan, store: RunReader, references: Mapping[Path, ReferenceSet]
) -> Iterator[_Comparison]:
    """The student against its twins; or, with a reference folder, each role against that."""
    if metric.reference is None:
        drawn = [{(s.case_id, s.seed): s for s in store.samples(role) if s.ok} for role in Role]
        both = [cell for cell in drawn[0] if cell in drawn[1]]
        student, teacher = ([samples[cell] for cell in both] for samples in drawn)
        contents = digest([s.sha256 for s in student], [s.sha256 for s in teacher])
        yield _Comparison(Role.STUDENT, _stored(student, store), _stored(teacher, store), True, contents)
        return
    read = references[metric.reference]
    folder = PictureSet(f"folder {readable(metric.reference.name)}", len(read.files), read.pictures)
    known = digest(
        [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in read.files], sorted(read.broken)
    )
    for role in plan.generators:
        samples = [sample for sample in store.samples(role) if sample.ok]
        contents = digest([[s.case_id, s.sha256] for s in samples], known)
        yield _Comparison(role, _stored(samples, store), folder, False, contents, read)


def _stored(samples: Sequence[Sample], store: RunReader) -> PictureSet:
    def pictures() -> Iterator[tuple[str, Picture]]:
        for sample in samples:
            yield sample.case_id, Picture(sample.sha256, store.blobs.path(sample.sha256, sample.suffix), stored=True)

    return PictureSet(samples[0].role.value if samples else "none", len(samples), pictures)


def _watched(given: PictureSet, name: str, progress: Progress, stop: threading.Event) -> PictureSet:
    """The same set, telling how far it is and ending where the run is stopped."""

    def pictures() -> Iterator[tuple[str, Picture]]:
        for item in given.pictures():
            if stop.is_set():
                raise Interrupted("stopped; everything finished so far is kept")
            yield item
            progress.advance(name)

    return PictureSet(given.name, given.n, pictures)
