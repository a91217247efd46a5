"""What a recipe file may say: one YAML file trains a teacher or distils a student."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from evalkit.api.errors import ConfigError
from evalkit.api.records import Task
from evalkit.api.settings import ResolvedPath, Settings
from evalkit.formats.explain import explain
from evalkit.formats.strict_yaml import read_yaml
from evalkit.student.recipe.batches import Composition
from evalkit.student.recipe.distill import DistillSettings
from evalkit.student.recipe.family import TOKEN_PX
from evalkit.student.recipe.flow import dynamic_shift, explicit_grid, sigma_grid
from evalkit.student.recipe.guidance import BASE, Expert
from evalkit.student.recipe.optim import OptimizerName
from evalkit.student.recipe.teach import TeachSettings

DEFAULT_EDIT = {"text": 0.6, "shapes": 0.4}
ONLY = {
    "teach": ("sigma_floor", "pixel_weight", "unconditional", "train_text_encoder"),
    "distill": ("fake_lr", "fake_updates", "teachers", "schedule"),
}
"""Keys that only recipes of that kind read; `grid` and `guidance` are for a teacher's sample grids too."""


class Mixture(Settings):
    """Data composition and task mixture: `edit_share` .3 is 7:3; weights by category, for each task."""

    edit_share: float = Field(0.5, ge=0, le=1)
    t2i: dict[str, float] = Field(min_length=1)
    edit: dict[str, float] = Field(default_factory=lambda: dict(DEFAULT_EDIT))
    early_batches: int = Field(0, ge=0, description="batches at the start with another share of edits")
    early_edit_share: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _drawable(self) -> Self:
        for name, weights in (("t2i", self.t2i), ("edit", self.edit)):
            if any(weight < 0 for weight in weights.values()) or not sum(weights.values()) > 0:
                raise ValueError(f"the weights of `{name}` must not be negative, and one of them above 0")
        return self

    def categories(self) -> dict[Task, list[str]]:
        """The categories that can come up, by task; no task whose share is always 0."""
        shares = [self.edit_share, *([self.early_edit_share] if self.early_batches else [])]
        given = {Task.T2I: (min(shares) < 1, self.t2i), Task.EDIT: (max(shares) > 0, self.edit)}
        return {task: [name for name, weight in of.items() if weight] for task, (there, of) in given.items() if there}

    def composition(self) -> Composition:
        """As the batches want it."""
        return Composition(self.edit_share, self.t2i, self.edit, self.early_batches, self.early_edit_share)


class ExpertRule(Settings):
    """One task-specialised teacher's part in step-wise guidance; empty lists mean all."""

    teacher: str = Field(min_length=1)
    weight: float = Field(ge=0, le=1)
    steps: tuple[int, ...] = ()
    tasks: tuple[Task, ...] = ()
    categories: tuple[str, ...] = ()


class DynamicShift(Settings):
    """Shift exp(μ) that grows with the picture: μ is linear between two sizes, each (tokens, μ)."""

    base: tuple[int, float] = (256, 0.5)
    most: tuple[int, float] = (8192, 0.9)

    @model_validator(mode="after")
    def _two_sizes(self) -> Self:
        if not 0 < self.base[0] < self.most[0]:
            raise ValueError("`most` must have more tokens than `base`")
        return self


class Grid(Settings):
    """The student's sigma grid: a number of steps with a static or dynamic shift, or its sigmas one by one."""

    nfe: int | None = Field(None, ge=1, le=64)
    shift: float = Field(3.0, gt=0)
    dynamic_shift: DynamicShift | None = None
    shift_terminal: float | None = Field(None, gt=0, lt=1)
    sigmas: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.nfe is None) == (not self.sigmas):
            raise ValueError("give either `nfe` or `sigmas`")
        shifts = {"shift", "dynamic_shift", "shift_terminal"} & self.model_fields_set
        if self.sigmas and shifts:
            raise ValueError(f"`{min(shifts)}` means nothing beside `sigmas`")
        if {"shift", "dynamic_shift"} <= shifts:
            raise ValueError("give either `shift` or `dynamic_shift`")
        self.values((1024, 1024))
        return self

    def values(self, size: tuple[int, int]) -> tuple[float, ...]:
        """The sigmas for pictures of `size` (width, height) px, with the final 0."""
        if self.sigmas:
            return tuple(explicit_grid(self.sigmas))
        dynamic, tokens = self.dynamic_shift, (size[0] // TOKEN_PX) * (size[1] // TOKEN_PX)
        shift = dynamic_shift(tokens, dynamic.base, dynamic.most) if dynamic else self.shift
        return tuple(sigma_grid(self.nfe or 0, shift, self.shift_terminal))


class Lora(Settings):
    """Train low-rank adapters on the attention instead of all weights."""

    rank: int = Field(32, ge=1, le=1024)
    alpha: float = Field(32, gt=0)


class Recipe(Settings):
    """A recipe. `teach` trains `base` further by flow matching; `distill` makes a few-step student of it."""

    kind: Literal["teach", "distill"]
    base: ResolvedPath = Field(description="a diffusers folder of the Qwen-Image family")
    data: str = Field("tiles", description="training data (`evalkit.training_data`): `name` or `name:key=value,…`")
    mixture: Mixture
    steps: int = Field(ge=1)
    batch_size: int = Field(32, ge=1)
    accumulate: int = Field(1, ge=1, description="batches of one step; each holds prompts of one length")
    seed: int = 0
    dtype: Literal["float32", "bfloat16"] = "float32"
    save_as: Literal["float32", "float16", "bfloat16"] | None = Field(None, description="weights of the result")
    autocast: bool = Field(True, description="bfloat16 matrix products; weights and sampler stay in `dtype`")
    gradient_checkpointing: bool = False
    lora: Lora | None = None
    optimizer: OptimizerName = "adamw"
    lr: float = Field(1e-4, gt=0)
    warmup: int = Field(20, ge=0)
    decay: int = Field(100, ge=0, description="steps over which the learning rate falls to 0 at the end")
    ema: float = Field(0.99, ge=0, lt=1)
    sigma_mean: float = Field(0.5, description="mean of logit sigma at which networks are trained and compared")
    sigma_deviation: float = Field(1.0, gt=0)
    sigma_floor: float = Field(0.0, ge=0, lt=1, description="below it errors of the picture count alike (teach)")
    pixel_weight: float = Field(0.0, ge=0, le=1, description="how much errors count as they show in pixels (teach)")
    unconditional: float = Field(0.1, ge=0, le=1, description="share of batches without prompt (teach)")
    train_text_encoder: bool = Field(False, description="(teach)")
    grid: Grid | None = Field(None, description="the student's sigmas (distill)")
    guidance: float = Field(3.0, ge=1, description="guidance of the teachers, baked in (distill)")
    fake_lr: float = Field(4e-4, gt=0)
    fake_updates: int = Field(2, ge=1)
    teachers: dict[str, ResolvedPath] = Field(default_factory=dict, description="task-specialised teachers by name")
    schedule: tuple[ExpertRule, ...] = ()
    checkpoint_every: int = Field(100, ge=1)
    samples_every: int = Field(200, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if idle := sorted(self.model_fields_set & set(ONLY["teach" if self.kind == "distill" else "distill"])):
            raise ValueError(f"`{idle[0]}` means nothing to a recipe of kind {self.kind}")
        if self.kind == "distill" and self.grid is None:
            raise ValueError("a distillation needs `grid`")
        if BASE in self.teachers:
            raise ValueError(f"`{BASE}` is the teacher of that key; name those of `teachers` otherwise")
        if unknown := sorted({rule.teacher for rule in self.schedule} - set(self.teachers)):
            raise ValueError(f"the schedule names the teacher `{unknown[0]}`, which `teachers` has not")
        return self

    def teach_settings(self) -> TeachSettings:
        """For `student.recipe.teach`."""
        return TeachSettings(
            steps=self.steps,
            lr=self.lr,
            warmup=self.warmup,
            decay=self.decay,
            optimizer=self.optimizer,
            ema=self.ema,
            sigma_mean=self.sigma_mean,
            sigma_deviation=self.sigma_deviation,
            sigma_floor=self.sigma_floor,
            pixel_weight=self.pixel_weight,
            train_text_encoder=self.train_text_encoder,
            accumulate=self.accumulate,
        )

    def distill_settings(self, size: tuple[int, int]) -> DistillSettings:
        """For `student.recipe.distill`, on pictures of `size` (width, height) px."""
        assert self.grid is not None
        return DistillSettings(
            steps=self.steps,
            grid=self.grid.values(size),
            guidance=self.guidance,
            schedule=tuple(Expert(r.teacher, r.weight, r.steps, r.tasks, r.categories) for r in self.schedule),
            lr=self.lr,
            fake_lr=self.fake_lr,
            fake_updates=self.fake_updates,
            warmup=self.warmup,
            decay=self.decay,
            optimizer=self.optimizer,
            ema=self.ema,
            sigma_mean=self.sigma_mean,
            sigma_deviation=self.sigma_deviation,
            accumulate=self.accumulate,
        )


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file; relative paths resolve against its folder.

    Raises:
        ConfigError: unknown or wrong keys, naming the nearest right one.
    """
    value = read_yaml(path, ConfigError)
    try:
        return Recipe.model_validate(value, context={"base": path.parent.resolve()})
    except ValidationError as error:
        what, hint = explain(error, Recipe)
        raise ConfigError(what, where=str(path), hint=hint) from error
