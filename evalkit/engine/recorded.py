"""Decides a finished run again from its store alone: what its gates say, its coverage and its outcome.

No plug-in is loaded but the metrics that a gate rests on: judges and generators are recordings of what the store says
about them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

from evalkit.api.errors import EvalkitError, UnavailableError
from evalkit.api.protocols import BenchmarkInfo, Judge
from evalkit.api.records import Case, Dimension, FindingKind
from evalkit.api.results import Outcome, RunSummary
from evalkit.config.model import RunConfig
from evalkit.config.stored import config_from_json
from evalkit.engine.early_stop import EarlyStop
from evalkit.engine.gating import gate_results, open_reference
from evalkit.engine.plan import Plan, check_gates
from evalkit.engine.summarise import coverage, incomplete
from evalkit.plugins.registry import create
from evalkit.store.run_reader import RunReader
from evalkit.verdict.flaky import read_flaky
from evalkit.verdict.outcome import decide


class Decision(NamedTuple):
    """What a run comes to. `unknown` says why it can't be worked out again; the other fields are then `None`."""

    outcome: Outcome | None
    coverage: float | None
    unknown: str = ""


def decide_again(reader: RunReader, summary: RunSummary) -> Decision:
    """Coverage and outcome of a run from its cells, controls and gates, by the rules of this version of evalkit.

    The figures of metrics are taken from the summary: to work them out again takes their networks.
    """
    if reader.meta("config") is None or reader.meta("kinds") is None:
        return Decision(None, None, "an earlier version of evalkit decided it, by other rules")
    try:
        config = config_from_json(reader.meta("config"), where=str(reader.folder))
        plan = _plan(config, reader, summary)
        check_gates(plan)
        flaky = frozenset(read_flaky(config.flaky).cases)
        reference = open_reference(config)
    except EvalkitError as problem:
        return Decision(None, None, str(problem))
    try:
        fingerprints = reader.meta("judges") or {}
        controls = [result for print_, result in reader.control_results() if fingerprints.get(result.judge) == print_]
        watched = EarlyStop(plan, flaky) if config.stop_early else None
        gates = gate_results(plan, reader, reference, flaky, summary.metrics, controls, watched)
        outcome, _ = decide(gates, controls, incomplete(plan, reader), ())
        return Decision(outcome, coverage(plan, reader))
    except EvalkitError as problem:
        return Decision(None, None, str(problem))
    finally:
        if isinstance(reference, RunReader):
            reference.close()


def _plan(config: RunConfig, reader: RunReader, summary: RunSummary) -> Plan:
    declared = {row.dimension.name for row in summary.dimensions}
    on_metrics = any(gate.dimension and gate.dimension not in declared for gate in config.gates)
    return Plan(
        config,
        _NoBenchmark(),
        BenchmarkInfo(summary.benchmark, summary.benchmark_version, str(reader.meta("benchmark"))),
        {generator.role: _NoGenerator() for generator in summary.generators},
        tuple(_judges(reader, summary)),
        tuple(create("metrics", spec) for spec in config.metrics) if on_metrics else (),
    )


def _judges(reader: RunReader, summary: RunSummary) -> Iterator[Judge]:
    kinds = reader.kinds()
    for name, fingerprint in (reader.meta("judges") or {}).items():
        rows = [row for row in summary.dimensions if row.judge == name]
        dimensions = {row.dimension.name: row.dimension for row in rows}
        version = rows[0].judge_version if rows else ""
        yield _RecordedJudge(
            name, version, tuple(dimensions.values()), tuple(kinds.get(name, {}).values()), fingerprint
        )


@dataclasses.dataclass
class _RecordedJudge:
    """A judge as a store describes it; it judges nothing."""

    name: str
    version: str
    dimensions: tuple[Dimension, ...]
    kinds: tuple[FindingKind, ...]
    recorded_fingerprint: str
    concurrency: int = 1

    def fingerprint(self) -> str:
        return self.recorded_fingerprint

    def controls(self) -> list[Any]:
        return []

    def judge(self, *_: object) -> Any:
        raise UnavailableError("a recorded judge judges nothing", where=self.name)

    def close(self) -> None: ...


class _NoGenerator:
    """Stands for a generator that is not needed any more."""

    batch_size = 1

    def info(self) -> Any:
        raise UnavailableError("the generator of a recorded run is not loaded")

    def fingerprint(self, case: Case) -> str:
        raise UnavailableError("the generator of a recorded run is not loaded")

    def generate(self, requests: object) -> list[Any]:
        raise UnavailableError("the generator of a recorded run is not loaded")

    def close(self) -> None: ...


class _NoBenchmark:
    """Stands for the benchmark, whose cases the store holds."""

    def info(self) -> BenchmarkInfo:
        raise UnavailableError("the benchmark of a recorded run is not loaded")

    def cases(self) -> Iterator[Case]:
        raise UnavailableError("the benchmark of a recorded run is not loaded")
