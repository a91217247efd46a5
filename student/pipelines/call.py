"""Decides which requests share a call, and the arguments of the call. Needs neither torch nor diffusers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from evalkit.api.errors import ConfigError, GenerationError
from evalkit.api.records import Request, Task
from evalkit.student.pipelines.settings import DiffusersSettings


class PipelineFeatures(NamedTuple):
    """The features of a pipeline class in diffusers 0.41 to 0.42.

    `one_layout_per_batch`: only requests of one `evalkit.student.pipelines.rows.layout` may share a call; edits too.
    """

    tasks: frozenset[Task]
    size_multiple: int
    one_layout_per_batch: bool
    max_sequence_length: bool
    guidance_scale: bool
    output_resolution: bool


PIPELINES: dict[str, PipelineFeatures] = {
    "QwenImage21Pipeline": PipelineFeatures(
        frozenset(Task),
        size_multiple=32,
        one_layout_per_batch=True,
        max_sequence_length=False,
        guidance_scale=False,
        output_resolution=True,
    ),
    "QwenImagePipeline": PipelineFeatures(
        frozenset({Task.T2I}),
        size_multiple=16,
        one_layout_per_batch=False,
        max_sequence_length=True,
        guidance_scale=True,
        output_resolution=False,
    ),
    "QwenImageEditPlusPipeline": PipelineFeatures(
        frozenset({Task.EDIT}),
        size_multiple=16,
        one_layout_per_batch=False,
        max_sequence_length=True,
        guidance_scale=True,
        output_resolution=False,
    ),
}


class Checkpoint(NamedTuple):
    """The properties of a loaded checkpoint that the arguments of a call depend on."""

    pipeline: str
    default_true_cfg_scale: float
    guidance_embeds: bool
    sample_sigmas: tuple[float, ...] | None

    @property
    def features(self) -> PipelineFeatures:
        return PIPELINES[self.pipeline]


def check_settings(settings: DiffusersSettings, checkpoint: Checkpoint) -> None:
    """Refuse every setting that the pipeline would silently ignore.

    Raises:
        ConfigError: the message names the setting and what to write instead.
    """
    can = checkpoint.features
    for name, supported in (
        ("max_sequence_length", can.max_sequence_length),
        ("output_resolution", can.output_resolution),
        ("guidance_scale", can.guidance_scale and checkpoint.guidance_embeds),
    ):
        if getattr(settings, name) is not None and not supported:
            raise ConfigError(f"{name} has no effect on this {checkpoint.pipeline}", hint=f"remove {name}")
    if checkpoint.guidance_embeds and can.guidance_scale and settings.guidance_scale is None:
        raise ConfigError("this checkpoint is guidance-distilled and needs a guidance_scale", hint="set guidance_scale")
    fixed = checkpoint.sample_sigmas
    if fixed and settings.sigmas is None and settings.num_inference_steps not in (None, len(fixed)):
        raise ConfigError(
            f"num_inference_steps {settings.num_inference_steps} has no effect: this checkpoint brings its own "
            f"{len(fixed)} sigmas",
            hint="remove num_inference_steps, or give sigmas",
        )


def check_schedule(sigmas: Sequence[float]) -> None:
    """Refuse a schedule that is not finite: the stretch of `shift_terminal` divides zero by zero at a single step.

    Raises:
        GenerationError: the message names the setting that avoids it.
    """
    if not all(math.isfinite(sigma) for sigma in sigmas):
        raise GenerationError("the schedule is not finite: for one step, set scheduler: {shift_terminal: null}")


def true_cfg_scale(settings: DiffusersSettings, checkpoint: Checkpoint) -> float:
    """The guidance that is used: the setting, or else the pipeline's own default (4.0 in 1.x, 1.0 in 2.1)."""
    given = settings.true_cfg_scale
    return checkpoint.default_true_cfg_scale if given is None else given


def batches(
    requests: Sequence[Request], batch_size: int, features: PipelineFeatures, layouts: Sequence[Hashable]
) -> list[list[int]]:
    """The indices of `requests` by call, every index once, in order of first appearance.

    Pictures of one call have one size. An edit has a call of its own where a pipeline takes one set of source pictures.

    Args:
        requests: all of them.
        batch_size: largest number of requests per call.
        features: of the pipeline.
        layouts: of each request; in a `one_layout_per_batch` pipeline, requests of different layouts share no call.
    """
    groups: dict[tuple[Hashable, ...], list[int]] = {}
    for index, (request, layout) in enumerate(zip(requests, layouts, strict=True)):
        case = request.case
        alone = index if case.task is Task.EDIT and not features.one_layout_per_batch else None
        shared = layout if features.one_layout_per_batch else None
        groups.setdefault((case.width, case.height, case.task, shared, alone), []).append(index)
    return [group[i : i + batch_size] for group in groups.values() for i in range(0, len(group), batch_size)]


def call_arguments(
    settings: DiffusersSettings, checkpoint: Checkpoint, requests: Sequence[Request], source: Any = None
) -> dict[str, Any]:
    """Keyword arguments of the pipeline's `__call__` for requests of one batch, without the noise.

    Args:
        settings: as checked by `check_settings`.
        checkpoint: what is loaded.
        requests: of one of `batches`.
        source: PIL image of an edit.
    """
    first = requests[0].case
    scale = true_cfg_scale(settings, checkpoint)
    arguments: dict[str, Any] = {
        "prompt": [request.case.prompt for request in requests],
        "width": first.width,
        "height": first.height,
        "true_cfg_scale": scale,
        "output_type": "np",
    }
    if scale > 1:
        # Guidance is off without a negative prompt. One per picture: 2.1 does not repeat a single one over the batch.
        arguments["negative_prompt"] = [settings.negative_prompt] * len(requests)
    if source is not None:
        arguments["image"] = [source]
    if settings.sigmas is not None:
        arguments["sigmas"] = list(settings.sigmas)
    optional = {
        "num_inference_steps": None if settings.sigmas is not None else settings.num_inference_steps,
        "guidance_scale": settings.guidance_scale,
        "max_sequence_length": settings.max_sequence_length,
        "output_resolution": settings.output_resolution,
    }
    return arguments | {name: value for name, value in optional.items() if value is not None}
