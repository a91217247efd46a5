"""One run from config to answer: plan, controls, pictures, verdicts, summary, exports."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from evalkit import __version__
from evalkit.api.cache_folder import cache_folder
from evalkit.api.errors import EvalkitError, StoppedByUser, UnavailableError, UsageError
from evalkit.api.hooks import IdentifiesModel
from evalkit.api.protocols import Exporter
from evalkit.api.records import JSON, Role
from evalkit.api.results import ControlResult, MetricResult, RunSummary
from evalkit.api.scope import kinds_of
from evalkit.config.model import RunConfig
from evalkit.config.stored import config_to_json
from evalkit.engine.early_stop import EarlyStop
from evalkit.engine.gating import Reference, check_reference, gate_results, open_reference
from evalkit.engine.local import LocalExecutor
from evalkit.engine.plan import Plan
from evalkit.engine.preflight import check_before_work
from evalkit.engine.progress import Progress
from evalkit.engine.reference_sets import read_references
from evalkit.engine.scope import ScopeReport, check_drops, scope_of
from evalkit.engine.set_metrics import check_gates_on_metrics, metric_results
from evalkit.engine.summarise import (
    coverage,
    dimension_results,
    flaky_in_words,
    generator_results,
    incomplete,
    judge_fingerprints,
)
from evalkit.engine.suspects import drop_suspects
from evalkit.engine.timed_draws import time_run, untimed_in_words
from evalkit.formats.foreign_text import readable, said
from evalkit.formats.keys import to_json
from evalkit.formats.slug import slug
from evalkit.plugins.conformance import Origin, calling
from evalkit.plugins.registry import PluginSpec, create
from evalkit.plugins.values import checked_text
from evalkit.store.cache import Cache
from evalkit.store.fingerprint import run_digest
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore
from evalkit.verdict.compare import Baseline, compare
from evalkit.verdict.flaky import check_flaky, check_pictures, read_flaky
from evalkit.verdict.outcome import decide
from evalkit.verdict.results import StoredResults

_PACKAGES = ("torch", "diffusers", "transformers", "onnxruntime", "numpy", "pillow")


class RunOutput(NamedTuple):
    """The answer, and the files written: exporter name -> path to open."""

    summary: RunSummary
    files: dict[str, Path]


def run_folder(config: RunConfig, plan: Plan) -> Path:
    """`--out`, or a folder named by what is run: the same command finds its own unfinished run again."""
    return config.out or Path("runs").resolve() / f"{slug(plan.benchmark_info.name)}-{plan.digest()[:10]}"


def execute(
    config: RunConfig,
    plan: Plan,
    folder: Path,
    *,
    command: str,
    progress: Progress,
    stop: threading.Event,
    announce: Callable[[ScopeReport], None] = lambda _: None,
    notice: Callable[[str], None] = lambda _: None,
) -> RunOutput:
    """Do what is missing of a run, then summarise and export it.

    Before the first picture, `announce` is told what the run will not ask. `notice` is told, line by line, what the run
    goes on without: parts of the reference sets, the cache, verdicts of a judge that had failed a control.

    Raises:
        UsageError: the folder holds another run, or the benchmark is empty.
        UnavailableError: a generator or judge can do nothing; as far as it can be known, before the first picture.
        StoreError: the folder was removed or replaced while the run was writing to it.
        Interrupted: `stop` was set; what was finished is kept.
    """
    reference, flaky = open_reference(config), read_flaky(config.flaky)
    store = RunStore(folder)
    cache = None if config.cache is False else Cache(config.cache or cache_folder(), notice)
    try:
        _identify(store, plan)
        _claim(store, plan)
        check_gates_on_metrics(plan, store.n_cases())
        check_reference(config, plan, store, reference, frozenset(flaky.cases))
        check_drops(plan, (case for _, case in store.cases()))
        references = read_references(plan)
        for line in (line for read in references.values() for line in read.in_words()):
            notice(line)
        student = plan.generators[Role.STUDENT]
        check_flaky(flaky, (case for _, case in store.cases()), student.fingerprint, config.flaky)
        announce(scope_of(plan, (case for _, case in store.cases())))
        for line in drop_suspects(plan.judges, store):
            notice(line)
        check_before_work(plan, store, cache)
        with progress:
            time_run(plan, store, progress, stop)
            controls = LocalExecutor(plan, store, cache, progress, stop).run()
            metrics = metric_results(plan, store, references, progress, stop)
        check_pictures(flaky, store.samples(Role.STUDENT), store.n_cases(), config.flaky)
        store.set_meta("config", config_to_json(config))
        store.set_meta("baseline", str(config.baseline) if isinstance(reference, RunReader) else None)
        left_out = frozenset(flaky.cases)
        summary = summarise(config, plan, store, controls, metrics, reference, left_out, command)
        store.set_meta("summary", to_json(summary))
        output = RunOutput(summary, export(config.exporters, store))
        store.check_still_there()
        return output
    finally:
        if isinstance(reference, RunReader):
            reference.close()
        plan.close()
        if cache:
            cache.close()
        store.close()


def export(specs: tuple[PluginSpec, ...], store: RunReader) -> dict[str, Path]:
    """Write every output of a finished run; exporter name -> path to open.

    One that fails does not keep the others from being written.

    Raises:
        UnavailableError: an exporter failed; raised after the others have written. The run itself is finished.
    """
    with StoredResults(store) as results:
        return _export(specs, results, store.folder)


def _export(specs: tuple[PluginSpec, ...], results: StoredResults, folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    failed: EvalkitError | None = None
    for spec in specs:
        exporter: Exporter = create("exporters", spec)
        try:
            files[spec.use] = _written(exporter.export(results, folder))
        except StoppedByUser:
            raise
        except EvalkitError as error:
            failed = failed or error
        except BaseException as error:  # an exporter is a plug-in: the others still write, then it is raised
            trace = readable("".join(traceback.format_exception(error)), 100_000)
            (folder / "traceback.txt").write_text(trace, encoding="utf-8")
            what = f"the run is finished, but the exporter `{spec.use}` failed: {said(error)}"
            hint = f"traceback: {folder / 'traceback.txt'}; `evalkit report {folder}` writes the reports again"
            failed = failed or UnavailableError(what, hint=hint)
    if failed:
        raise failed
    return files


def _written(path: object) -> Path:
    if not isinstance(path, Path):
        raise TypeError(f"its `export` returned {type(path).__name__}, not a Path")
    return path


def _identify(store: RunStore, plan: Plan) -> None:
    """Have judges say which model they ask, and remember it for the time when the server has gone."""
    known = store.meta("models") or {}
    for judge in plan.judges:
        if isinstance(judge, IdentifiesModel):
            with calling(Origin("judges", judge.name), "`identify`"):
                found = judge.identify(known.get(judge.name, ""))
                known[judge.name] = checked_text(found, "what it is identified by")
    if known:
        store.set_meta("models", known)


def unmade_in_words(controls: Sequence[ControlResult]) -> list[str]:
    """The controls that could not be made, one line for each judge and reason."""
    lines: dict[tuple[str, str], list[str]] = {}
    for control in controls:
        if not control.made:
            lines.setdefault((control.judge, control.rule), []).append(control.name)
    return [f"not proven: {judge}: {', '.join(names)}: {reason}" for (judge, reason), names in lines.items()]


def _claim(store: RunStore, plan: Plan) -> None:
    """Make the folder this plan's, or see that it already is."""
    ours, theirs = plan.digest(), store.meta("plan")
    if theirs not in (None, ours):
        raise UsageError(
            "this folder holds another run (other benchmark, generators, judges, seeds or limit)",
            where=str(store.folder),
            hint="choose another --out; finished pictures and verdicts come from the cache",
        )
    if theirs is None:
        if store.put_cases(plan.cases(), shuffled=plan.config.stop_early) == 0:
            what = "the benchmark has no case of that id" if plan.config.cases else "the benchmark has no cases"
            raise UsageError(what, where=plan.benchmark_info.name)
        store.set_meta("created", datetime.now(UTC).isoformat(timespec="seconds"))
        store.set_meta("seeds", len(plan.seeds))
        store.set_meta("benchmark", plan.benchmark_info.digest)
        store.set_meta("judges", judge_fingerprints(plan))
        store.set_meta("plan", ours)
    if store.meta("part") is None:  # a run of an earlier version
        store.set_meta("part", plan.part())
    kinds = {judge.name: [to_json(kind) for kind in kinds_of(judge).values()] for judge in plan.judges}
    store.set_meta("kinds", kinds)  # always: a run that version 0.1.0 began does not have them


def summarise(
    config: RunConfig,
    plan: Plan,
    store: RunReader,
    controls: tuple[ControlResult, ...],
    metrics: tuple[MetricResult, ...],
    reference: Reference,
    flaky: frozenset[str],
    command: str,
) -> RunSummary:
    """All of a run but its cases, worked out from its store."""
    unmade, controls = unmade_in_words(controls), tuple(control for control in controls if control.made)
    watched = EarlyStop(plan, flaky) if config.stop_early else None
    gate_outcomes = gate_results(plan, store, reference, flaky, metrics, controls, watched)
    comparison = None
    if isinstance(reference, RunReader):
        dimensions = {name: dimension for name, (_, dimension) in plan.dimensions().items()}
        comparison = compare(store, Baseline(reference), dimensions, gate_outcomes, config.gates)
    warnings = (*flaky_in_words(flaky, store), *unmade, *untimed_in_words(store))
    outcome, reasons = decide(gate_outcomes, controls, incomplete(plan, store), warnings)
    asked, expected = store.n_samples(Role.STUDENT), store.n_cases() * len(plan.seeds)
    if asked < expected:
        reasons = (*reasons, f"stopped early: {asked} of {expected} pictures were enough to decide every gate")
    info = plan.benchmark_info
    return RunSummary(
        outcome=outcome,
        reasons=reasons,
        benchmark=info.name,
        benchmark_version=info.version,
        benchmark_digest=info.digest,
        created=str(store.meta("created")),
        evalkit_version=__version__,
        command=command,
        n_cases=store.n_cases(),
        seeds=len(plan.seeds),
        coverage=coverage(plan, store),
        generators=generator_results(plan, store),
        dimensions=dimension_results(plan, store),
        gates=gate_outcomes,
        controls=controls,
        finding_counts=_count_findings(store),
        config=_plain(config),
        environment=_environment(),
        comparison=comparison,
        flaky=tuple(sorted(flaky)),
        run_digest=run_digest(store),
        metrics=metrics,
        judges=judge_fingerprints(plan),
    )


def _count_findings(store: RunReader) -> dict[str, dict[str, int]]:
    """kind -> blame (of the student's findings; `student` where it is unknown) or `teacher` -> number."""
    counts: dict[str, Counter[str]] = {}
    results = StoredResults(store)
    for result in results.cases():
        for role, verdicts in result.verdicts.items():
            for finding in (finding for verdict in verdicts for finding in verdict.findings):
                blamed = role is Role.STUDENT and finding.blame
                counts.setdefault(finding.kind, Counter())[blamed.value if blamed else role.value] += 1
    return {kind: dict(counter) for kind, counter in sorted(counts.items())}


def _plain(config: RunConfig) -> Mapping[str, JSON]:
    """The config as JSON, for provenance."""

    def value(item: object) -> JSON:
        if isinstance(item, PluginSpec):
            return {"use": item.use, **item.settings, **({"value": item.value} if item.value else {})}
        if isinstance(item, tuple):
            return [value(part) for part in item]
        return item.model_dump(mode="json", exclude_none=True) if hasattr(item, "model_dump") else item

    plain = {name: value(getattr(config, name)) for name in RunConfig.model_fields}
    return {name: str(item) if isinstance(item, Path) else item for name, item in plain.items()}


def _environment() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": str(os.cpu_count()),
        **versions,
    }
