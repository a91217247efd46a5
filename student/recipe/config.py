"""Settings of a recipe: one YAML file says how a teacher is trained or a student is distilled.

The trainers read these classes directly, so that each setting is stated once, here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from evalkit.api.errors import ConfigError
from evalkit.api.records import Task
from evalkit.api.settings import ResolvedPath, Settings
from evalkit.formats.explain import explain
from evalkit.formats.strict_yaml import read_yaml
from evalkit.student.recipe.flow import TOKEN_PX, dynamic_shift, explicit_grid, sigma_grid

BASE = "base"
"""The name of the base teacher among the teachers of a distillation."""
DEFAULT_EDIT = {"text": 0.6, "shapes": 0.4}
KEYS_OF_ONE_KIND = {
    "teach": ("sigma_floor", "pixel_weight", "unconditional", "train_text_encoder"),
    "distill": ("fake_lr", "fake_updates", "teachers", "schedule"),
}
"""Keys that only recipes of that kind use. `grid` and `guidance` also apply to the sample sheets of a teacher."""


class Mixture(Settings):
    """Data composition and task mixture: the share of edits, and the weight of each category for each task.

    The paper's task mixture 7:3 is an `edit_share` of .3; its data composition is `t2i`.
    """

    edit_share: float = Field(0.5, ge=0, le=1)
    t2i: dict[str, float] = Field(min_length=1)
    edit: dict[str, float] = Field(default_factory=lambda: dict(DEFAULT_EDIT))
    early_batches: int = Field(0, ge=0, description="batches at the start with another share of edits")
    early_edit_share: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        for name, weights in (("t2i", self.t2i), ("edit", self.edit)):
            if any(weight < 0 for weight in weights.values()) or not sum(weights.values()) > 0:
                raise ValueError(f"the weights of `{name}` must not be negative, and one of them must be above 0")
        return self

    def categories(self) -> dict[Task, list[str]]:
        """The categories that can be drawn, by task. A task whose share is always 0 is left out."""
        shares = [self.edit_share, *([self.early_edit_share] if self.early_batches else [])]
        weights = {Task.T2I: (min(shares) < 1, self.t2i), Task.EDIT: (max(shares) > 0, self.edit)}
        return {task: [name for name, weight in of.items() if weight] for task, (drawn, of) in weights.items() if drawn}

    def edit_share_of(self, number: int) -> float:
        """The share of edits at batch `number`: drawing is learnt faster before editing, on shorter sequences."""
        return self.early_edit_share if number < self.early_batches else self.edit_share


class TeacherRule(Settings):
    """The weight of one task-specialised teacher, and where it applies; an empty list stands for all."""

    teacher: str = Field(min_length=1)
    weight: float = Field(ge=0, le=1, description="λ")
    steps: tuple[int, ...] = Field((), description="the student's steps; 0 is the first, at pure noise")
    tasks: tuple[Task, ...] = ()
    categories: tuple[str, ...] = ()

    def applies(self, step: int, task: Task, category: str) -> bool:
        """Whether the rule applies at that step to that condition."""
        return (
            (not self.steps or step in self.steps)
            and (not self.tasks or task in self.tasks)
            and (not self.categories or category in self.categories)
        )


class DynamicShift(Settings):
    """Shift exp(μ) that grows with the picture: μ is linear between two sizes, each given as (tokens, μ)."""

    base: tuple[int, float] = (256, 0.5)
    most: tuple[int, float] = (8192, 0.9)

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if not 0 < self.base[0] < self.most[0]:
            raise ValueError("`most` must have more tokens than `base`")
        return self


class Grid(Settings):
    """The sigma grid: a number of steps with a static or dynamic shift, or a list of sigmas."""

    nfe: int | None = Field(None, ge=1, le=64)
    shift: float = Field(3.0, gt=0)
    dynamic_shift: DynamicShift | None = None
    shift_terminal: float | None = Field(None, gt=0, lt=1)
    sigmas: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.nfe is None) == (not self.sigmas):
            raise ValueError("give either `nfe` or `sigmas`")
        shifts = {"shift", "dynamic_shift", "shift_terminal"} & self.model_fields_set
        if self.sigmas and shifts:
            raise ValueError(f"`{min(shifts)}` has no effect when `sigmas` is given")
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
    steps: int = Field(ge=1, description="optimiser steps (of the student)")
    batch_size: int = Field(32, ge=1)
    accumulate: int = Field(
        1,
        ge=1,
        description="batches of one step. Prompts of one batch have one length, and so mostly one category: a step of "
        "several batches points in a better direction than a step of one larger batch",
    )
    seed: int = 0
    dtype: Literal["float32", "bfloat16"] = "float32"
    save_as: Literal["float32", "float16", "bfloat16"] | None = Field(
        None, description="precision of the saved weights"
    )
    autocast: bool = Field(True, description="bfloat16 matrix products; weights and sampler stay in `dtype`")
    gradient_checkpointing: bool = False
    lora: Lora | None = None
    optimizer: Literal["adamw", "muon"] = "adamw"
    lr: float = Field(1e-4, gt=0)
    warmup: int = Field(20, ge=0)
    decay: int = Field(100, ge=0, description="steps over which the learning rate falls to 0 at the end")
    ema: float = Field(0.99, ge=0, lt=1, description="decay of the average of the weights, which is what is saved")
    sigma_mean: float = Field(0.5, description="mean of logit σ at which networks are trained and compared")
    sigma_deviation: float = Field(1.0, gt=0, description="standard deviation of logit σ")
    sigma_floor: float = Field(
        0.0, ge=0, lt=1, description="below this σ an error counts as an error of the picture (teach)"
    )
    pixel_weight: float = Field(0.0, ge=0, le=1, description="how much errors count as they show in pixels (teach)")
    unconditional: float = Field(0.1, ge=0, le=1, description="share of batches without prompt (teach)")
    train_text_encoder: bool = Field(False, description="train the text encoder too (teach)")
    grid: Grid | None = Field(None, description="the student's sigmas (distill)")
    guidance: float = Field(3.0, ge=1, description="guidance of the teachers, baked into the student (distill)")
    fake_lr: float = Field(4e-4, gt=0, description="learning rate of the fake score (distill)")
    fake_updates: int = Field(2, ge=1, description="updates of the fake score for one of the student (distill)")
    teachers: dict[str, ResolvedPath] = Field(default_factory=dict, description="task-specialised teachers by name")
    schedule: tuple[TeacherRule, ...] = ()
    checkpoint_every: int = Field(100, ge=1)
    samples_every: int = Field(200, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        other = "teach" if self.kind == "distill" else "distill"
        if unused := sorted(self.model_fields_set & set(KEYS_OF_ONE_KIND[other])):
            raise ValueError(f"a recipe of kind `{self.kind}` does not use `{unused[0]}`")
        if self.kind == "distill" and self.grid is None:
            raise ValueError("a distillation needs `grid`")
        if BASE in self.teachers:
            raise ValueError(f"the name `{BASE}` belongs to the base teacher; use another name in `teachers`")
        if unknown := sorted({rule.teacher for rule in self.schedule} - set(self.teachers)):
            raise ValueError(f"the schedule names the teacher `{unknown[0]}`, which is not in `teachers`")
        return self


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file; relative paths resolve against its folder.

    Raises:
        ConfigError: a key is unknown or has a wrong value; the message names the nearest right key.
    """
    value = read_yaml(path, ConfigError)
    try:
        return Recipe.model_validate(value, context={"base": path.parent.resolve()})
    except ValidationError as error:
        what, hint = explain(error, Recipe)
        raise ConfigError(what, where=str(path), hint=hint) from error
