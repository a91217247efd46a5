"""A generator that runs the diffusers pipelines of the Qwen-Image family, as student or as teacher."""

from __future__ import annotations

import gc
import sys
from collections.abc import Hashable, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.api.errors import GenerationError, PictureError, UnavailableError
from evalkit.api.pictures import decode
from evalkit.api.protocols import GeneratorInfo
from evalkit.api.records import JSON, Case, Generated, Request, Task
from evalkit.formats.foreign_text import clean
from evalkit.formats.keys import digest
from evalkit.student.pipelines.call import batches, call_arguments, check_schedule
from evalkit.student.pipelines.checkpoint import content_digest, file_digest, locate, locate_lora, pipeline_class
from evalkit.student.pipelines.meter import Reading, measure
from evalkit.student.pipelines.nfe import count_evaluations
from evalkit.student.pipelines.noise import noise_generators
from evalkit.student.pipelines.pixels import flatten
from evalkit.student.pipelines.settings import DiffusersSettings
from evalkit.student.source import read_source

if TYPE_CHECKING:
    from evalkit.student.pipelines.load import LoadedPipeline

SETTINGS_OF_THE_PICTURE = frozenset(
    {
        "lora_scale",
        "num_inference_steps",
        "sigmas",
        "true_cfg_scale",
        "guidance_scale",
        "negative_prompt",
        "dtype",
        "rgba_background",
        "max_sequence_length",
        "output_resolution",
    }
)
SETTINGS_NOT_IN_INFO = {"name", "licence", "scheduler", "sizes", "memory_gib", "offload_memory_gib"}


class DiffusersGenerator:
    """Qwen-Image 1.x, Edit-Plus and 2.1 pipelines of diffusers, with few-step LoRA.

    NFE is counted on the transformer. The noise of each picture is drawn on the CPU. `seconds` is the wall time of the
    call (text encoder, denoising, VAE) divided by its number of pictures; the first call is slower because it warms up.
    A picture drawn alone is `batch_invariant`. For one drawn with others this is not known: rounding may differ.
    """

    Settings = DiffusersSettings

    def __init__(self, settings: DiffusersSettings) -> None:
        self.settings = settings
        self.batch_size = settings.batch_size * settings.look_ahead
        self._loaded: LoadedPipeline | None = None

    def info(self) -> GeneratorInfo:
        s = self.settings
        name = s.name or Path(s.model).name + (f"+{Path(s.lora).stem}" if s.lora else "")
        settings = s.model_dump(mode="json", exclude_defaults=True, exclude=SETTINGS_NOT_IN_INFO)
        return GeneratorInfo(name, s.licence, self._hardware, settings | {"scheduler": s.scheduler.overrides()})

    def fingerprint(self, case: Case) -> str:
        """Covers the pipeline class, every setting that can change a picture, and the weights by their content.

        Device and batch size are left out, because they change a picture by rounding only. (`rows.layout` excludes the
        batches that would change more.) `content_digest` says how weights are identified.
        """
        return self._fingerprint

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        loaded = self._load()
        can = loaded.checkpoint.features
        results: dict[int, Generated] = {}
        sources: dict[int, Any] = {}
        for index, request in enumerate(requests):
            if request.case.task not in can.tasks:
                wanted = "edit a picture" if request.case.task is Task.EDIT else "draw without a source picture"
                results[index] = Generated(error=f"{loaded.checkpoint.pipeline} can't {wanted}")
                continue
            try:
                sources[index] = _source(request.case)
            except (GenerationError, PictureError) as error:
                results[index] = Generated(error=str(error))
        rest, todo = list(sources), [requests[index] for index in sources]
        layouts = [self._layout(loaded, requests[index].case, source) for index, source in sources.items()]
        for group in batches(todo, self.settings.batch_size, can, layouts):
            chosen = [rest[position] for position in group]
            drawn = self._draw(loaded, [requests[index] for index in chosen], [sources[index] for index in chosen])
            results.update(zip(chosen, drawn, strict=True))
        return [results[index] for index in range(len(requests))]

    def check(self) -> list[tuple[str, str]]:
        """What this machine lacks to run the model, each with the next step. Loads nothing and uses no network."""
        from evalkit.student.pipelines.ready import problems

        return problems(self.settings)

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded = None
            gc.collect()
            _empty_cache()

    @cached_property
    def _folder(self) -> Path:
        return locate(self.settings.model, self.settings.revision)

    @cached_property
    def _fingerprint(self) -> str:
        s = self.settings
        return digest(
            "diffusers/1",
            pipeline_class(self._folder, s.pipeline),
            content_digest(self._folder),
            file_digest(locate_lora(s.lora)) if s.lora else None,
            s.model_dump(mode="json", include=set(SETTINGS_OF_THE_PICTURE)),
            s.scheduler.overrides(),
        )

    @cached_property
    def _hardware(self) -> str:
        from evalkit.student.pipelines.load import describe_device, pick_device

        try:
            return describe_device(pick_device(self.settings.device))
        except (ImportError, UnavailableError):
            return ""  # a report of finished pictures needs no device; generate() will say what is missing

    def _load(self) -> LoadedPipeline:
        if self._loaded is None:
            from evalkit.student.pipelines.load import load_pipeline

            self._loaded = load_pipeline(self.settings, self._folder)
        return self._loaded

    def _layout(self, loaded: LoadedPipeline, case: Case, source: Any) -> Hashable:
        from evalkit.student.pipelines.rows import layout

        return layout(loaded.pipe, case, source) if loaded.checkpoint.features.one_layout_per_batch else None

    def _draw(self, loaded: LoadedPipeline, requests: Sequence[Request], sources: Sequence[Any]) -> list[Generated]:
        """One call of the pipeline; if it fails for several pictures, each is drawn alone."""
        from evalkit.student.pipelines.rows import own_sources

        arguments = call_arguments(self.settings, loaded.checkpoint, requests, sources[0])
        several = len(requests) > 1 and sources[0] is not None
        rows = own_sources(loaded.pipe, sources) if several else nullcontext()
        try:
            with count_evaluations(loaded.pipe.transformer) as count, measure(loaded.device) as reading, rows:
                images = loaded.pipe(**arguments, generator=noise_generators(requests)).images
        except Exception as error:  # for a hostile prompt or size a pipeline raises any exception
            _refuse_dead_device(error)
            _empty_cache()
            if len(requests) > 1:
                pairs = zip(requests, sources, strict=True)
                return [self._draw(loaded, [request], [source])[0] for request, source in pairs]
            return [Generated(error=f"{type(error).__name__}: {clean(str(error))}")]
        nfe = count.per_picture(len(requests))
        return [
            self._picture(loaded, request, image, nfe, reading, len(requests))
            for request, image in zip(requests, images, strict=True)
        ]

    def _picture(
        self, loaded: LoadedPipeline, request: Request, image: Any, nfe: int | None, reading: Reading, together: int
    ) -> Generated:
        case = request.case
        sigmas = [round(float(sigma), 4) for sigma in loaded.pipe.scheduler.sigmas]
        try:
            check_schedule(sigmas)
            pixels, min_alpha = flatten(image, self.settings.rgba_background)
        except GenerationError as error:
            return Generated(error=str(error))
        notes: dict[str, JSON] = {"sigmas": sigmas}
        if min_alpha is not None:
            notes["min_alpha"] = round(min_alpha, 4)
        if pixels.shape[:2] != (case.height, case.width):
            multiple = loaded.checkpoint.features.size_multiple
            notes["size"] = f"asked {case.width}x{case.height}, drawn in multiples of {multiple} px"
        elif self.settings.sizes and f"{case.width}x{case.height}" not in self.settings.sizes:
            notes["size"] = f"{case.width}x{case.height} is none of the sizes this model was made for"
        if cut := _tokens_cut(loaded.pipe, case, self.settings.max_sequence_length):
            notes["prompt_tokens_cut"] = cut
        return Generated(
            image=pixels,
            nfe=nfe,
            seconds=reading.seconds / together,
            peak_memory_mb=reading.peak_memory_mb,
            batch_size=together,
            batch_invariant=True if together == 1 else None,
            notes=notes,
        )


def _source(case: Case) -> Any:
    """The source picture of an edit as a PIL image on white, `None` for text to image."""
    if case.task is not Task.EDIT:
        return None
    from PIL import Image

    return Image.fromarray(decode(read_source(case), where=case.id).pixels)


def _tokens_cut(pipe: Any, case: Case, limit: int | None) -> int:
    """The number of tokens of the prompt that the pipeline silently dropped (1.x keeps 512 by default)."""
    if case.task is not Task.T2I or not hasattr(pipe, "prompt_template_encode_start_idx"):
        return 0
    tokens = pipe.tokenizer(pipe.prompt_template_encode.format(case.prompt)).input_ids
    return max(0, len(tokens) - int(pipe.prompt_template_encode_start_idx) - (limit or 512))


def _refuse_dead_device(error: Exception) -> None:
    """Raise for an error inside a CUDA kernel: after it this process can't use the device any more."""
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError):
        return
    if isinstance(error, RuntimeError) and "CUDA error" in str(error):
        hint = "run the same command again; what is finished is kept"
        raise UnavailableError(f"the GPU failed: {clean(str(error))}", hint=hint) from error


def _empty_cache() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
