"""A student and its teacher at several step counts: one ordinary run for each point, all with one cache."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evalkit.api.errors import ConfigError, Interrupted
from evalkit.api.frontier import Figure, Frontier, Point, PointPicture, Strip, fronts, main_dimensions
from evalkit.api.records import Case, Role, Sample
from evalkit.api.results import DimensionChange, DimensionResult, RunSummary
from evalkit.config.model import RunConfig
from evalkit.engine.plan import assemble
from evalkit.engine.progress import Progress
from evalkit.engine.run import execute
from evalkit.formats.keys import digest
from evalkit.plugins.registry import PluginSpec, create
from evalkit.stats.intervals import case_means
from evalkit.stats.multiplicity import benjamini_hochberg
from evalkit.stats.paired_tests import paired_p_value
from evalkit.store.run_reader import RunReader
from evalkit.verdict.compare import paired_differences

STEPS = "num_inference_steps"
JUDGES = tuple(PluginSpec(name) for name in ("typography", "grain", "layout"))
"""Who looks where the config does not say."""
STRIPS = 3
"""Cases shown at every point."""


class Stop(NamedTuple):
    """One point to run: `spec` plays the student, whatever its role in the sweep."""

    role: Role
    steps: int
    spec: PluginSpec

    @property
    def name(self) -> str:
        return f"{self.role.value}-{self.steps:02d}"


class Sweep(NamedTuple):
    """What is run: the stops, and `teacher` at its most steps, which is everybody's twin and not run by itself."""

    config: RunConfig
    stops: tuple[Stop, ...]
    reference: Stop
    digest: str


class Swept(NamedTuple):
    """The result, and where the pictures it shows lie: sha256 -> file."""

    frontier: Frontier
    pictures: dict[str, Path]


def with_steps(spec: PluginSpec, steps: int, where: str) -> PluginSpec:
    """The same generator with `num_inference_steps`. Its own `sigmas` stay only where they are as many.

    Raises:
        ConfigError: it has no such setting; as `create`.
    """
    generator: Any = create("generators", spec)
    try:
        if STEPS not in type(generator).Settings.model_fields:
            raise ConfigError(
                f"the generator `{spec.use}` has no setting `{STEPS}`, so it can't be swept over NFE",
                where=where,
                hint="give a `diffusers` generator or a preset of one (`evalkit list generators`)",
            )
        sigmas = getattr(generator.settings, "sigmas", None)
    finally:
        generator.close()
    if sigmas is not None and len(sigmas) == steps:
        return spec
    changed: dict[str, Any] = {**spec.settings, STEPS: steps} | ({"sigmas": None} if sigmas is not None else {})
    swept = dataclasses.replace(spec, settings=changed)
    create("generators", swept).close()
    return swept


def plan_sweep(config: RunConfig, student_steps: Sequence[int], teacher_steps: Sequence[int]) -> Sweep:
    """The points of a sweep, all checked; nothing heavy is loaded and nothing is started.

    Gates, baseline, metrics and early stopping of the config are left out: a sweep describes, it does not decide.

    Raises:
        UsageError: as `assemble`; no teacher; a generator that has no steps.
    """
    student, teacher = config.student, config.teacher
    if teacher is None:
        raise ConfigError("a sweep needs a teacher to compare with", where="teacher", hint="`--teacher G`")
    kept = tuple(spec for spec in config.exporters if spec.use == "html")
    changes: dict[str, Any] = {
        "gates": (), "baseline": None, "metrics": (), "flaky": None, "stop_early": False, "exporters": kept,
    }  # fmt: skip
    if "judges" not in config.model_fields_set:
        changes["judges"] = JUDGES
    config = config.model_copy(update=changes)
    plan = assemble(config)
    most = max(teacher_steps)
    identity = digest(plan.digest(), most)
    plan.close()
    reference = Stop(Role.TEACHER, most, with_steps(teacher, most, "teacher"))
    stops = [Stop(Role.STUDENT, n, with_steps(student, n, "student")) for n in sorted(set(student_steps))]
    fewer = sorted(set(teacher_steps) - {most})
    stops += [Stop(Role.TEACHER, n, with_steps(teacher, n, "teacher")) for n in fewer]
    return Sweep(config, tuple(stops), reference, identity)


def run_sweep(
    sweep: Sweep,
    folder: Path,
    *,
    command: str,
    progress: Callable[[], Progress],
    stop: threading.Event,
    say: Callable[[str], None] = lambda text: None,
) -> Swept:
    """Do what is missing of every point's run below `folder`, and put their figures together.

    Raises:
        UsageError, UnavailableError: as `execute`.
        Interrupted: `stop` was set; what was finished is kept.
    """
    config, summaries = sweep.config, []
    cache = folder / "cache" if config.cache is False else config.cache
    for number, point in enumerate(sweep.stops, 1):
        if stop.is_set():
            raise Interrupted("stopped; everything finished so far is kept")
        say(f"point {number} of {len(sweep.stops)}: {point.name}")
        changes = {"student": point.spec, "teacher": sweep.reference.spec, "cache": cache}
        changed = config.model_copy(update=changes)
        output = execute(
            changed, assemble(changed), folder / _run(point), command=command, progress=progress(), stop=stop
        )
        summaries.append(output.summary)
    return _put_together(sweep, folder, summaries, command)


def _run(point: Stop) -> str:
    return f"runs/{point.name}"


def _put_together(sweep: Sweep, folder: Path, summaries: Sequence[RunSummary], command: str) -> Swept:
    first = summaries[0]
    with ExitStack() as stack:
        readers = [stack.enter_context(RunReader(folder / _run(point))) for point in sweep.stops]
        points = [
            _point(point, summary, reader, Role.STUDENT)
            for point, summary, reader in zip(sweep.stops, summaries, readers, strict=True)
        ]
        points.append(_point(sweep.reference, first, readers[0], Role.TEACHER, _run(sweep.stops[0])))
        points = _adjusted(points)
        pictures: dict[str, Path] = {}
        named = [*zip(sweep.stops, readers, strict=True), (sweep.reference, readers[0])]
        strips = tuple(_strip(idx, case, named, sweep.reference, pictures) for idx, case in _shown(readers[0]))
    frontier = Frontier(
        first.benchmark,
        first.benchmark_version,
        first.benchmark_digest,
        max(summary.created for summary in summaries),
        first.evalkit_version,
        command,
        first.n_cases,
        first.seeds,
        main_dimensions(points[0].figures),
        tuple(points),
        fronts(points),
        strips,
    )
    return Swept(frontier, pictures)


def _point(stop: Stop, summary: RunSummary, reader: RunReader, played: Role, run: str = "") -> Point:
    """The figures of one point; `played` is its role in the run that measured it."""
    generator = next(result for result in summary.generators if result.role is played)
    samples = [sample for sample in reader.samples(played) if sample.ok]
    nfes = [sample.nfe for sample in samples if sample.nfe is not None]
    seconds = [sample.seconds for sample in samples if sample.seconds is not None]
    low, high = map(float, np.quantile(seconds, (0.25, 0.75))) if seconds else (None, None)
    return Point(
        name=stop.name,
        role=stop.role,
        steps=stop.steps,
        reference=played is Role.TEACHER,
        generator=generator.name,
        hardware=generator.hardware,
        nfe=generator.nfe,
        nfe_least=min(nfes, default=None),
        nfe_most=max(nfes, default=None),
        seconds=generator.seconds_per_picture,
        seconds_low=low,
        seconds_high=high,
        n_pictures=generator.n_pictures,
        n_errors=generator.n_errors,
        sigmas=_sigmas(samples),
        run=run or _run(stop),
        outcome=summary.outcome,
        reasons=summary.reasons,
        figures=tuple(_figure(row, reader) for row in summary.dimensions if row.role is played),
    )


def _sigmas(samples: Sequence[Sample]) -> tuple[float, ...]:
    noted = samples[0].notes.get("sigmas") if samples else None
    return tuple(float(sigma) for sigma in noted) if isinstance(noted, list | tuple) else ()


def _figure(row: DimensionResult, reader: RunReader) -> Figure:
    change = None
    if row.role is Role.STUDENT:
        means = case_means(paired_differences(reader, reader, Role.TEACHER, row.dimension.name))
        p_value = paired_p_value(means) if len(means) else None
        change = DimensionChange(row.dimension.name, "all", row.dimension.higher_is_better, row.difference, p_value)
    return Figure(row.dimension, row.judge, row.judge_version, row.n_scored, row.n_expected, row.estimate, change)


def _adjusted(points: Sequence[Point]) -> list[Point]:
    """Benjamini–Hochberg over every point and dimension: these are explored, not gated."""
    changes = [figure.change for point in points for figure in point.figures if figure.change]
    corrected = iter(benjamini_hochberg([change.p_value for change in changes]))

    def figures(point: Point) -> Iterator[Figure]:
        for figure in point.figures:
            change = figure.change and dataclasses.replace(figure.change, p_adjusted=next(corrected))
            yield dataclasses.replace(figure, change=change)

    return [dataclasses.replace(point, figures=tuple(figures(point))) for point in points]


def _shown(reader: RunReader) -> list[tuple[int, Case]]:
    """The cases to show: the first of each task, then of each category, then in suite order."""
    cases = list(reader.cases())
    chosen: dict[int, Case] = {}
    for group in (_task, _category, _id):
        seen: set[str] = {group(case) for case in chosen.values()}
        for idx, case in cases:
            if len(chosen) < STRIPS and group(case) not in seen:
                seen.add(group(case))
                chosen[idx] = case
    return sorted(chosen.items())


def _task(case: Case) -> str:
    return case.task.value


def _category(case: Case) -> str:
    return case.category


def _id(case: Case) -> str:
    return case.id


def _strip(
    idx: int, case: Case, named: Sequence[tuple[Stop, RunReader]], reference: Stop, pictures: dict[str, Path]
) -> Strip:
    seen = []
    for stop, reader in named:
        sample = reader.sample(Role.TEACHER if stop is reference else Role.STUDENT, idx, 0)
        if sample and sample.ok:
            pictures[sample.sha256] = reader.blobs.path(sample.sha256, sample.suffix)
            seen.append(PointPicture(stop.name, sample.sha256, sample.suffix))
        else:
            seen.append(PointPicture(stop.name, "", "", sample.error if sample else "no picture"))
    return Strip(case.id, case.prompt, case.task, tuple(seen))
