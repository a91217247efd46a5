"""Loads a pipeline on a device, from safetensors only, without remote code, and with no tensor missing."""

from __future__ import annotations

import importlib
import inspect
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evalkit.api.errors import ConfigError, EvalkitError, UnavailableError
from evalkit.api.install import install_line
from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.formats.foreign_text import clean
from evalkit.student.pipelines import checkpoint as disk
from evalkit.student.pipelines.call import Checkpoint, check_settings
from evalkit.student.pipelines.settings import DiffusersSettings

if TYPE_CHECKING:
    import torch

ADAPTER = "evalkit"


class LoadedPipeline(NamedTuple):
    """A pipeline ready to be called (`pipe`: a `diffusers.DiffusionPipeline`)."""

    pipe: Any
    checkpoint: Checkpoint
    device: torch.device


def load_pipeline(settings: DiffusersSettings, folder: Path) -> LoadedPipeline:
    """Load the pipeline in `folder` as `settings` say.

    Raises:
        UnavailableError: a package, the device or weights are missing or damaged; the hint is the next step.
        ConfigError: a setting that this checkpoint would ignore.
    """
    name = disk.pipeline_class(folder, settings.pipeline)
    disk.refuse_pickles(folder)
    try:
        ensure_torchvision()
        import diffusers
        import torch
    except ImportError as error:
        hint = install_line("diffusers")
        raise UnavailableError(f"diffusers can't be imported: {clean(str(error))}", hint=hint) from error
    device = pick_device(settings.device)
    if settings.offload != "none" and device.type == "cpu":
        raise ConfigError("offload has no effect on the CPU", hint="remove offload, or set device: cuda")
    try:
        _silence_libraries()
        dtype = getattr(torch, settings.dtype)
        models, own = _load_models(folder, dtype), _load_own_parts(folder)
        pipeline = getattr(diffusers, name)
        reader = _reader_of_former_names(pipeline) if disk.has_former_names(folder) else pipeline
        pipe = reader.from_pretrained(
            folder, **models, **dict.fromkeys(own), dtype=dtype, use_safetensors=True, local_files_only=True
        )
        pipe.__class__ = pipeline
        for part, loaded in own.items():
            setattr(pipe, part, loaded)
        checkpoint = _describe(pipe, name)
        check_settings(settings, checkpoint)
        if overrides := settings.scheduler.overrides():
            pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, **overrides)
        if settings.lora:
            _add_lora(pipe, disk.locate_lora(settings.lora), settings.lora_scale)
        _place(pipe, settings.offload, device)
    except EvalkitError:
        raise
    except Exception as error:  # for a damaged checkpoint the libraries raise any exception
        what = f"the checkpoint can't be loaded: {type(error).__name__}: {clean(str(error))}"
        raise UnavailableError(what, where=str(folder), hint="fetch or save it again") from error
    pipe.set_progress_bar_config(disable=True)
    return LoadedPipeline(pipe, checkpoint, device)


def _silence_libraries() -> None:
    """Switch off the progress bars of the libraries, and the warning that a codec is not of the class they expect."""
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def pick_device(wanted: str) -> torch.device:
    """The device for `wanted` (`auto`: the first CUDA device, or else the CPU). Raises `UnavailableError`."""
    import torch

    if wanted == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    device = torch.device(wanted)
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= there:
        build = f"torch {torch.__version__}"
        hint = (
            "set device: cpu"
            if torch.version.cuda or torch.version.hip
            else "install a CUDA build of torch, or set device: cpu"
        )
        raise UnavailableError(f"device {wanted} is not there: {there} CUDA devices, {build}", hint=hint)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UnavailableError("device mps is not there", hint="set device: cpu")
    return device


def describe_device(device: torch.device) -> str:
    """The hardware in words, for the leaderboard."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {platform.machine()}, {torch.get_num_threads()} threads"


def _load_models(folder: Path, dtype: torch.dtype) -> dict[str, Any]:
    """Every part that has weights, by name.

    Each is loaded by itself, because only then is the list of missing tensors available: diffusers and transformers
    fill a tensor that is not in the file with random values and only log it.
    """
    models: dict[str, Any] = {}
    for part in disk.components(folder):
        weights = sorted((folder / part.name).glob("*.safetensors"))
        if not weights:
            continue
        for file in weights:
            disk.check_safetensors(file)
        loader = getattr(importlib.import_module(part.library), part.class_name)
        model, report = loader.from_pretrained(
            folder / part.name, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
        if missing := sorted(report["missing_keys"]):
            what = f"{part.name} lacks {len(missing)} tensors, {missing[0]} for one; they would be random"
            raise UnavailableError(what, where=str(folder / part.name), hint="fetch or save the checkpoint again")
        models[part.name] = model
    return models


def _load_own_parts(folder: Path) -> dict[str, Any]:
    """Parts of our own mini models without weights (the scheduler), which diffusers would not load."""
    parts = [part for part in disk.components(folder) if part.library not in disk.LIBRARIES]
    return {
        part.name: getattr(importlib.import_module(part.library), part.class_name).from_pretrained(
            folder / part.name, local_files_only=True
        )
        for part in parts
        if not any((folder / part.name).glob("*.safetensors"))
    }


def _reader_of_former_names(pipeline: Any) -> Any:
    """A subclass of `pipeline` that reads `model_index.json` with the current names of our own classes.

    diffusers imports the module of every part that the index names, also if the part is given. Under a former name it
    would find no module, or one of the user's.
    """

    def load_config(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return disk.with_current_names(super(reader, cls).load_config(*args, **kwargs))

    reader: Any = type(pipeline.__name__, (pipeline,), {"load_config": classmethod(load_config)})
    return reader


def _describe(pipe: Any, name: str) -> Checkpoint:
    own_default = inspect.signature(type(pipe).__call__).parameters["true_cfg_scale"].default
    sigmas = pipe.config.get("sample_sigmas")
    return Checkpoint(
        pipeline=name,
        default_true_cfg_scale=float(own_default),
        guidance_embeds=bool(pipe.transformer.config.get("guidance_embeds", False)),
        sample_sigmas=tuple(sigmas) if sigmas else None,
    )


def _add_lora(pipe: Any, path: Path, scale: float) -> None:
    """Add a LoRA to the transformer without fusing it: in bfloat16 the fused sum would be rounded.

    Of a LoRA for another model, diffusers loads the layers whose names agree and only logs the rest. So the number of
    layers in the file is compared with the number of layers that were loaded.
    """
    if path.suffix.lower() != ".safetensors":
        hint = "only .safetensors are read: a pickle file can run code when it is loaded"
        raise UnavailableError("not a safetensors file", where=str(path), hint=hint)
    pairs = sum(name.endswith((".lora_B.weight", ".lora_up.weight")) for name in disk.check_safetensors(path))
    pipe.load_lora_weights(
        str(path.parent), weight_name=path.name, adapter_name=ADAPTER, use_safetensors=True, local_files_only=True
    )
    layers = sum(ADAPTER in getattr(module, "lora_B", ()) for module in pipe.transformer.modules())
    if layers == 0 or layers < pairs:
        what = f"{layers} of the LoRA's {pairs} layers belong to this {type(pipe.transformer).__name__}"
        raise UnavailableError(what, where=str(path), hint="is it a LoRA for this model?")
    pipe.set_adapters([ADAPTER], [scale])


def _place(pipe: Any, offload: str, device: torch.device) -> None:
    if offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    elif offload == "sequential":
        pipe.enable_sequential_cpu_offload(device=device)
    else:
        pipe.to(device)
