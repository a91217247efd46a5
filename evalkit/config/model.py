"""The model of `evalkit.yaml`: every key, its type and its default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, model_validator

from evalkit.api.records import Blame, Case, Grade, Task
from evalkit.api.settings import ResolvedPath, Settings
from evalkit.plugins.registry import PluginSpec
from evalkit.store.baselines import find_baseline


def _parse_plugin(given: Any, info: ValidationInfo) -> PluginSpec:
    return PluginSpec.parse(given, (info.context or {}).get("base", Path.cwd()))


PluginRef = Annotated[
    PluginSpec,
    BeforeValidator(_parse_plugin),
    WithJsonSchema(
        {
            "description": "plug-in: a name, `name:value,key=value`, a folder, or a mapping with `use` and settings",
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "object", "required": ["use"], "properties": {"use": {"type": "string"}}},
            ],
        }
    ),
]


def _find_baseline(given: Any, info: ValidationInfo) -> Path:
    if isinstance(given, Path):
        return given
    if not isinstance(given, str) or not given:
        raise ValueError("expected a run folder, a leaderboard file, or the name of a baseline")
    return find_baseline(given, (info.context or {}).get("base", Path.cwd()))


BaselineRef = Annotated[Path, BeforeValidator(_find_baseline), WithJsonSchema({"type": "string", "minLength": 1})]


class Where(Settings):
    """Which cases a gate is about: those that fit every key that is given."""

    task: Task | None = Field(None, description="only cases of this task: `t2i` or `edit`")
    category: str | None = Field(None, min_length=1, description="only cases of this category")
    tag: str | None = Field(None, min_length=1, description="only cases that have this tag")

    def holds(self, case: Case) -> bool:
        """Whether the gate is about this case."""
        return (
            self.task in (None, case.task)
            and self.category in (None, case.category)
            and (self.tag is None or self.tag in case.tags)
        )

    def describe(self) -> str:
        """` where task is edit`, to be put after a rule."""
        given = [(name, value) for name in ("task", "category", "tag") if (value := getattr(self, name)) is not None]
        return " where " + " and ".join(f"{name} is {value}" for name, value in given) if given else ""


class Gate(Settings):
    """A rule that can fail the run: one bound on one dimension or on one kind of finding.

    The bounds of the confidence interval decide it, not the estimate. It passes only if its bound holds whatever the
    missing cells hold.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    dimension: str = Field("", description="dimension of a judge or a metric, as `evalkit list` shows it")
    finding: str = Field(
        "", description="kind of finding (typo, grain, …), or family of kinds (text), that `max_rate` bounds"
    )
    min_value: float | None = Field(None, description="the student's mean must be at least this")
    max_value: float | None = Field(None, description="the student's mean must be at most this")
    max_drop: float | None = Field(
        None, ge=0, description="the student may be at most this much worse than the reference, paired by case"
    )
    max_rate: float | None = Field(
        None, ge=0, le=1, description="at most this share of the cases may have such a finding"
    )
    blame: Blame | None = Field(
        None,
        description="with `max_rate`: count only findings with this blame; `student-only` includes `worsened`",
    )
    grade: Grade = Field(Grade.FAILURE, description="with `max_rate`: count findings of this grade or worse")
    where: Where | None = Field(
        None, description="only these cases: `{task: edit}`, `{category: poster}`, `{tag: cjk}`"
    )
    min_scored: float = Field(
        0.5, ge=0, le=1, description="the gate is undecided if a smaller share of the cells it asks for is scored"
    )
    undecided: Literal["stop", "warn"] = Field(
        "stop",
        description="`warn`: a gate that is undecided for too few cases does not end the run with exit 3, and the run "
        "still says that it is undecided; missing evidence always does",
    )
    against: Literal["teacher", "baseline"] = Field("teacher", description="reference that `max_drop` compares with")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="confidence level of the interval that decides the gate")

    @property
    def subject(self) -> str:
        """The dimension or the kind of finding that the rule bounds."""
        return self.dimension or self.finding

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if self.finding:
            if self.dimension or self.max_rate is None or self._bounds() != 1:
                raise ValueError("a gate on a `finding` takes `max_rate` and no dimension")
            if self.blame is Blame.TEACHER_ONLY:
                raise ValueError("a gate counts the student's findings, and `teacher-only` is never one of them")
        elif not self.dimension or self.max_rate is not None or self._bounds() != 1:
            raise ValueError("a gate takes a `dimension` and exactly one of `min_value`, `max_value`, `max_drop`")
        elif unused := sorted({"blame", "grade"} & self.model_fields_set):
            raise ValueError(f"`{unused[0]}` is about findings: it goes with `finding` and `max_rate`")
        return self

    def _bounds(self) -> int:
        bounds = (self.min_value, self.max_value, self.max_drop, self.max_rate)
        return sum(bound is not None for bound in bounds)

    def asks(self, case: Case) -> bool:
        """Whether the gate is about this case."""
        return self.where is None or self.where.holds(case)


class RunConfig(Settings):
    """The config of one run: benchmark, generators, judges, gates and outputs."""

    benchmark: PluginRef = Field(PluginSpec("minis-core"), description="benchmark to run")
    student: PluginRef = Field(PluginSpec("flash-mini"), description="generator under test")
    teacher: PluginRef | None = Field(
        None, description="generator that the student was distilled from; null: judge the student alone"
    )
    judges: tuple[PluginRef, ...] = Field(
        (PluginSpec("typography"), PluginSpec("layout"), PluginSpec("grain")),
        min_length=1,
        description="judges that judge every picture",
    )
    metrics: tuple[PluginRef, ...] = Field((), description="metrics over all pictures together (FID, KID, CMMD, …)")
    exporters: tuple[PluginRef, ...] = Field(
        tuple(PluginSpec(name) for name in ("html", "leaderboard", "junit", "summary", "verdict", "github")),
        description="exporters that write the outputs of the run",
    )
    seeds: int = Field(1, ge=1, le=1000, description="number of pictures per case and generator")
    limit: int | None = Field(None, ge=1, description="run only the first cases, to try things out")
    cases: tuple[str, ...] = Field((), description="run only the cases with these ids")
    baseline: BaselineRef | None = Field(
        None,
        description="run to compare with: a run folder, a leaderboard file, or the name of a baseline of this project",
    )
    flaky: ResolvedPath | None = Field(
        None,
        description="JSON list of the ids of cases that the gates leave out; `evalkit stability` writes it",
    )
    gates: tuple[Gate, ...] = Field((), description="rules that can fail the run")
    stop_early: bool = Field(
        False, description="stop as soon as every gate is decided (by e-values); the cases are run in random order"
    )
    time: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="draw so many cases anew with student and teacher, after a warm-up and never from the cache, and "
        "take the seconds per picture and their ratio from these alone",
    )
    min_coverage: float = Field(
        0.95,
        ge=0,
        le=1,
        description="a gate is undecided (exit 3) if for the student or the teacher a smaller share of its cells has a "
        "verdict; so is a run without gates",
    )
    stall_limit_s: float = Field(
        1800.0,
        gt=0,
        allow_inf_nan=False,
        description="seconds to draw or to judge one picture: one that takes longer is given up, its cells are errors, "
        "and the run goes on",
    )
    out: ResolvedPath | None = Field(None, description="run folder; default: runs/<benchmark>-<digest>")
    cache: ResolvedPath | Literal[False] | None = Field(
        None,
        description="cache folder shared between runs; default: the user's cache folder; false turns the cache off",
    )

    @model_validator(mode="after")
    def _gates_have_their_reference(self) -> Self:
        for gate in self.gates:
            if gate.max_drop is not None and gate.against == "baseline" and self.baseline is None:
                raise ValueError(
                    f"the gate on `{gate.dimension}` compares with the baseline, but `baseline` is not set"
                )
            if gate.max_drop is not None and gate.against == "teacher" and self.teacher is None:
                raise ValueError(f"the gate on `{gate.dimension}` compares with the teacher, but there is no teacher")
        return self
