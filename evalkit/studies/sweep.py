"""Sweeps a student and its teacher over step counts: one ordinary run per point, all with one cache."""

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
from evalkit.api.protocols import Generator
from evalkit.api.records import Case, Role, Sample
from evalkit.api.results import DimensionChange, DimensionResult, RunSummary
from evalkit.api.timing import timed_alike
from evalkit.config.model import RunConfig
from evalkit.engine.plan import assemble
from evalkit.engine.progress import Progress
from evalkit.engine.run import execute
from evalkit.engine.timed_draws import Timed, chosen_requests, time_generator, timed_result
from evalkit.formats.keys import digest
from evalkit.plugins.registry import PluginSpec, create
from evalkit.stats.intervals import case_means
from evalkit.stats.multiplicity import benjamini_hochberg
from evalkit.stats.paired_tests import paired_p_value
from evalkit.store.run_reader import RunReader
from evalkit.verdict.compare import paired_differences

STEPS = "num_inference_steps"
JUDGES = tuple(PluginSpec(name) for name in ("typography", "grain", "layout"))
"""Judges that run if the config names none."""
STRIPS = 3
"""Number of cases whose pictures are shown at every point."""


class SweepPoint(NamedTuple):
    """One point to run: `spec` plays the student in its run, whatever its role in the sweep."""

    role: Role
    steps: int
    spec: PluginSpec

    @property
    def name(self) -> str:
        return f"{self.role.value}-{self.steps:02d}"

    @property
    def run(self) -> str:
        """Folder of its run, relative to that of the sweep."""
        return f"runs/{self.name}"


class SweepPlan(NamedTuple):
    """What to run.

    `reference` is the teacher at its largest step count. It is the teacher in the run of every point, and has no run
    of its own.
    """

    config: RunConfig
    points: tuple[SweepPoint, ...]
    reference: SweepPoint
    digest: str


class SweepResult(NamedTuple):
    """The frontier, and the files of the pictures that it shows, by sha256."""

    frontier: Frontier
    pictures: dict[str, Path]


def with_steps(spec: PluginSpec, steps: int, where: str) -> PluginSpec:
    """The same generator with `num_inference_steps` set. Its own `sigmas` are kept only if there are `steps` of them.

    Raises:
        ConfigError: the generator has no such setting; and as `create`.
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


def plan_sweep(config: RunConfig, student_steps: Sequence[int], teacher_steps: Sequence[int]) -> SweepPlan:
    """The points of a sweep, all of them checked; nothing heavy is loaded and nothing is started.

    Gates, baseline, metrics and early stopping of the config are ignored: a sweep describes, it does not decide.

    Raises:
        UsageError: there is no teacher, or a generator has no setting for its steps; and as `assemble`.
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
    reference = SweepPoint(Role.TEACHER, most, with_steps(teacher, most, "teacher"))
    points = [SweepPoint(Role.STUDENT, n, with_steps(student, n, "student")) for n in sorted(set(student_steps))]
    fewer = sorted(set(teacher_steps) - {most})
    points += [SweepPoint(Role.TEACHER, n, with_steps(teacher, n, "teacher")) for n in fewer]
    return SweepPlan(config, tuple(points), reference, identity)


def run_sweep(
    sweep: SweepPlan,
    folder: Path,
    *,
    command: str,
    progress: Callable[[], Progress],
    stop: threading.Event,
    say: Callable[[str], None] = lambda text: None,
) -> SweepResult:
    """Finish the runs of all points below `folder`, and collect their figures.

    Raises:
        UsageError, UnavailableError: as `execute`.
        Interrupted: `stop` was set; finished work is kept.
    """
    summaries: list[RunSummary] = []
    config = sweep.config.model_copy(update={"time": None})  # every point is timed once, when all are drawn
    cache = folder / "cache" if config.cache is False else config.cache
    for number, point in enumerate(sweep.points, 1):
        if stop.is_set():
            raise Interrupted("stopped; everything finished so far is kept")
        say(f"point {number} of {len(sweep.points)}: {point.name}")
        changes = {"student": point.spec, "teacher": sweep.reference.spec, "cache": cache}
        changed = config.model_copy(update=changes)
        output = execute(
            changed, assemble(changed), folder / point.run, command=command, progress=progress(), stop=stop
        )
        summaries.append(output.summary)
    timed = _time_points(sweep, folder, progress, stop, say)
    return _collect(sweep, folder, summaries, timed, command)


def _time_points(
    sweep: SweepPlan,
    folder: Path,
    progress: Callable[[], Progress],
    stop: threading.Event,
    say: Callable[[str], None],
) -> list[Timed] | None:
    """Every point timed on the same cases in batches of one size, the reference last; `None` if that is not asked."""
    if sweep.config.time is None:
        return None
    with RunReader(folder / sweep.points[0].run) as reader:
        requests = chosen_requests(reader, sweep.config.time)
    points = (*sweep.points, sweep.reference)
    size = min([len(requests), *(_batch_size(point.spec) for point in points)])
    with progress() as shown:
        timed = [time_generator(point.spec, requests, size, point.name, shown, stop) for point in points]
    for point, each in zip(points, timed, strict=True):
        if each.reason:
            say(f"{point.name} was not timed: {each.reason}")
    return timed


def _batch_size(spec: PluginSpec) -> int:
    generator: Generator = create("generators", spec)
    try:
        return generator.batch_size
    finally:
        generator.close()


def _collect(
    sweep: SweepPlan, folder: Path, summaries: Sequence[RunSummary], timed: Sequence[Timed] | None, command: str
) -> SweepResult:
    first = summaries[0]
    with ExitStack() as stack:
        readers = [stack.enter_context(RunReader(folder / point.run)) for point in sweep.points]
        points = [
            _point(point, summary, reader, Role.STUDENT)
            for point, summary, reader in zip(sweep.points, summaries, readers, strict=True)
        ]
        points.append(_point(sweep.reference, first, readers[0], Role.TEACHER, sweep.points[0].run))
        points = _adjusted(_timed_alike(points, [*summaries, first], timed))
        pictures: dict[str, Path] = {}
        named = [*zip(sweep.points, readers, strict=True), (sweep.reference, readers[0])]
        strips = tuple(_strip(idx, case, named, sweep.reference, pictures) for idx, case in _cases_to_show(readers[0]))
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
    return SweepResult(frontier, pictures)


def _timed_alike(
    points: Sequence[Point], summaries: Sequence[RunSummary], timed: Sequence[Timed] | None
) -> list[Point]:
    """The points without the seconds that were taken in other conditions (another machine, say) than most.

    If the points were timed, their seconds are those of the timing alone.
    """
    played = [Role.TEACHER if point.reference else Role.STUDENT for point in points]
    measured = [
        next(result for result in summary.generators if result.role is role)
        for role, summary in zip(played, summaries, strict=True)
    ]
    if timed is not None:
        measured = [timed_result(result, each) for result, each in zip(measured, timed, strict=True)]
        points = [_with_seconds(point, each) for point, each in zip(points, timed, strict=True)]
    known = [generator for generator in measured if generator.timed_on]
    usual = max(known, key=lambda one: sum(timed_alike((one, other)) for other in known), default=None)
    return [
        point
        if usual is not None and timed_alike((usual, generator))
        else dataclasses.replace(point, seconds=None, seconds_low=None, seconds_high=None)
        for point, generator in zip(points, measured, strict=True)
    ]


def _with_seconds(point: Point, timed: Timed) -> Point:
    low, high = map(float, np.quantile(timed.seconds, (0.25, 0.75))) if timed.seconds else (None, None)
    median = float(np.median(timed.seconds)) if timed.seconds else None
    n = len(timed.seconds)
    return dataclasses.replace(point, seconds=median, seconds_low=low, seconds_high=high, n_timed=n)


def _point(point: SweepPoint, summary: RunSummary, reader: RunReader, played: Role, run: str = "") -> Point:
    """The figures of one point; `played` is its role in the run that measured it, and `run` the folder of that run."""
    generator = next(result for result in summary.generators if result.role is played)
    samples = [sample for sample in reader.samples(played) if sample.ok]
    nfes = [sample.nfe for sample in samples if sample.nfe is not None]
    seconds = [sample.seconds for sample in samples if sample.seconds is not None]
    low, high = map(float, np.quantile(seconds, (0.25, 0.75))) if seconds else (None, None)
    return Point(
        name=point.name,
        role=point.role,
        steps=point.steps,
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
        run=run or point.run,
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
    """The points with p-values adjusted by Benjamini–Hochberg over all points and dimensions (explored, not gated)."""
    changes = [figure.change for point in points for figure in point.figures if figure.change]
    corrected = iter(benjamini_hochberg([change.p_value for change in changes]))

    def figures(point: Point) -> Iterator[Figure]:
        for figure in point.figures:
            change = figure.change and dataclasses.replace(figure.change, p_adjusted=next(corrected))
            yield dataclasses.replace(figure, change=change)

    return [dataclasses.replace(point, figures=tuple(figures(point))) for point in points]


def _cases_to_show(reader: RunReader) -> list[tuple[int, Case]]:
    """The cases to show: first one of each task, then one of each category, then any, each time in suite order."""
    cases = list(reader.cases())
    chosen: dict[int, Case] = {}
    groupings: tuple[Callable[[Case], str], ...] = (lambda c: c.task.value, lambda c: c.category, lambda c: c.id)
    for group_of in groupings:
        groups: set[str] = {group_of(case) for case in chosen.values()}
        for idx, case in cases:
            if len(chosen) < STRIPS and group_of(case) not in groups:
                groups.add(group_of(case))
                chosen[idx] = case
    return sorted(chosen.items())


def _strip(
    idx: int,
    case: Case,
    readers: Sequence[tuple[SweepPoint, RunReader]],
    reference: SweepPoint,
    pictures: dict[str, Path],
) -> Strip:
    """The pictures of one case at all points; their files are added to `pictures`."""
    shown = []
    for point, reader in readers:
        sample = reader.sample(Role.TEACHER if point is reference else Role.STUDENT, idx, 0)
        if sample and sample.ok:
            pictures[sample.sha256] = reader.blobs.path(sample.sha256, sample.suffix)
            shown.append(PointPicture(point.name, sample.sha256, sample.suffix))
        else:
            shown.append(PointPicture(point.name, "", "", sample.error if sample else "no picture"))
    return Strip(case.id, case.prompt, case.task, tuple(shown))
