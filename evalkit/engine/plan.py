"""Makes the plan of a run from its config: the plug-ins, and the digest by which a run is recognised again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from evalkit.api.errors import ConfigError, PluginError
from evalkit.api.protocols import Benchmark, BenchmarkInfo, Generator, Judge, Metric
from evalkit.api.records import Case, Dimension, Role
from evalkit.config.model import RunConfig
from evalkit.engine.closing import close
from evalkit.formats.keys import digest
from evalkit.plugins.conformance import Origin, calling
from evalkit.plugins.registry import PluginSpec, create, identity, origin_of
from evalkit.plugins.values import checked_case, checked_text, stored
from evalkit.verdict.kinds import check_findings


@dataclass(frozen=True)
class Plan:
    """The parts of one run. The teacher comes first in `generators`: its pictures are the twins of the student's."""

    config: RunConfig
    benchmark: Benchmark
    benchmark_info: BenchmarkInfo
    generators: Mapping[Role, Generator]
    judges: tuple[Judge, ...]
    metrics: tuple[Metric, ...] = ()

    @property
    def seeds(self) -> range:
        """The seeds of every case."""
        return range(self.config.seeds)

    def cases(self) -> Iterator[Case]:
        """The cases of the benchmark that this run asks. Raises `PluginError` for one that can't be stored."""
        wanted = set(self.config.cases)
        chosen = (case for case in self._all_cases() if not wanted or case.id in wanted)
        return islice(chosen, self.config.limit)

    def part(self) -> str:
        """Which part of the suite this run asks, in words; empty if it asks all of it."""
        limit, chosen = self.config.limit, self.config.cases
        if chosen:
            return f"only {len(chosen)} chosen cases were asked (`cases`)"
        if limit is None or next(islice(self._all_cases(), limit, None), None) is None:
            return ""
        return f"only the first {limit} cases were asked (`limit`)"

    def _all_cases(self) -> Iterator[Case]:
        with calling(Origin("benchmarks", self.config.benchmark.use), "`cases`"):
            cases = iter(self.benchmark.cases())
        while True:
            with calling(Origin("benchmarks", self.config.benchmark.use), "`cases`"):
                case = next(cases, None)
                if case is None:
                    return
                case = checked_case(case)
            yield case

    def judge_specs(self) -> list[tuple[Judge, PluginSpec]]:
        """Each judge with its spec, from which another process can create it again."""
        return list(zip(self.judges, self.config.judges, strict=True))

    def generator_spec(self, role: Role) -> PluginSpec:
        """From which a generator can be created again."""
        config = self.config
        return config.teacher if role is Role.TEACHER and config.teacher else config.student

    def dimensions(self) -> dict[str, tuple[Judge, Dimension]]:
        """Every dimension by name, with the judge that measures it."""
        return {dimension.name: (judge, dimension) for judge in self.judges for dimension in judge.dimensions}

    def metric_dimensions(self) -> dict[str, Metric]:
        """Every dimension of a metric by name."""
        return {dimension.name: metric for metric in self.metrics for dimension in metric.dimensions}

    def digest(self) -> str:
        """Equal for two commands that ask for the same work: the second one resumes the run of the first.

        It depends on what is run and not on how the command was written or in which folder it was given. Metrics are
        not part of it, so that a finished run can be measured by one more.
        """
        config = self.config
        prints = []
        for judge, spec in self.judge_specs():
            with calling(origin_of("judges", spec), "`fingerprint`"):
                prints.append(checked_text(judge.fingerprint(), "`fingerprint`"))
        return digest(
            self.benchmark_info.digest,
            config.limit,
            sorted(config.cases),
            config.seeds,
            config.stop_early,
            {role.value: identity("generators", self.generator_spec(role)) for role in self.generators},
            prints,
        )

    def close(self) -> None:
        """Close every plug-in. The judges here only described themselves; those that judged are in other processes."""
        for role, generator in self.generators.items():
            close(generator, f"the {role.value}")
        for judge in self.judges:
            close(judge, f"the judge `{judge.name}`", warn=False)
        for metric in self.metrics:
            close(metric, f"the metric `{metric.name}`")


def assemble(config: RunConfig) -> Plan:
    """Create every plug-in of a config. No weights are loaded yet.

    Raises:
        UsageError: an unknown name, wrong settings, a faulty plug-in, a benchmark that can't be read, or a gate on an
            unknown dimension.
        UnavailableError: a package that a plug-in imports is missing.
    """
    benchmark = create("benchmarks", config.benchmark)
    generators: dict[Role, Generator] = {}
    if config.teacher is not None:
        generators[Role.TEACHER] = create("generators", config.teacher)
    generators[Role.STUDENT] = create("generators", config.student)
    judges = tuple(create("judges", spec) for spec in config.judges)
    metrics = tuple(create("metrics", spec) for spec in config.metrics)
    plan = Plan(config, benchmark, _info(config.benchmark, benchmark), generators, judges, metrics)
    _check_names(plan)
    check_gates(plan)
    for spec in config.exporters:
        create("exporters", spec)  # they write at the end, but a faulty one is refused now
    return plan


def check_gates(plan: Plan) -> None:
    """Raise `ConfigError` for a gate on what nothing in this run measures or reports."""
    known = [*plan.dimensions(), *plan.metric_dimensions()]
    for gate in plan.config.gates:
        if gate.dimension and gate.dimension not in known:
            what = f"no judge of this run measures `{gate.dimension}`"
            raise ConfigError(what, where="gates", hint=f"dimensions of this run: {', '.join(known)}")
    check_findings(plan.config.gates, plan.judges, teacher=Role.TEACHER in plan.generators)


def _info(spec: PluginSpec, benchmark: Benchmark) -> BenchmarkInfo:
    origin = origin_of("benchmarks", spec)
    with calling(origin, "`info`"):
        info = benchmark.info()
    if not isinstance(info, BenchmarkInfo):
        raise PluginError(f"{origin} is faulty: its `info` returned {type(info).__name__}", where=origin.target)
    with calling(origin, "writing its `info`"):
        return stored(info)


def _check_names(plan: Plan) -> None:
    names = [judge.name for judge in plan.judges]
    dimensions = [dimension.name for judge in plan.judges for dimension in judge.dimensions]
    _check_metrics(plan, dimensions)
    for kind, given in (("judge", names), ("dimension", dimensions)):
        twice = sorted({name for name in given if given.count(name) > 1})
        if twice:
            raise ConfigError(f"the {kind} `{twice[0]}` is given twice", where="judges")


def _check_metrics(plan: Plan, taken: list[str]) -> None:
    names = [(metric.name, metric.reference) for metric in plan.metrics]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f"the metric `{twice[0]}` is given twice", where="metrics")
    clash = next((name for name in plan.metric_dimensions() if name in taken), None)
    if clash:
        raise ConfigError(f"`{clash}` names both a dimension of a judge and one of a metric", where="metrics")
    for metric in plan.metrics:
        if metric.reference is None and Role.TEACHER not in plan.generators:
            hint = "add a teacher, or `reference:` with a folder of pictures"
            raise ConfigError(f"`{metric.name}` has nothing to compare with", where="metrics", hint=hint)
        if metric.reference is not None and not metric.reference.is_dir():
            raise ConfigError(f"`{metric.name}`: no such folder", where=str(metric.reference), hint="`reference:`")
