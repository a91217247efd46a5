"""Checks whether a model can run here: packages, device, memory and weights. Loads nothing and uses no network."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import UnavailableError, UsageError
from evalkit.api.install import install_line
from evalkit.formats.strict_json import read_json
from evalkit.student.pipelines.checkpoint import components, hub_file
from evalkit.student.pipelines.settings import DiffusersSettings

OLDEST_VERSIONS = {"torch": "2.6", "diffusers": "0.41", "transformers": "5.17", "accelerate": "1.10"}
"""The oldest versions that have the three pipelines, as in pyproject.toml."""


class Machine(NamedTuple):
    """The properties of a machine that decide whether a model can run on it.

    Args:
        packages: the packages of `OLDEST_VERSIONS` that are missing or too old, in words.
        cuda_build: whether torch was built for a GPU.
        driver: whether an NVIDIA driver is installed.
        free_gib: free memory of each GPU torch can use.
    """

    packages: tuple[str, ...]
    cuda_build: bool
    driver: bool
    free_gib: tuple[float, ...]


@cache
def this_machine() -> Machine:
    """This machine, examined once per process; imports torch."""
    lacking = tuple(
        found for package, oldest in OLDEST_VERSIONS.items() if (found := _version_problem(package, oldest))
    )
    driver = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
    if importlib.util.find_spec("torch") is None:
        return Machine(lacking, False, driver, ())
    import torch

    build = bool(torch.version.cuda or torch.version.hip)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return Machine(lacking, build, driver, tuple(torch.cuda.mem_get_info(i)[0] / 2**30 for i in range(count)))


def problems(settings: DiffusersSettings, machine: Machine | None = None) -> list[tuple[str, str]]:
    """Everything that prevents `settings` from running on `machine` (default: this one), each with the next step."""
    machine = machine or this_machine()
    return [*_package_problems(machine), *_device_problems(settings, machine), *_weight_problems(settings)]


def missing_files(folder: Path) -> list[str]:
    """The components and shards that a checkpoint's folder lacks; no other files are checked.

    Raises:
        UnavailableError: the folder has no `model_index.json`, or an unsafe one.
    """
    missing = []
    for part in components(folder):
        if not any((folder / part.name).glob("*")):
            missing.append(part.name)
        for index in (folder / part.name).glob("*.safetensors.index.json"):
            missing += [f"{part.name}/{shard}" for shard in _shards(index) if not (index.parent / shard).exists()]
    return missing


def _shards(index: Path) -> list[str]:
    """The files of weights that an index names."""
    try:
        content = read_json(index, UsageError)
        return sorted({str(name) for name in content["weight_map"].values()})
    except (UsageError, KeyError, TypeError, AttributeError) as error:
        raise UnavailableError("no index of weights", where=str(index), hint="copy the checkpoint again") from error


def _package_problems(machine: Machine) -> list[tuple[str, str]]:
    return [("; ".join(machine.packages), install_line("diffusers"))] if machine.packages else []


def _device_problems(settings: DiffusersSettings, machine: Machine) -> list[tuple[str, str]]:
    """Problems with the GPU, which is needed if it is named, or if the memory that the model needs is known."""
    wanted, needs = settings.device, settings.memory_gib
    if not wanted.startswith("cuda") and (wanted != "auto" or needs is None):
        return []
    size = f" with {needs:g} GiB free" if needs else ""
    if not machine.free_gib:
        if machine.driver and not machine.cuda_build:
            return [("torch is a CPU build, though there is an NVIDIA driver", "install a CUDA build of torch")]
        return [(f"needs a GPU{size}; there is none", "run it on a machine with one, or serve it and use `http:URL`")]
    index = int(wanted.partition(":")[2] or 0)
    if index >= len(machine.free_gib):
        return [(f"{wanted} is not there ({len(machine.free_gib)} GPUs)", "set device: cuda:0")]
    free, offloaded = machine.free_gib[index], settings.offload_memory_gib
    if needs is None or free >= (offloaded or needs if settings.offload != "none" else needs):
        return []
    short = f"needs a GPU{size}, cuda:{index} has {free:.0f}"
    if settings.offload == "none" and offloaded and free >= offloaded:
        return [(short, f"add offload=model ({offloaded:g} GiB, slower)")]
    return [(short, "end other programs on the GPU, or use a larger one")]


def _weight_problems(settings: DiffusersSettings) -> list[tuple[str, str]]:
    found = []
    revision = f" --revision {settings.revision}" if settings.revision else ""
    folder = Path(settings.model) if Path(settings.model).is_dir() else _cached(settings.model, settings.revision)
    fetch = f"hf download {settings.model}{revision}, or set model=PATH"
    if folder is None:
        found.append((f"no weights on this machine: {settings.model}", fetch))
    else:
        try:
            if missing := missing_files(folder):
                found.append((f"weights incomplete: {len(missing)} parts missing, e.g. {missing[0]}", fetch))
        except (UnavailableError, OSError, ValueError, KeyError) as error:
            found.append((f"weights can't be used: {error}", getattr(error, "hint", "") or fetch))
    if settings.lora:
        on_hub = hub_file(settings.lora)
        if on_hub and not _cached(on_hub[0], None, on_hub[1]):
            found.append(
                (f"no such LoRA on this machine: {settings.lora}", f"hf download {' '.join(on_hub)}, or set lora=PATH")
            )
        elif not on_hub and not Path(settings.lora).is_file():
            found.append((f"no such LoRA: {settings.lora}", "set lora=PATH to a .safetensors file"))
    return found


def _cached(repository: str, revision: str | None, name: str = "model_index.json") -> Path | None:
    """The folder of a file in the hub cache on this disk, or `None`; uses no network."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        path = try_to_load_from_cache(repository, name, revision=revision)
    except HFValidationError:  # a path that does not exist
        return None
    return Path(path).parent if isinstance(path, str) else None


def _version_problem(package: str, oldest: str) -> str:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"{package} is not installed"
    numbers = [tuple(int(part) for part in text.split(".")[:2] if part.isdigit()) for text in (version, oldest)]
    return f"{package} {version} is older than {oldest}" if numbers[0] < numbers[1] else ""
