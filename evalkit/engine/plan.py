"""What a run consists of: plug-ins put together from a config, and the digest that says whether two runs are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from evalkit.api.errors import ConfigError
from evalkit.api.protocols import Benchmark, BenchmarkInfo, Generator, Judge, Metric
from evalkit.api.records import Case, Dimension, Role
from evalkit.config.model import RunConfig
from evalkit.formats.keys import digest
from evalkit.plugins.registry import PluginSpec, create
from evalkit.verdict.kinds import check_findings


@dataclass(frozen=True)
class Plan:
    """The parts of one run, ready to be worked off. Teacher first: it is the twin of what follows."""

    config: RunConfig
    benchmark: Benchmark
    benchmark_info: BenchmarkInfo
    generators: Mapping[Role, Generator]
    judges: tuple[Judge, ...]
    metrics: tuple[Metric, ...] = ()

    @property
    def seeds(self) -> range:
        return range(self.config.seeds)

    def cases(self) -> Iterator[Case]:
        """What of the benchmark is asked in this run."""
        wanted = set(self.config.cases)
        chosen = (case for case in self.benchmark.cases() if not wanted or case.id in wanted)
        return islice(chosen, self.config.limit)

    def judge_specs(self) -> list[tuple[Judge, PluginSpec]]:
        """Each judge with the spec it was made from, by which another process can make it again."""
        return list(zip(self.judges, self.config.judges, strict=True))

    def dimensions(self) -> dict[str, tuple[Judge, Dimension]]:
        """Every dimension by name, with the judge that measures it."""
        return {dimension.name: (judge, dimension) for judge in self.judges for dimension in judge.dimensions}

    def metric_dimensions(self) -> dict[str, Metric]:
        """Every dimension of a metric by name."""
        return {dimension.name: metric for metric in self.metrics for dimension in metric.dimensions}

    def digest(self) -> str:
        """Equal for two commands that ask for the same work: such a run may be resumed in the same folder.

        Metrics are not part of it: one more may be taken of a finished run.
        """
        config = self.config
        return digest(
            self.benchmark_info.digest,
            config.limit,
            sorted(config.cases),
            config.seeds,
            config.stop_early,
            {role.value: _identity(_spec(config, role)) for role in self.generators},
            [judge.fingerprint() for judge in self.judges],
        )

    def close(self) -> None:
        for generator in self.generators.values():
            generator.close()
        for judge in self.judges:
            judge.close()
        for metric in self.metrics:
            metric.close()


def assemble(config: RunConfig) -> Plan:
    """Create every plug-in of a config. Nothing heavy is loaded yet.

    Raises:
        UsageError: an unknown name, wrong settings, a benchmark that can't be read, a gate on an unknown dimension.
    """
    benchmark: Benchmark = create("benchmarks", config.benchmark)
    generators: dict[Role, Generator] = {}
    if config.teacher is not None:
        generators[Role.TEACHER] = create("generators", config.teacher)
    generators[Role.STUDENT] = create("generators", config.student)
    judges: tuple[Judge, ...] = tuple(create("judges", spec) for spec in config.judges)
    metrics: tuple[Metric, ...] = tuple(create("metrics", spec) for spec in config.metrics)
    plan = Plan(config, benchmark, benchmark.info(), generators, judges, metrics)
    _check_names(plan)
    check_findings(config.gates, judges, teacher=Role.TEACHER in generators)
    return plan


def _check_names(plan: Plan) -> None:
    names = [judge.name for judge in plan.judges]
    dimensions = [dimension.name for judge in plan.judges for dimension in judge.dimensions]
    _check_metrics(plan, dimensions)
    for kind, given in (("judge", names), ("dimension", dimensions)):
        twice = sorted({name for name in given if given.count(name) > 1})
        if twice:
            raise ConfigError(f"{kind} `{twice[0]}` is there twice", where="judges")
    for gate in plan.config.gates:
        if gate.dimension and gate.dimension not in (*dimensions, *plan.metric_dimensions()):
            raise ConfigError(
                f"no judge of this run measures `{gate.dimension}`",
                where="gates",
                hint=f"dimensions of this run: {', '.join([*dimensions, *plan.metric_dimensions()])}",
            )


def _check_metrics(plan: Plan, taken: list[str]) -> None:
    names = [(metric.name, metric.reference) for metric in plan.metrics]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f"metric `{twice[0]}` is there twice", where="metrics")
    clash = next((name for name in plan.metric_dimensions() if name in taken), None)
    if clash:
        raise ConfigError(f"`{clash}` is the name of a judge's dimension and of a metric's", where="metrics")
    for metric in plan.metrics:
        if metric.reference is None and Role.TEACHER not in plan.generators:
            hint = "add a teacher, or `reference:` with a folder of pictures"
            raise ConfigError(f"`{metric.name}` has nothing to compare with", where="metrics", hint=hint)
        if metric.reference is not None and not metric.reference.is_dir():
            raise ConfigError(f"`{metric.name}`: no such folder", where=str(metric.reference), hint="`reference:`")


def _spec(config: RunConfig, role: Role) -> PluginSpec | None:
    return config.teacher if role is Role.TEACHER else config.student


def _identity(spec: PluginSpec | None) -> list[object]:
    return [spec.use, dict(spec.settings), spec.value, str(spec.base)] if spec else []
