"""The pure parts of the diffusers generator."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from pydantic import ValidationError

from evalkit.api.errors import ConfigError, GenerationError
from evalkit.api.records import Case, Request, SourceImage, Task
from evalkit.formats.foreign_text import clean
from evalkit.student.pipelines.call import PIPELINES, Checkpoint, batches, call_arguments, check_settings
from evalkit.student.pipelines.nfe import EvaluationCount
from evalkit.student.pipelines.pixels import flatten
from evalkit.student.pipelines.settings import DiffusersSettings, SchedulerSettings

pytestmark = pytest.mark.slow

ANY_LAYOUT, ONE_LAYOUT = PIPELINES["QwenImagePipeline"], PIPELINES["QwenImage21Pipeline"]


def request(prompt="p", width=64, task=Task.T2I):
    source = SourceImage("s.png", "0" * 64) if task is Task.EDIT else None
    return Request(Case(id="a", prompt=prompt, width=width, height=64, task=task, source=source), 0, 0)


def checkpoint(pipeline="QwenImagePipeline", **more):
    fields = {"default_true_cfg_scale": 4.0, "guidance_embeds": False, "sample_sigmas": None}
    return Checkpoint(pipeline, **fields | more)


def test_batches_hold_one_size_and_edits_go_alone():
    requests = [
        request("p"),
        request("q"),
        request("p", width=128),
        request("p"),
        request(task=Task.EDIT),
        request(task=Task.EDIT),
    ]
    lengths = [1, 2, 1, 1, 1, 1]
    assert batches(requests, 8, ANY_LAYOUT, lengths) == [[0, 1, 3], [2], [4], [5]]
    assert batches(requests, 2, ANY_LAYOUT, lengths) == [[0, 1], [3], [2], [4], [5]]
    assert batches([], 8, ANY_LAYOUT, []) == []


def test_a_pipeline_with_one_layout_per_batch_also_takes_edits_together():
    requests = [*(request(prompt) for prompt in "pqr"), *(request(task=Task.EDIT) for _ in range(3))]
    layouts = [5, 5, 6, (5, (64, 64)), (5, (64, 64)), (5, (32, 64))]
    assert batches(requests, 8, ONE_LAYOUT, layouts) == [[0, 1], [2], [3, 4], [5]]
    assert batches(requests, 1, ONE_LAYOUT, layouts) == [[0], [1], [2], [3], [4], [5]]


def test_guidance_comes_with_a_negative_prompt_for_every_picture():
    settings = DiffusersSettings(model="m", negative_prompt="blurry")
    arguments = call_arguments(settings, checkpoint(), [request(), request("q")])
    assert arguments["true_cfg_scale"] == 4.0
    assert arguments["negative_prompt"] == ["blurry", "blurry"]
    off = call_arguments(DiffusersSettings(model="m", true_cfg_scale=1.0), checkpoint(), [request()])
    assert "negative_prompt" not in off


def test_only_what_was_set_is_passed_on():
    plain = call_arguments(DiffusersSettings(model="m"), checkpoint(default_true_cfg_scale=1.0), [request()])
    assert set(plain) == {"prompt", "width", "height", "true_cfg_scale", "output_type"}
    settings = DiffusersSettings(model="m", sigmas=(1.0, 0.5), num_inference_steps=2, max_sequence_length=64)
    arguments = call_arguments(settings, checkpoint(), [request()], source="picture")
    assert arguments["sigmas"] == [1.0, 0.5]
    assert arguments["image"] == ["picture"]
    assert arguments["max_sequence_length"] == 64
    assert "num_inference_steps" not in arguments


def test_a_guidance_distilled_checkpoint_needs_a_guidance_scale():
    distilled = checkpoint(guidance_embeds=True)
    with pytest.raises(ConfigError, match="needs a guidance_scale"):
        check_settings(DiffusersSettings(model="m"), distilled)
    check_settings(DiffusersSettings(model="m", guidance_scale=1.0), distilled)


@pytest.mark.parametrize(
    "settings",
    [
        {"sigmas": ()},
        {"sigmas": (1.0, 0.0)},
        {"sigmas": (0.5, 1.0)},
        {"sigmas": (float("nan"),)},
        {"sigmas": (1.0, 0.5), "num_inference_steps": 4},
        {"true_cfg_scale": 0.5},
        {"rgba_background": (0, 0, 256)},
        {"device": "cuda:x"},
        {"scheduler": {"shift_terminl": None}},
        {"scheduler": {"shift": None}},
        {"trust_remote_code": True},
    ],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        DiffusersSettings(model="m", **settings)


def test_only_given_scheduler_fields_replace_those_of_the_checkpoint():
    assert SchedulerSettings().overrides() == {}
    assert SchedulerSettings(shift_terminal=None, shift=3).overrides() == {"shift_terminal": None, "shift": 3.0}


def test_a_model_is_a_folder_beside_the_config_file_or_else_a_hub_id(tmp_path):
    (tmp_path / "weights").mkdir()
    validate = DiffusersSettings.model_validate
    assert validate({"model": "weights"}, context={"base": tmp_path}).model == str(tmp_path / "weights")
    assert validate({"model": "Qwen/Qwen-Image"}, context={"base": tmp_path}).model == "Qwen/Qwen-Image"


def test_alpha_is_composited_and_rounded_once():
    image = np.array([[[1.0, 0.0, 0.0, 0.25], [0.2, 0.4, 0.6, 1.0]]], dtype=np.float32)
    pixels, min_alpha = flatten(image, (0, 0, 255))
    assert pixels.tolist() == [[[64, 0, 191], [51, 102, 153]]]
    assert min_alpha == 0.25
    assert flatten(image[..., :3], (0, 0, 255)).min_alpha is None


@pytest.mark.parametrize("image", [np.full((2, 2, 3), np.nan), np.full((2, 2, 4), np.inf), np.zeros((2, 2))])
def test_an_array_that_is_not_a_picture_is_an_error(image):
    with pytest.raises(GenerationError):
        flatten(image, (255, 255, 255))


def test_nfe_counts_stacked_guidance_and_refuses_to_guess():
    count = EvaluationCount()
    count.calls, count.rows = 4, 4 * 2 * 3  # four calls, guided and unguided halves stacked, three pictures
    assert count.per_picture(3) == 8
    assert count.per_picture(5) is None


def test_foreign_text_becomes_one_short_printable_line_without_the_secret():
    assert clean("a\x1b[2J\n\u202eb\u2028c\u00a0d") == "a [2J b c d"
    assert clean("key sk-1 and sk-1", "sk-1") == "key *** and ***"
    assert clean("x" * 1000) == "x" * 299 + "…"
    assert "sk" not in clean("y" * 295 + "sk-secret", "sk-secret")  # taken out before the cut


def test_ensure_torchvision_lets_the_processors_be_imported_and_touches_nothing_else():
    code = """
        import sys
        from evalkit.compat.torchvision_cpu import ensure_torchvision
        assert "torch" not in sys.modules
        declared = ensure_torchvision()
        assert ensure_torchvision() == declared
        import torch, torchvision
        from transformers import Qwen3VLProcessor
        try:
            kept = torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
        except RuntimeError as error:
            assert declared and "Couldn't load custom C++ ops" in str(error)
        else:
            assert not declared and kept.tolist() == [0]
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
