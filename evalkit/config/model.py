"""What `evalkit.yaml` may say."""

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
            "description": "a name, `name:value,key=value`, a folder, or a mapping with `use` and its settings",
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
    """A rule that can fail the run: one dimension or one kind of finding, and one bound on it.

    It is decided on the bounds of the confidence interval, not on the estimate. It passes only if its bound holds
    whatever the missing cells hold.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    dimension: str = Field("", description="a judge's or a metric's dimension, as in `evalkit list`")
    finding: str = Field("", description="a kind of finding (typo, grain, …) or a family of kinds, for `max_rate`")
    min_value: float | None = Field(None, description="the student's mean must be at least this")
    max_value: float | None = Field(None, description="the student's mean must be at most this")
    max_drop: float | None = Field(None, ge=0, description="may be this much worse than the reference, paired by case")
    max_rate: float | None = Field(None, ge=0, le=1, description="share of cases that may have such a finding")
    blame: Blame | None = Field(
        None, description="count only findings with this blame, for `max_rate`; `student-only` includes `worsened`"
    )
    grade: Grade = Field(Grade.FAILURE, description="count findings of this grade or worse, for `max_rate`")
    where: Where | None = Field(
        None, description="only these cases: `{task: edit}`, `{category: poster}`, `{tag: cjk}`"
    )
    min_scored: float = Field(0.5, ge=0, le=1, description="below this share of scored cells the gate is undecided")
    undecided: Literal["stop", "warn"] = Field(
        "stop", description="`warn`: too few cases to decide only warns (exit 0); missing evidence never does"
    )
    against: Literal["teacher", "baseline"] = Field("teacher", description="the reference of `max_drop`")
    confidence: float = Field(0.95, gt=0.5, lt=1)

    @property
    def subject(self) -> str:
        """What the rule is about: the dimension, or the kind of finding."""
        return self.dimension or self.finding

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if self.finding:
            if self.dimension or self.max_rate is None or self._bounds() != 1:
                raise ValueError("a gate on a `finding` takes `max_rate` and no dimension")
        elif not self.dimension or self.max_rate is not None or self._bounds() != 1:
            raise ValueError("a gate takes a `dimension` and exactly one of `min_value`, `max_value`, `max_drop`")
        return self

    def _bounds(self) -> int:
        bounds = (self.min_value, self.max_value, self.max_drop, self.max_rate)
        return sum(bound is not None for bound in bounds)

    def asks(self, case: Case) -> bool:
        """Whether the gate is about this case."""
        return self.where is None or self.where.holds(case)


class RunConfig(Settings):
    """One run: what is asked, who answers, who looks, and what may fail it."""

    benchmark: PluginRef = Field(PluginSpec("minis-core"), description="what to ask")
    student: PluginRef = Field(PluginSpec("flash-mini"), description="the generator under test")
    teacher: PluginRef | None = Field(None, description="the generator it was distilled from; null: judge alone")
    judges: tuple[PluginRef, ...] = Field(
        (PluginSpec("typography"), PluginSpec("layout"), PluginSpec("grain")),
        min_length=1,
        description="who looks at every picture",
    )
    metrics: tuple[PluginRef, ...] = Field((), description="figures over all pictures together (FID, KID, CMMD, …)")
    exporters: tuple[PluginRef, ...] = Field(
        tuple(PluginSpec(name) for name in ("html", "leaderboard", "junit", "summary", "verdict", "github")),
        description="what is written at the end",
    )
    seeds: int = Field(1, ge=1, le=1000, description="pictures per case and generator")
    limit: int | None = Field(None, ge=1, description="only the first cases; for trying out")
    cases: tuple[str, ...] = Field((), description="only the cases of these ids; for looking into one")
    baseline: BaselineRef | None = Field(
        None, description="what to compare with: a run folder, a leaderboard file, or a baseline set in this project"
    )
    flaky: ResolvedPath | None = Field(
        None, description="JSON list of unstable case ids (`evalkit stability` writes it)"
    )
    gates: tuple[Gate, ...] = Field((), description="rules that can fail the run")
    stop_early: bool = Field(
        False, description="stop once every gate is decided, by e-values; the cases are asked in random order"
    )
    min_coverage: float = Field(0.95, ge=0, le=1, description="below this share of judged cells: undecided, exit 3")
    out: ResolvedPath | None = Field(None, description="run folder; default: runs/<benchmark>-<digest>")
    cache: ResolvedPath | Literal[False] | None = Field(
        None, description="cache shared between runs; default: the user's cache folder; false: none"
    )

    @model_validator(mode="after")
    def _gates_have_their_reference(self) -> Self:
        for gate in self.gates:
            if gate.max_drop is not None and gate.against == "baseline" and self.baseline is None:
                raise ValueError(f"the gate on `{gate.dimension}` is against the baseline, but `baseline` is not set")
            if gate.max_drop is not None and gate.against == "teacher" and self.teacher is None:
                raise ValueError(f"the gate on `{gate.dimension}` is against the teacher, but there is no teacher")
        return self
