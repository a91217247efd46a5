"""The flags with which a model is served: a pure function of its profile and of the free memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from evalkit.api.errors import UnavailableError
from evalkit.judges.vlm.serving.machine import Gpu, Machine
from evalkit.judges.vlm.serving.profiles import Profile, profiles

MAX_IMAGES = 4
"""Pictures in one question, at most: candidate, reference, source, cut-out."""
_RESERVE_GIB = 1.0
"""Memory left free on a GPU for what vLLM does not plan: CUDA contexts, fragments."""
_MOST = 0.92
"""Share of a GPU's memory that vLLM is given, at most."""
_TENSOR_PARALLEL = (1, 2, 4, 8)
_CPU_CACHE_GIB = 1
"""KV cache on a CPU; by default vLLM takes nearly all memory."""
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""Makes glibc keep freed memory. Otherwise activations take new pages, a third of the worker's time at 512 px."""

_UNBOUND = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
"""For up to two cores: one thread, as vLLM itself would use, but not bound to a core that others need."""
_ONE_PROCESS = ("--distributed-executor-backend", "vllm.v1.executor.uniproc_executor.UniProcExecutor")
"""For up to two cores: engine and worker in one process. Two processes wait for each other in busy loops that fill both
cores; with one process a run is 1.8 times as fast (docs/vlm-client.md). On a CPU vLLM turns its own `uni` into two
processes, to set the worker's OpenMP variables; with one thread there is nothing to set."""


class Launch(NamedTuple):
    """How to start the server: its arguments, and variables for its environment."""

    arguments: tuple[str, ...]
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """The options that the caller chooses.

    Args:
        model: folder or hub id to load.
        served_name: the name clients ask for.
        port: on 127.0.0.1.
        sleep: the server can be put to sleep, so that a generator can use the GPU in the meantime.
        download: whether the hub may be used; otherwise only files on this machine are.
    """

    model: str
    served_name: str
    port: int
    sleep: bool = False
    download: bool = False


def launch(profile: Profile, machine: Machine, options: LaunchOptions) -> Launch:
    """Arguments of vLLM's API server for this model on this machine.

    Raises:
        UnavailableError: the model does not fit into the free memory, or needs a GPU; the hint names profiles that fit.
    """
    gpus = _chosen(profile, machine)
    arguments = _common(profile, options)
    variables = _variables(options)
    if gpus:
        arguments += ["--gpu-memory-utilization", f"{_utilization(profile, gpus):.2f}", *_load(profile, gpus)]
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(gpu.uuid for gpu in gpus)
        if options.sleep:
            arguments.append("--enable-sleep-mode")
            variables["VLLM_SERVER_DEV_MODE"] = "1"  # without it there is no /sleep and no /wake_up
    else:
        # no compilation: for such a small model it takes longer than the run
        arguments += ["--enforce-eager", "--max-num-seqs", "64"]
        variables |= {"VLLM_CPU_KVCACHE_SPACE": str(_CPU_CACHE_GIB), **_KEEP_MEMORY}
        if machine.cores <= 2:
            arguments += _ONE_PROCESS
            variables |= _UNBOUND
    if len(gpus) > 1:
        arguments += ["--tensor-parallel-size", str(len(gpus)), "--mm-encoder-tp-mode", "data"]
    return Launch(tuple(arguments), variables)


def fitting(machine: Machine) -> list[str]:
    """Names of the profiles that fit on this machine now."""
    return [name for name, profile in profiles().items() if _fits(profile, machine) is not None]


def _common(profile: Profile, options: LaunchOptions) -> list[str]:
    arguments = ["--model", options.model, "--served-model-name", options.served_name]
    arguments += ["--host", "127.0.0.1", "--port", str(options.port), "--dtype", profile.dtype, "--seed", "0"]
    if profile.max_model_len is not None:
        arguments += ["--max-model-len", str(profile.max_model_len)]
    arguments += ["--limit-mm-per-prompt", json.dumps({"image": MAX_IMAGES, "video": 0})]
    if profile.max_pixels is not None:
        # these are areas, despite their names; some releases ignore the older `max_pixels`
        size = {"shortest_edge": profile.min_pixels, "longest_edge": profile.max_pixels}
        arguments += ["--mm-processor-kwargs", json.dumps({"size": size})]
    grammar = {"backend": "xgrammar", "disable_any_whitespace": not profile.any_whitespace}
    arguments += ["--structured-outputs-config", json.dumps(grammar)]
    # the model's own generation_config brings penalties and a temperature that move scores and spoil transcriptions
    arguments += ["--generation-config", "vllm", "--max-logprobs", "20", "--enable-prefix-caching"]
    return arguments


def _variables(options: LaunchOptions) -> dict[str, str]:
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    offline = {} if options.download else {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return {**quiet, **offline, "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0"}


def _load(profile: Profile, gpus: tuple[Gpu, ...]) -> list[str]:
    """How many questions at once: more if there is room for the KV cache. No score depends on it."""
    room = min(_budget(profile, gpu) for gpu in gpus) - profile.min_gib / len(gpus)
    return ["--max-num-seqs", "64" if room >= 8 else "16"]


def _budget(profile: Profile, gpu: Gpu) -> float:
    """GiB of a GPU that vLLM may have."""
    most = min(gpu.free - _RESERVE_GIB, _MOST * gpu.total)
    return most if profile.cap_gib is None else min(most, profile.cap_gib)


def _utilization(profile: Profile, gpus: tuple[Gpu, ...]) -> float:
    """Share of the whole GPU, rounded down, that vLLM may have. vLLM refuses to start if it is not free."""
    return min(int(100 * _budget(profile, gpu) / gpu.total) / 100 for gpu in gpus)


def _fits(profile: Profile, machine: Machine) -> tuple[Gpu, ...] | None:
    """The GPUs to use, as few as possible, with the most free memory. Empty: the CPU. `None`: it does not fit."""
    best = sorted(machine.gpus, key=lambda gpu: -_budget(profile, gpu))
    for count in _TENSOR_PARALLEL:
        chosen = best[:count]
        if len(chosen) == count and _budget(profile, chosen[-1]) >= profile.min_gib / count:
            return tuple(sorted(chosen, key=lambda gpu: gpu.index))
    return () if profile.cpu and not machine.gpus else None


def _chosen(profile: Profile, machine: Machine) -> tuple[Gpu, ...]:
    chosen = _fits(profile, machine)
    if chosen is None:
        free = ", ".join(f"GPU {gpu.index} has {gpu.free:.0f} GiB free" for gpu in machine.gpus) or "there is no GPU"
        what = f"it needs {profile.min_gib:g} GiB of free GPU memory, and {free}"
        able = ", ".join(fitting(machine))
        hint = (
            f"what fits here now: {able}" if able else "end the processes that hold memory, or give the judge a `url`"
        )
        raise UnavailableError(what, where=profile.name, hint=hint)
    return chosen
