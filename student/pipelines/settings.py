"""Settings of the diffusers generator."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evalkit.api.settings import Settings, with_home

Channel = Annotated[int, Field(ge=0, le=255)]
Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$")]
PipelineName = Literal["QwenImage21Pipeline", "QwenImagePipeline", "QwenImageEditPlusPipeline"]


class SchedulerSettings(Settings):
    """Fields of `FlowMatchEulerDiscreteScheduler` that replace those of the checkpoint; fields not given are kept.

    A trap of few-step students: the schedule of a checkpoint is made for 40 or 50 steps. Qwen-Image's
    `shift_terminal: 0.02` stretches it so that the last step starts at sigma 0.02. At 4 steps, 1024x1024 px, that gives
    sigmas 1, .7667, .4556, .02, 0: three huge steps and one that does nothing. A student sampled in this way is not the
    student that was trained. `shift_terminal: null` gives 1, .8572, .6668, .4001, 0. Sigmas passed explicitly go
    through the same shift and stretch: for sigmas to be used as written, also set `use_dynamic_shifting: false` and
    `shift: 1.0`. The notes of each picture contain the sigmas that were used.
    """

    shift: float = Field(1.0, gt=0)
    use_dynamic_shifting: bool = False
    base_shift: float = 0.5
    max_shift: float = 1.15
    base_image_seq_len: int = Field(256, ge=1)
    max_image_seq_len: int = Field(4096, ge=1)
    shift_terminal: float | None = Field(None, gt=0, lt=1)
    time_shift_type: Literal["exponential", "linear"] = "exponential"

    def overrides(self) -> dict[str, Any]:
        """The fields that were given, `shift_terminal: null` included."""
        return self.model_dump(include=self.model_fields_set)


class DiffusersSettings(Settings):
    """The checkpoint and how to sample it. `None` stands for the value of the checkpoint or the pipeline's default.

    Args:
        model: folder in diffusers format, or hub id. A folder that exists is never looked up on the hub.
        revision: branch, tag or commit of a hub id.
        pipeline: class to use instead of the one `model_index.json` names.
        lora: few-step LoRA: a `.safetensors` file, or one on the hub as `owner/repository/file.safetensors`.
        lora_scale: strength of the LoRA.
        num_inference_steps: denoising steps.
        sigmas: where each step starts, without the final 0; they go through the scheduler's shift (see `scheduler`).
        true_cfg_scale: classifier-free guidance; every step above 1 costs two evaluations. `QwenImagePipeline`'s own
            default is 4.0: set 1.0 for a distilled student, into which guidance is baked.
        guidance_scale: embedded guidance, only for guidance-distilled 1.x checkpoints.
        negative_prompt: used when `true_cfg_scale` is above 1. diffusers silently drops guidance without one, so the
            default is a blank, as in Qwen's own examples.
        dtype: of the weights; it does not depend on the device, so that the same settings give the same pictures.
        device: `auto` is the first CUDA device, or else the CPU.
        offload: `model` or `sequential` keeps idle parts in CPU memory (needs an accelerator).
        batch_size: pictures per call, if the pipeline can batch them (see `evalkit.student.pipelines.rows`).
        look_ahead: number of batches of requests that are examined together for requests that may share a call: 2.1
            can only batch prompts of equal length. A run shows and saves its pictures once per look-ahead.
        scheduler: fields of the scheduler to replace.
        rgba_background: colour under the RGBA pictures of Qwen-Image 2.1.
        max_sequence_length: prompt tokens that are kept (1.x).
        output_resolution: side of the square whose area source pictures are resized to (2.1).
        sizes: sizes that the model was made for (`1024x1024`); pictures of other sizes get a note. Empty: any size.
        memory_gib: GPU memory that the model needs, for `evalkit doctor`.
        offload_memory_gib: the same with `offload: model`.
    """

    primary: ClassVar[str] = "model"

    model: str = Field(min_length=1)
    revision: str | None = None
    pipeline: PipelineName | None = None
    lora: str | None = Field(None, min_length=1)
    lora_scale: float = 1.0
    num_inference_steps: int | None = Field(None, ge=1, le=1000)
    sigmas: tuple[float, ...] | None = Field(None, min_length=1, max_length=1000)
    true_cfg_scale: float | None = Field(None, ge=1)
    guidance_scale: float | None = Field(None, ge=0)
    negative_prompt: str = " "
    dtype: Literal["bfloat16", "float32", "float16"] = "bfloat16"
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,2})?)$")
    offload: Literal["none", "model", "sequential"] = "none"
    batch_size: int = Field(1, ge=1, le=1024)
    look_ahead: int = Field(1, ge=1, le=64)
    scheduler: SchedulerSettings = Field(default_factory=SchedulerSettings)
    rgba_background: tuple[Channel, Channel, Channel] = (255, 255, 255)
    max_sequence_length: int | None = Field(None, ge=1, le=1024)
    output_resolution: int | None = Field(None, ge=32, le=8192)
    sizes: tuple[Size, ...] = ()
    memory_gib: float | None = Field(None, gt=0)
    offload_memory_gib: float | None = Field(None, gt=0)
    name: str = ""
    licence: str = ""

    @field_validator("model", "lora", mode="before")
    @classmethod
    def _here_or_on_the_hub(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, str | Path):
            return given
        path = Path((info.context or {}).get("base", Path.cwd())) / with_home(Path(given))
        return str(path.resolve()) if path.exists() else str(given)

    @model_validator(mode="after")
    def _consistent(self) -> DiffusersSettings:
        sigmas = self.sigmas
        if sigmas is None:
            return self
        if not all(0 < sigma <= 1 for sigma in sigmas) or any(a <= b for a, b in itertools.pairwise(sigmas)):
            raise ValueError("sigmas must fall, from at most 1 to above 0 (the final 0 is added by the scheduler)")
        if self.num_inference_steps not in (None, len(sigmas)):
            raise ValueError(f"{len(sigmas)} sigmas, but num_inference_steps is {self.num_inference_steps}")
        return self
