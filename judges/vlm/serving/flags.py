"""Which flags a model is served with: a pure function of its profile and of the memory that is free."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from evalkit.api.errors import UnavailableError
from evalkit.judges.vlm.serving.machine import Gpu, Machine
from evalkit.judges.vlm.serving.profiles import Profile, profiles

MAX_IMAGES = 4
"""Pictures in one question at most: candidate, reference, source, crop."""
_RESERVE_GIB = 1.0
"""Left free on a GPU for what is not vLLM's to plan: CUDA contexts, fragments."""
_MOST = 0.92
"""Share of a GPU's memory that vLLM is given at most."""
_TENSOR_PARALLEL = (1, 2, 4, 8)
_CPU_CACHE_GIB = 1
"""KV cache on a CPU; left to itself vLLM takes nearly all memory."""
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""glibc keeps what it has: else activations are new pages each time, a third of the worker's time at 512 px."""

_UNBOUND = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
"""For up to two cores: one thread, as vLLM itself would take, but not bound to a core that others need."""
_ONE_PROCESS = ("--distributed-executor-backend", "vllm.v1.executor.uniproc_executor.UniProcExecutor")
"""For up to two cores: engine and worker are one process. As two they wait for each other in busy loops that fill both
cores: a run asks 1.8 times as fast without (docs/vlm-client.md). vLLM's own `uni` is turned into two on a CPU, for it
sets the worker's OpenMP variables; with one thread there is nothing to set."""


class Launch(NamedTuple):
    """How to start the server: what follows the program's name, and variables of its environment."""

    arguments: tuple[str, ...]
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller decides.

    Args:
        model: folder or hub id to load.
        served_name: the name clients ask for.
        port: on 127.0.0.1.
        sleep: the server can be put to sleep, so that a generator has the GPU in the meantime.
        download: allow the hub; otherwise only what is on this machine.
    """

    model: str
    served_name: str
    port: int
    sleep: bool = False
    download: bool = False


def launch(profile: Profile, machine: Machine, wish: Wish) -> Launch:
    """Arguments of vLLM's API server for this model on this machine.

    Raises:
        UnavailableError: the model does not fit in the memory that is free, or needs a GPU; names what would fit.
    """
    gpus = _chosen(profile, machine)
    arguments = _common(profile, wish)
    variables = _variables(wish)
    if gpus:
        arguments += ["--gpu-memory-utilization", f"{_utilization(profile, gpus):.2f}", *_load(profile, gpus)]
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(gpu.uuid for gpu in gpus)
        if wish.sleep:
            arguments.append("--enable-sleep-mode")
            variables["VLLM_SERVER_DEV_MODE"] = "1"  # else /sleep and /wake_up are not there
    else:
        # no compilation: for a model this small it takes longer than the run
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


def _common(profile: Profile, wish: Wish) -> list[str]:
    arguments = ["--model", wish.model, "--served-model-name", wish.served_name]
    arguments += ["--host", "127.0.0.1", "--port", str(wish.port), "--dtype", profile.dtype, "--seed", "0"]
    if profile.max_model_len is not None:
        arguments += ["--max-model-len", str(profile.max_model_len)]
    arguments += ["--limit-mm-per-prompt", json.dumps({"image": MAX_IMAGES, "video": 0})]
    if profile.max_pixels is not None:
        # areas, whatever the names say; the older `max_pixels` is ignored by some releases
        size = {"shortest_edge": profile.min_pixels, "longest_edge": profile.max_pixels}
        arguments += ["--mm-processor-kwargs", json.dumps({"size": size})]
    grammar = {"backend": "xgrammar", "disable_any_whitespace": not profile.any_whitespace}
    arguments += ["--structured-outputs-config", json.dumps(grammar)]
    # the model's own generation_config brings penalties and a temperature that move scores and spoil transcriptions
    arguments += ["--generation-config", "vllm", "--max-logprobs", "20", "--enable-prefix-caching"]
    return arguments


def _variables(wish: Wish) -> dict[str, str]:
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    offline = {} if wish.download else {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return {**quiet, **offline, "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0"}


def _load(profile: Profile, gpus: tuple[Gpu, ...]) -> list[str]:
    """How many questions at once: more where the KV cache has room. No score depends on it."""
    room = min(_budget(profile, gpu) for gpu in gpus) - profile.min_gib / len(gpus)
    return ["--max-num-seqs", "64" if room >= 8 else "16"]


def _budget(profile: Profile, gpu: Gpu) -> float:
    """GiB of a GPU that vLLM may have."""
    most = min(gpu.free - _RESERVE_GIB, _MOST * gpu.total)
    return most if profile.cap_gib is None else min(most, profile.cap_gib)


def _utilization(profile: Profile, gpus: tuple[Gpu, ...]) -> float:
    """The share of the whole GPU, rounded down, that vLLM may have: it refuses to start where that much is not free."""
    return min(int(100 * _budget(profile, gpu) / gpu.total) / 100 for gpu in gpus)


def _fits(profile: Profile, machine: Machine) -> tuple[Gpu, ...] | None:
    """The GPUs to take: as few as possible, those with the most free memory. Empty: the CPU. `None`: none will do."""
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
        hint = f"what fits here now: {able}" if able else "end what holds the memory, or give the judge a `url`"
        raise UnavailableError(what, where=profile.name, hint=hint)
    return chosen
