"""What `evalkit.yaml` may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from evalkit.plugins import PluginSpec
from evalkit.settings import ResolvedPath, Settings


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


class Gate(Settings):
    """A rule that can fail the run: one dimension, and one bound on it.

    It is decided on the bounds of the confidence interval, not on the estimate.
    """

    dimension: str = Field(description="a judge's dimension, as in `evalkit list judges`")
    min_value: float | None = Field(None, description="the student's mean must be at least this")
    max_value: float | None = Field(None, description="the student's mean must be at most this")
    max_drop: float | None = Field(None, ge=0, description="may be this much worse than the reference, paired by case")
    against: Literal["teacher", "baseline"] = Field("teacher", description="the reference of `max_drop`")
    confidence: float = Field(0.95, gt=0.5, lt=1)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if sum(bound is not None for bound in (self.min_value, self.max_value, self.max_drop)) != 1:
            raise ValueError("a gate takes exactly one of `min_value`, `max_value`, `max_drop`")
        return self


class RunConfig(Settings):
    """One run: what is asked, who answers, who looks, and what may fail it."""

    benchmark: PluginRef = Field(PluginSpec("scenes-core"), description="what to ask")
    student: PluginRef = Field(PluginSpec("scenes-faulty"), description="the generator under test")
    teacher: PluginRef | None = Field(None, description="the generator it was distilled from; null: judge alone")
    judges: tuple[PluginRef, ...] = Field(
        (PluginSpec("typography"), PluginSpec("grain")), min_length=1, description="who looks at every picture"
    )
    exporters: tuple[PluginRef, ...] = Field(
        tuple(PluginSpec(name) for name in ("html", "leaderboard", "junit", "summary")),
        description="what is written at the end",
    )
    seeds: int = Field(1, ge=1, le=1000, description="pictures per case and generator")
    limit: int | None = Field(None, ge=1, description="only the first cases; for trying out")
    cases: tuple[str, ...] = Field((), description="only the cases of these ids; for looking into one")
    baseline: ResolvedPath | None = Field(None, description="run folder to compare with (`against: baseline`)")
    gates: tuple[Gate, ...] = Field((), description="rules that can fail the run")
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
