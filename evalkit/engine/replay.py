"""Judges a finished run again from the journals of its judges: no server, no generator, the same pictures.

run folder ─▶ copy without the verdicts of replayable judges ─▶ these judges, from their journals ─▶ summary, reports
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from evalkit.api.errors import UnavailableError, UsageError
from evalkit.api.hooks import IdentifiesModel, Replayable
from evalkit.api.protocols import BenchmarkInfo, Generator, GeneratorInfo
from evalkit.api.records import Case, Generated, Request, Role, Sample
from evalkit.api.results import GeneratorResult, RunSummary
from evalkit.config.model import RunConfig
from evalkit.config.stored import config_from_json
from evalkit.engine.drawing import Drawing
from evalkit.engine.gating import open_reference
from evalkit.engine.local import LocalExecutor, WorkItem
from evalkit.engine.plan import Plan
from evalkit.engine.progress import Progress
from evalkit.engine.run import RunOutput, export, summarise
from evalkit.engine.run_copy import copy_run
from evalkit.engine.summarise import judge_fingerprints
from evalkit.engine.suspects import drop_suspects
from evalkit.formats.keys import noise_seed, to_json
from evalkit.plugins.registry import PluginSpec, create, load
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore
from evalkit.verdict.flaky import read_flaky
from evalkit.verdict.results import StoredResults


def replay(source: Path, out: Path, *, progress: Progress, stop: threading.Event) -> RunOutput:
    """Judge the run in `source` again into the new folder `out`.

    Time, command and environment of the summary are those of the run, because its pictures and replies were made then.
    The figures of metrics are copied from the run; everything else is computed anew.

    Raises:
        UsageError: `source` is not a finished run, its config can't be read here, none of its judges can be replayed,
            or a judge has changed since.
        UnavailableError: a call is not in the journal.
        StoreError: the journal or a picture is missing or damaged.
        Interrupted: `stop` was set; the same command continues.
    """
    with RunReader(source) as reader:
        before, config, fingerprints = _summary(reader), _config(reader), reader.meta("judges")
        models = reader.meta("models") or {}
    plan = _plan(config, before, source)
    for judge in plan.judges:
        if isinstance(judge, IdentifiesModel):
            judge.identify(models.get(judge.name, ""))
    reference, flaky = open_reference(config), frozenset(read_flaky(config.flaky).cases)
    try:
        _check_judges(plan, fingerprints, source)
        replayed = {judge.name: judge.journal_files() for judge in plan.judges if isinstance(judge, Replayable)}
        copy_run(source, out, without=replayed, files=sorted({file for files in replayed.values() for file in files}))
        with closing(RunStore(out)) as store:
            drop_suspects((judge for judge in plan.judges if judge.name not in replayed), store)
            with progress:
                controls = Replayer(plan, store, None, progress, stop).run()
            summary = summarise(config, plan, store, controls, before.metrics, reference, flaky, before.command)
            summary = dataclasses.replace(summary, environment=before.environment)
            store.set_meta("summary", to_json(summary))
            return RunOutput(summary, export(config.exporters, store))
    finally:
        if isinstance(reference, RunReader):
            reference.close()
        plan.close()


def _summary(reader: RunReader) -> RunSummary:
    with StoredResults(reader) as results:
        return results.summary()


def _config(reader: RunReader) -> RunConfig:
    stored = reader.meta("config")
    if stored is None:
        what = "the run does not hold its config: it was written before runs could be replayed"
        raise UsageError(what, where=str(reader.folder))
    return config_from_json(stored, where=str(reader.folder))


def _check_judges(plan: Plan, fingerprints: dict[str, str], source: Path) -> None:
    now = judge_fingerprints(plan)
    if changed := [name for name in now if now[name] != fingerprints.get(name)]:
        what = f"the judge `{changed[0]}` has changed since it judged this run, so that its calls would be others"
        raise UsageError(what, where=str(source), hint="use the version of evalkit that wrote the run")


def _plan(config: RunConfig, before: RunSummary, source: Path) -> Plan:
    """The plan of the run: its judges answer from their journals, and its benchmark and generators are recordings."""
    specs = tuple(_from_journal(spec) for spec in config.judges)
    if specs == config.judges:
        what = "no judge of this run keeps a journal"
        raise UsageError(what, where=str(source), hint="`evalkit report` writes its reports again")
    return recorded_plan(config, specs, before, source)


def recorded_plan(config: RunConfig, specs: tuple[PluginSpec, ...], before: RunSummary, source: Path) -> Plan:
    """A plan whose judges are made from `specs`, and whose cases and generators are those of the run in `source`."""
    judges = tuple(create("judges", spec) for spec in specs)
    generators: dict[Role, Generator] = {each.role: _RecordedGenerator(each) for each in before.generators}
    info = BenchmarkInfo(before.benchmark, before.benchmark_version, before.benchmark_digest)
    metrics = tuple(create("metrics", spec) for spec in config.metrics)
    asked = config.model_copy(update={"judges": specs})
    return Plan(asked, _RecordedBenchmark(info, source), info, generators, judges, metrics)


def _from_journal(spec: PluginSpec) -> PluginSpec:
    """The spec of a judge that answers from its journal; unchanged if the judge keeps none."""
    cls = load("judges", spec.use)
    if not issubclass(cls, Replayable):
        return spec
    return dataclasses.replace(spec, settings={**spec.settings, **cls.replay_settings()})


class _RecordedBenchmark:
    """The cases of a run."""

    def __init__(self, info: BenchmarkInfo, source: Path) -> None:
        self._info = info
        self._source = source

    def info(self) -> BenchmarkInfo:
        return self._info

    def cases(self) -> Iterator[Case]:
        with RunReader(self._source) as reader:
            for _, case in reader.cases():
                yield case


class _RecordedGenerator:
    """A generator that has made its pictures and makes no others."""

    batch_size = 1

    def __init__(self, result: GeneratorResult) -> None:
        self.role = result.role
        self._result = result

    def info(self) -> GeneratorInfo:
        result = self._result
        return GeneratorInfo(result.name, result.licence, result.hardware, result.settings)

    def fingerprint(self, case: Case) -> str:
        raise UnavailableError("a replay generates nothing")

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        raise UnavailableError("a replay generates nothing")

    def close(self) -> None: ...


class Replayer(LocalExecutor):
    """Has the judges judge the pictures that the store holds."""

    stops_early = False

    def _items(self, drawing: Drawing) -> Iterator[WorkItem]:
        generator = drawing.generator
        assert isinstance(generator, _RecordedGenerator)
        for idx, case in self._store.cases():
            for seed in self._plan.seeds:
                sample = self._store.sample(generator.role, idx, seed)
                if sample is not None:  # a run that stopped early does not have all of them
                    request = Request(case, seed, noise_seed(case.id, seed))
                    yield WorkItem(idx, request, sample.fingerprint, sample.key)

    def _ready(self, role: Role, item: WorkItem) -> tuple[Sample, bool] | None:
        sample = self._store.sample(role, item.idx, item.request.seed)
        return (sample, True) if sample else None
