"""A finished run judged again from the journals of its judges: no server, no generator, the same pictures.

run folder ─▶ copy without the verdicts of judges that can replay ─▶ those judges, `replay: true` ─▶ summary, reports
"""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from evalkit.api.errors import StoreError, UnavailableError, UsageError
from evalkit.api.protocols import BenchmarkInfo, Generator, GeneratorInfo, Judge
from evalkit.api.records import Case, Generated, Request, Role, Sample
from evalkit.api.results import GeneratorResult, RunSummary
from evalkit.config.model import RunConfig
from evalkit.config.stored import config_from_json
from evalkit.engine.gating import open_reference
from evalkit.engine.local import Item, LocalExecutor
from evalkit.engine.plan import Plan
from evalkit.engine.progress import Progress
from evalkit.engine.run import RunOutput, export, summarise
from evalkit.engine.summarise import judge_fingerprints
from evalkit.formats.keys import noise_seed, to_json
from evalkit.plugins.registry import PluginSpec, create, load
from evalkit.store.blobs import BlobFolder
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore
from evalkit.verdict.flaky import read_flaky
from evalkit.verdict.results import StoredResults

SWITCH = "replay"
"""The setting by which a judge answers from its journal alone."""


def replay(source: Path, out: Path, *, progress: Progress, stop: threading.Event) -> RunOutput:
    """Judge the run in `source` again into the new folder `out`.

    Time, command and environment of the summary are those of the run: they tell how its pictures and replies came
    about. Figures of metrics are the run's own; everything else is worked out anew.

    Raises:
        UsageError: not a finished run, none of its judges can replay, or a judge has changed since.
        UnavailableError: a call is not in the journal.
        StoreError: the journal or a picture is missing or damaged.
        Interrupted: `stop` was set; the same command goes on.
    """
    with RunReader(source) as reader:
        before, config, then = _summary(reader), _config(reader), reader.meta("judges")
    plan = _plan(config, before, source)
    reference, flaky = open_reference(config), frozenset(read_flaky(config.flaky).cases)
    try:
        _check_judges(plan, then, source)
        _copy(source, out, [judge.name for judge, spec in plan.judge_specs() if SWITCH in spec.settings])
        with closing(RunStore(out)) as store:
            with progress:
                controls = _Replayer(plan, store, None, progress, stop).run()
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
        raise UsageError("written before runs could be replayed: it does not hold its config", where=str(reader.folder))
    return config_from_json(stored)


def _check_judges(plan: Plan, then: dict[str, str], source: Path) -> None:
    now = judge_fingerprints(plan)
    if changed := [name for name in now if now[name] != then.get(name)]:
        what = f"the judge `{changed[0]}` is no longer the one that judged this run: its calls would be others"
        raise UsageError(what, where=str(source), hint="use the version of evalkit that wrote the run")


# ------------------------------------------------------------------------------------------------------------- the plan


def _plan(config: RunConfig, before: RunSummary, source: Path) -> Plan:
    """The parts of the run, with recordings in place of benchmark and generators."""
    specs = tuple(_switched(spec) for spec in config.judges)
    if specs == config.judges:
        raise UsageError("no judge of this run keeps a journal", where=str(source), hint="`evalkit report` needs none")
    judges: tuple[Judge, ...] = tuple(create("judges", spec) for spec in specs)
    generators: dict[Role, Generator] = {each.role: _Recorded(each) for each in before.generators}
    info = BenchmarkInfo(before.benchmark, before.benchmark_version, before.benchmark_digest)
    metrics = tuple(create("metrics", spec) for spec in config.metrics)
    asked = config.model_copy(update={"judges": specs})
    return Plan(asked, _RecordedBenchmark(info, source), info, generators, judges, metrics)


def _switched(spec: PluginSpec) -> PluginSpec:
    """The judge as it answers from its journal; unchanged if it has none."""
    fields = getattr(load("judges", spec.use).Settings, "model_fields", {})
    return dataclasses.replace(spec, settings={**spec.settings, SWITCH: True}) if SWITCH in fields else spec


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


class _Recorded:
    """A generator of which only its pictures are left."""

    batch_size = 1

    def __init__(self, result: GeneratorResult) -> None:
        self.role = result.role
        self._result = result

    def info(self) -> GeneratorInfo:
        result = self._result
        return GeneratorInfo(result.name, result.licence, result.hardware, result.settings)

    def fingerprint(self, case: Case) -> str:
        raise UnavailableError("a replay draws nothing")

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        raise UnavailableError("a replay draws nothing")

    def close(self) -> None: ...


class _Replayer(LocalExecutor):
    """Works off the pictures a run has, as they are."""

    stops_early = False

    def _items(self, generator: Generator) -> Iterator[Item]:
        assert isinstance(generator, _Recorded)
        for idx, case in self._store.cases():
            for seed in self._plan.seeds:
                sample = self._store.sample(generator.role, idx, seed)
                if sample is not None:  # a run that stopped early has not all of them
                    request = Request(case, seed, noise_seed(case.id, seed))
                    yield Item(idx, request, sample.fingerprint, sample.key)

    def _ready(self, role: Role, item: Item) -> tuple[Sample, bool] | None:
        sample = self._store.sample(role, item.idx, item.request.seed)
        return (sample, True) if sample else None


# ----------------------------------------------------------------------------------------------------------- the folder


def _copy(source: Path, out: Path, judges: list[str]) -> None:
    """Store, pictures (as hard links) and journals of a run, without the answers of `judges`. What an interrupted
    replay has is left as it is.

    Raises:
        UsageError: `out` is another run's folder, or can't be made.
        StoreError: a picture is missing or damaged.
    """
    if out.resolve() == source.resolve():
        raise UsageError("a run can't be replayed into itself", where=str(out), hint="choose another --out")
    if (out / "run.sqlite").exists():
        with RunReader(out) as reader:
            if reader.meta("replay_of") == str(source.resolve()):
                return
        raise UsageError("this folder holds another run", where=str(out), hint="choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"can't make the run folder: {error.strerror}", where=str(out)) from error
    with RunReader(source) as reader:
        _copy_pictures(reader, BlobFolder(out / "pictures"))
    for journal in source.glob("calls*.sqlite"):
        _copy_database(journal, out / journal.name)
    begun = out / ".begun.sqlite"
    begun.unlink(missing_ok=True)
    _copy_database(source / "run.sqlite", begun)
    with closing(sqlite3.connect(begun)) as database, database:
        for table in ("verdicts", "scores", "controls"):
            database.executemany(f"DELETE FROM {table} WHERE judge = ?", [(name,) for name in judges])
        database.execute("DELETE FROM meta WHERE key = 'summary'")
        database.execute("INSERT INTO meta VALUES ('replay_of', json_quote(?))", (str(source.resolve()),))
    begun.rename(out / "run.sqlite")


def _copy_pictures(reader: RunReader, blobs: BlobFolder) -> None:
    for role in Role:
        for sample in reader.samples(role):
            if sample.ok and not blobs.adopt(reader.blobs, sample.sha256, sample.suffix):
                raise StoreError(
                    f"the {role.value}'s picture of `{sample.case_id}` is missing or damaged", where=str(reader.folder)
                )


def _copy_database(source: Path, target: Path) -> None:
    """With what its write-ahead log holds."""
    try:
        uri = f"{source.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as theirs, closing(sqlite3.connect(target)) as ours:
            theirs.backup(ours)
    except sqlite3.Error as error:
        raise StoreError(f"can't be copied: {error}", where=str(source)) from error
