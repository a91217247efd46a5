"""Flags by model and memory, as a table; no test needs a GPU."""

from __future__ import annotations

import json
import os

import pytest

from evalkit.api.errors import UnavailableError, UnknownNameError
from evalkit.judges.vlm.serving.flags import LaunchOptions, fitting, launch
from evalkit.judges.vlm.serving.machine import Gpu, Machine, machine, parse, visible
from evalkit.judges.vlm.serving.profiles import profile, profiles

WISH = LaunchOptions("the-model", "the-name", 8000)


def gpus(total: float, *free: float) -> Machine:
    return Machine(tuple(Gpu(index, f"GPU-{index}", total, each) for index, each in enumerate(free)))


def options(name: str, machine: Machine, options: LaunchOptions = WISH) -> dict[str, str]:
    """Flags and their values; the value of a switch is empty."""
    arguments = launch(profile(name), machine, options).arguments
    found: dict[str, str] = {}
    for argument, following in zip(arguments, [*arguments[1:], "--"], strict=True):
        if argument.startswith("--"):
            found[argument] = "" if following.startswith("--") else following
    return found


@pytest.mark.parametrize(
    ("name", "machine", "utilization", "devices", "at_once"),
    [
        ("qwen3-vl-8b", gpus(24, 23.9), "0.92", "GPU-0", "16"),
        ("qwen3-vl-8b", gpus(80, 79), "0.92", "GPU-0", "64"),
        ("qwen3-vl-8b", gpus(80, 30), "0.36", "GPU-0", "16"),  # a generator has the rest
        ("qwen3-vl-8b", gpus(80, 30, 79), "0.92", "GPU-1", "64"),
        ("qwen3-vl-32b", gpus(80, 79.5), "0.92", "GPU-0", "16"),
        ("qwen3-vl-32b", gpus(48, 47, 47), "0.92", "GPU-0,GPU-1", "64"),
        ("qwen3-vl-32b", gpus(24, 23.9, 5, 23.9, 23.9, 23.9), "0.92", "GPU-0,GPU-2,GPU-3,GPU-4", "16"),
        ("qwen3-vl-32b-fp8", gpus(48, 47.5), "0.92", "GPU-0", "16"),
        ("q-judger", gpus(80, 79), "0.92", "GPU-0", "64"),
        ("judge-mini", gpus(80, 79), "0.05", "GPU-0", "16"),
    ],
)
def test_free_memory_decides_the_flags(
    name: str, machine: Machine, utilization: str, devices: str, at_once: str
) -> None:
    found = options(name, machine)
    assert found["--gpu-memory-utilization"] == utilization
    assert found["--max-num-seqs"] == at_once
    assert launch(profile(name), machine, WISH).variables["CUDA_VISIBLE_DEVICES"] == devices
    assert found.get("--tensor-parallel-size", "1") == str(len(devices.split(",")))
    assert "--enforce-eager" not in found
    assert "MALLOC_MMAP_THRESHOLD_" not in launch(profile(name), machine, WISH).variables


@pytest.mark.parametrize("total", [24.0, 48.0, 80.0, 141.0])
@pytest.mark.parametrize("name", list(profiles()))
def test_the_memory_given_to_vllm_is_free_and_enough(name: str, total: float) -> None:
    """vLLM refuses to start if its share of the memory is not free."""
    machine = gpus(total, total - 1.5)
    if name in fitting(machine):
        share = float(options(name, machine)["--gpu-memory-utilization"]) * total
        assert profile(name).min_gib - 0.01 * total <= share <= total - 1.5


@pytest.mark.parametrize(
    ("name", "machine", "said"),
    [
        ("qwen3-vl-8b", Machine(), "there is no GPU"),
        ("qwen3-vl-8b", gpus(24, 12), "GPU 0 has 12 GiB free"),
        ("qwen3-vl-32b", gpus(48, 47), "needs 72 GiB"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(name: str, machine: Machine, said: str) -> None:
    with pytest.raises(UnavailableError, match=said) as caught:
        launch(profile(name), machine, WISH)
    assert "judge-mini" in caught.value.hint  # what would fit here


def test_flags_on_a_cpu() -> None:
    start = launch(profile("judge-mini"), Machine(), WISH)
    assert "--enforce-eager" in start.arguments
    assert start.variables["VLLM_CPU_KVCACHE_SPACE"] == "1"
    assert int(start.variables["MALLOC_MMAP_THRESHOLD_"]) > 2**30  # activations stay in the heap
    assert options("judge-mini", Machine())["--max-num-seqs"] == "64"
    assert "CUDA_VISIBLE_DEVICES" not in start.variables
    assert "--mm-processor-kwargs" not in start.arguments  # its own processor decides, as it does in process


@pytest.mark.parametrize(("cores", "bound"), [(1, False), (2, False), (3, True), (16, True)])
def test_on_two_cores_vllm_is_one_unbound_process(cores: int, bound: bool) -> None:
    """With more cores vLLM uses its default: a thread for each but one."""
    arguments, variables = launch(profile("judge-mini"), Machine(cores=cores), WISH)
    assert ("--distributed-executor-backend" not in arguments) == bound
    assert ("VLLM_CPU_OMP_THREADS_BIND" not in variables) == bound
    assert ("OMP_NUM_THREADS" not in variables) == bound


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores can be taken from a process on Linux only")
def test_only_the_cores_that_this_process_may_use_count() -> None:
    assert machine().cores == len(os.sched_getaffinity(0))


def test_flags_of_every_server() -> None:
    found = options("qwen2.5-vl-7b", gpus(80, 79))
    assert found["--host"] == "127.0.0.1"
    assert found["--seed"] == "0"
    assert found["--generation-config"] == "vllm"  # no penalties of the model's own
    assert json.loads(found["--structured-outputs-config"])["disable_any_whitespace"] is True
    assert json.loads(found["--mm-processor-kwargs"])["size"]["longest_edge"] == profile("qwen2.5-vl-7b").max_pixels
    assert json.loads(found["--limit-mm-per-prompt"]) == {"image": 4, "video": 0}
    assert found["--served-model-name"] == "the-name"


@pytest.mark.parametrize("name", list(profiles()))
def test_a_full_question_fits(name: str) -> None:
    """Four pictures at the pixel limit, and 4096 tokens of text and reply."""
    known = profile(name)
    if known.max_pixels and known.max_model_len:
        assert 4 * known.max_pixels // known.token_px**2 + 4096 <= known.max_model_len


def test_sleep_and_downloads_are_off_by_default() -> None:
    machine, options = gpus(80, 79), LaunchOptions("m", "n", 1, sleep=True, download=True)
    awake, asleep = (launch(profile("qwen3-vl-8b"), machine, each) for each in (WISH, options))
    assert "--enable-sleep-mode" in asleep.arguments
    assert asleep.variables["VLLM_SERVER_DEV_MODE"] == "1"
    assert "HF_HUB_OFFLINE" not in asleep.variables
    assert "--enable-sleep-mode" not in awake.arguments
    assert "VLLM_SERVER_DEV_MODE" not in awake.variables
    assert awake.variables["HF_HUB_OFFLINE"] == "1"
    assert awake.variables["VLLM_NO_USAGE_STATS"] == "1"


def test_the_output_of_nvidia_smi_is_parsed() -> None:
    said = (
        "0, GPU-aaa, 81559, 81012\n1, GPU-bbb, 81559, 1024\n"
        "2, GPU-ccc, [N/A], [N/A]\nNo devices were found\n"  # memory shared with the CPU; a driver without GPUs
    )
    first, second = parse(said)
    assert (first.index, first.uuid, round(first.total, 1), second.free) == (0, "GPU-aaa", 79.6, 1.0)
    assert parse("") == ()
    assert visible((first, second), None) == (first, second)
    assert visible((first, second), "1") == (second,)
    assert visible((first, second), "GPU-aa") == (first,)
    assert visible((first, second), "") == ()


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        profile("qwen3-vl-8")
    assert "qwen3-vl-8b" in caught.value.hint


@pytest.mark.parametrize("size", [(1024, 768), (3000, 2000), (100, 60), (4096, 300), (10, 1900)])
@pytest.mark.parametrize("name", ["qwen3-vl-8b", "qwen2.5-vl-7b"])
def test_pictures_are_resized_as_the_processor_does(name: str, size: tuple[int, int]) -> None:
    from evalkit.compat.torchvision_cpu import ensure_torchvision

    ensure_torchvision()
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    known, (width, height) = profile(name), size
    theirs = smart_resize(height, width, known.token_px, known.min_pixels, known.max_pixels)
    assert known.resized(width, height) == theirs[::-1]
