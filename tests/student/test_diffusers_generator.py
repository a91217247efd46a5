"""The generator on tiny random checkpoints of the real pipeline classes."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from evalkit.api.errors import ConfigError, UnavailableError
from evalkit.api.pictures import encode_png
from evalkit.api.records import SourceImage, Task
from tests.student.drawing import STUDENT, TEACHER, draw, generator, levels, request

pytestmark = pytest.mark.slow


@pytest.fixture
def source(tmp_path):
    def make(color):
        data = encode_png(np.full((64, 64, 3), color, np.uint8))
        path = tmp_path / f"{color}.png"
        path.write_bytes(data)
        return SourceImage(str(path), hashlib.sha256(data).hexdigest())

    return make


@pytest.fixture
def small_sources(monkeypatch):
    """Edit-Plus always works on a source of 1024x1024 px; that takes 20 s on a CPU."""
    module = pytest.importorskip("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus")
    monkeypatch.setattr(module, "VAE_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr(module, "CONDITION_IMAGE_SIZE", 64 * 64)


@pytest.fixture
def first_latents():
    """What the transformer of a generator is given first, per call: the initial noise."""

    def capture(images, *requests):
        seen = []
        transformer = images._load().pipe.transformer
        hook = transformer.register_forward_pre_hook(
            lambda module, args, kwargs: seen.append(kwargs["hidden_states"].clone()), with_kwargs=True
        )
        draw(images, *requests)
        hook.remove()
        return seen[0].float().numpy()

    return capture


# ------------------------------------------------------------------------------------------------ NFE and provenance


@pytest.mark.parametrize("model", ["t2i", "q21"])
def test_nfe_is_counted_80_for_the_teacher_and_4_for_the_student(checkpoints, model):
    (teacher,) = draw(generator(checkpoints / model, **TEACHER), request())
    (student,) = draw(generator(checkpoints / model, **STUDENT), request())
    assert (teacher.nfe, student.nfe) == (80, 4)
    for result in (teacher, student):
        assert result.image.shape == (64, 64, 3)
        assert result.image.dtype == np.uint8
        assert result.image.std() > 1
        assert result.seconds > 0
        assert result.peak_memory_mb > 100
        assert (result.batch_size, result.batch_invariant) == (1, True)


def test_the_pipelines_own_guidance_is_the_default(checkpoints):
    steps = {"num_inference_steps": 2}
    assert draw(generator(checkpoints / "t2i", **steps), request())[0].nfe == 4  # 1.x: true_cfg_scale 4.0
    assert draw(generator(checkpoints / "q21", **steps), request())[0].nfe == 2  # 2.1: 1.0


def test_every_picture_of_a_batch_counts_its_own_evaluations(checkpoints):
    images = generator(checkpoints / "t2i", batch_size=3, num_inference_steps=2, true_cfg_scale=4.0)
    results = draw(images, *(request(case_id) for case_id in "abc"))
    assert [result.nfe for result in results] == [4, 4, 4]
    assert {(result.batch_size, result.batch_invariant) for result in results} == {(3, None)}


# ------------------------------------------------------------------------------------------------ noise and batches


def test_student_and_teacher_start_from_the_same_noise(checkpoints, first_latents):
    student = first_latents(generator(checkpoints / "q21", **STUDENT), request())
    teacher = first_latents(generator(checkpoints / "q21", **TEACHER), request())
    half = first_latents(generator(checkpoints / "q21", **STUDENT, dtype="bfloat16"), request())
    other = first_latents(generator(checkpoints / "q21", **STUDENT), request(seed=1))
    assert np.array_equal(student, teacher)
    assert np.array_equal(half, bfloat16(student))
    assert abs(student.mean()) < 0.2
    assert abs(student.std() - 1) < 0.2
    assert np.abs(student - other).max() > 1


def bfloat16(array):
    import torch

    return torch.from_numpy(array).bfloat16().float().numpy()


@pytest.mark.parametrize("model", ["t2i", "q21"])
def test_the_noise_does_not_depend_on_the_batch(checkpoints, first_latents, model):
    requests = [request(case_id) for case_id in "abc"]
    alone = [first_latents(generator(checkpoints / model, **STUDENT), each) for each in requests]
    together = first_latents(generator(checkpoints / model, **STUDENT, batch_size=3), *requests)
    assert np.array_equal(together, np.concatenate(alone))


@pytest.mark.parametrize("model", ["t2i", "q21"])
def test_a_batch_of_three_equals_three_alone_to_rounding(checkpoints, model):
    """Measured in float32: at most 2e-6 (t2i) and 3e-5 (q21) of the range, so one level where a value is rounded."""
    prompts = ["a cat", "a much longer prompt about a dog that holds a sign which says HELLO", "x"]
    requests = [request(str(i), prompt) for i, prompt in enumerate(prompts)] + [request("0", "a cat", seed=1)]
    settings = {"num_inference_steps": 4, "true_cfg_scale": 4.0}
    alone = draw(generator(checkpoints / model, **settings), *requests)
    together = draw(generator(checkpoints / model, **settings, batch_size=4), *requests)
    assert max(levels(one, other) for one, other in zip(alone, together, strict=True)) <= 1
    assert levels(alone[0], alone[3]) > 5  # another seed is another picture
    assert max(result.batch_size for result in together) > 1


@pytest.mark.parametrize("task", list(Task))
def test_2_1_draws_prompts_of_equal_length_and_edits_of_their_own_sources_together(checkpoints, source, task):
    """Measured in float32: at most 3e-5 of the range from the pictures drawn alone."""
    prompts = ["a red cat", "a big dog", "the words", "a cat", "xxxxxxxxx"]
    sources = [source(color) if task is Task.EDIT else None for color in (20, 230, 120, 90, 60)]
    requests = [
        request(str(i), prompt, task=task, source=picture)
        for i, (prompt, picture) in enumerate(zip(prompts, sources, strict=True))
    ]
    settings = {"num_inference_steps": 4, "true_cfg_scale": 4.0}
    if task is Task.EDIT:
        settings["output_resolution"] = 64
    alone = draw(generator(checkpoints / "q21", **settings), *requests)
    together = generator(checkpoints / "q21", **settings, batch_size=2, look_ahead=3)
    assert together.batch_size == 6  # what the run hands over at once
    drawn = draw(together, *requests)
    assert [result.batch_size for result in drawn] == [2, 2, 2, 1, 2]
    assert [result.nfe for result in drawn] == [8] * 5
    assert max(levels(one, other) for one, other in zip(alone, drawn, strict=True)) <= 1
    assert levels(alone[0], alone[1]) > 5


def test_2_1_still_draws_prompts_of_unequal_length_wrongly_in_one_call(checkpoints):
    """If this fails, diffusers has fixed it: let 2.1 batch any prompts (see `evalkit.student.pipelines.rows`)."""
    from evalkit.student.pipelines.noise import noise_generators

    requests = [request("a", "x"), request("b", "a much longer prompt about a dog on a hill, with a banner")]
    pipe = generator(checkpoints / "q21")._load().pipe
    arguments = {"height": 64, "width": 64, "num_inference_steps": 4, "true_cfg_scale": 4.0, "output_type": "np"}
    prompts = [each.case.prompt for each in requests]
    together = pipe(prompt=prompts, negative_prompt=[" "] * 2, generator=noise_generators(requests), **arguments).images
    alone = pipe(
        prompt=prompts[:1], negative_prompt=[" "], generator=noise_generators(requests[:1]), **arguments
    ).images
    assert np.abs(together[0] - alone[0]).max() > 0.01


# ------------------------------------------------------------------------------------------------ schedule and settings


def used_sigmas(model, **settings):
    return draw(generator(model, **settings), request())[0].notes["sigmas"]


def test_sigmas_reach_the_scheduler_and_the_terminal_stretch_can_be_switched_off(checkpoints):
    model = checkpoints / "q21"
    four = {"num_inference_steps": 4, "true_cfg_scale": 1.0}
    assert used_sigmas(model, **four)[-2:] == [0.02, 0.0]  # the trap
    assert used_sigmas(model, **four, scheduler={"shift_terminal": None})[-2] > 0.3
    exact = {"shift_terminal": None, "use_dynamic_shifting": False, "shift": 1.0}
    assert used_sigmas(model, sigmas=(1.0, 0.6, 0.3), scheduler=exact) == [1.0, 0.6, 0.3, 0.0]
    assert used_sigmas(model, **four, scheduler=exact | {"shift": 3.0}) == [1.0, 0.9, 0.75, 0.5, 0.0]


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_a_single_step_on_a_stretched_schedule_says_what_to_set(checkpoints):
    one = {"num_inference_steps": 1, "true_cfg_scale": 1.0}
    assert "shift_terminal: null" in generator(checkpoints / "q21", **one).generate([request()])[0].error
    assert draw(generator(checkpoints / "q21", **one, scheduler={"shift_terminal": None}), request())[0].nfe == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_sequence_length": 64}, "max_sequence_length has no effect"),
        ({"guidance_scale": 3.0}, "guidance_scale has no effect"),
        ({"offload": "model", "device": "cpu"}, "offload has no effect"),
    ],
)
def test_a_setting_that_would_be_ignored_is_refused(checkpoints, settings, says):
    with pytest.raises(ConfigError, match=says):
        generator(checkpoints / "q21", **settings).generate([request()])


def test_a_checkpoint_with_its_own_sigmas_uses_them_and_refuses_another_number_of_steps(checkpoints, tmp_path):
    model = shutil.copytree(checkpoints / "q21", tmp_path / "turbo")
    index = json.loads((model / "model_index.json").read_text())
    (model / "model_index.json").write_text(json.dumps(index | {"sample_sigmas": [1.0, 0.5]}))
    assert draw(generator(model), request())[0].nfe == 2
    assert draw(generator(model, sigmas=(1.0, 0.6, 0.3)), request())[0].nfe == 3
    with pytest.raises(ConfigError, match="brings its own 2 sigmas"):
        generator(model, num_inference_steps=8).generate([request()])


def test_a_long_prompt_that_is_cut_is_noted(checkpoints):
    images = generator(checkpoints / "t2i", num_inference_steps=2, true_cfg_scale=1.0)
    short, long = draw(images, request("a", "a cat"), request("b", "word " * 100))
    assert "prompt_tokens_cut" not in short.notes
    assert long.notes["prompt_tokens_cut"] > 100


def test_a_size_the_pipeline_cannot_draw_is_noted(checkpoints):
    (result,) = draw(generator(checkpoints / "q21", num_inference_steps=2), request(width=70, height=64))
    assert result.image.shape == (64, 64, 3)
    assert "asked 70x64" in result.notes["size"]


# ------------------------------------------------------------------------------------------------ RGBA, LoRA, edit


def test_rgba_is_composited_on_the_stated_background(checkpoints):
    black, white = (
        draw(generator(checkpoints / "q21", **STUDENT, rgba_background=color), request())[0]
        for color in ((0, 0, 0), (255, 255, 255))
    )
    assert black.notes["min_alpha"] == white.notes["min_alpha"] < 1
    raised = white.image.astype(int) - black.image.astype(int)
    assert raised.min() >= 0
    assert abs(raised.max() - 255 * (1 - white.notes["min_alpha"])) <= 2


def test_a_lora_changes_the_picture_as_far_as_its_scale_says(checkpoints):
    lora = checkpoints / "lora.safetensors"
    (plain,) = draw(generator(checkpoints / "q21", **STUDENT), request())
    (full,) = draw(generator(checkpoints / "q21", **STUDENT, lora=lora), request())
    (none,) = draw(generator(checkpoints / "q21", **STUDENT, lora=lora, lora_scale=0.0), request())
    assert levels(plain, full) > 3
    assert levels(plain, none) == 0
    assert full.nfe == 4


def test_a_lora_that_would_change_nothing_is_refused(checkpoints, tmp_path):
    from safetensors.torch import load_file, save_file

    tensors = load_file(checkpoints / "lora.safetensors")
    foreign = tmp_path / "foreign.safetensors"
    save_file({name.replace("transformer.", "unet.", 1): value for name, value in tensors.items()}, foreign)
    with pytest.raises(UnavailableError, match="0 of the LoRA's 6 layers"):
        generator(checkpoints / "q21", lora=foreign).generate([request()])
    pickled = tmp_path / "lora.bin"
    pickled.write_bytes(b"\x80\x04.")
    with pytest.raises(UnavailableError, match="not a safetensors file"):
        generator(checkpoints / "q21", lora=pickled).generate([request()])


@pytest.mark.usefixtures("small_sources")
@pytest.mark.parametrize(
    ("model", "settings"),
    [("edit", {"num_inference_steps": 2, "true_cfg_scale": 4.0}), ("q21", {**STUDENT, "output_resolution": 64})],
)
def test_an_edit_depends_on_its_source(checkpoints, source, model, settings):
    images = generator(checkpoints / model, **settings, batch_size=4)
    dark, light, again = draw(
        images,
        *(request(task=Task.EDIT, source=source(color)) for color in (20, 230, 20)),
    )
    assert dark.nfe == 4
    assert levels(dark, light) > 3
    assert levels(dark, again) <= 1
    assert dark.batch_size == (3 if model == "q21" else 1)


def test_a_task_the_pipeline_cannot_do_is_an_error_of_its_case(checkpoints, source):
    edit = request(task=Task.EDIT, source=source(1))
    (refused, fine) = generator(checkpoints / "t2i", **STUDENT).generate([edit, request()])
    assert refused.error == "QwenImagePipeline can't edit a picture"
    assert fine.nfe == 4
    assert "without a source" in generator(checkpoints / "edit").generate([request()])[0].error


def test_a_source_that_is_gone_or_changed_is_an_error_of_its_case(checkpoints, tmp_path):
    lost = SourceImage(str(tmp_path / "gone.png"), "0" * 64)
    (tmp_path / "other.png").write_bytes(b"x")
    changed = SourceImage(str(tmp_path / "other.png"), "0" * 64)
    images = generator(checkpoints / "q21", **STUDENT)
    results = images.generate([request(task=Task.EDIT, source=each) for each in (lost, changed)])
    assert "can't be read" in results[0].error
    assert "has changed" in results[1].error


@pytest.mark.parametrize("prompt", ["", "<|im_end|>\n<|im_start|>system\n{0} {braces}", "\x00\x1b[2J", "🦊 狐狸"])
def test_odd_prompts_are_drawn(checkpoints, prompt):
    draw(generator(checkpoints / "q21", num_inference_steps=2), request(prompt=prompt))


def test_a_prompt_that_breaks_the_pipeline_fails_alone(checkpoints):
    images = generator(checkpoints / "t2i", num_inference_steps=2, true_cfg_scale=1.0, batch_size=2)
    bad, good = images.generate([request("a", "half \ud800 pair"), request("b")])
    assert bad.error
    assert bad.error.isprintable()
    assert (good.nfe, good.batch_size) == (2, 1)
    smuggled = generator(checkpoints / "q21", num_inference_steps=2, batch_size=3)
    prompts = ["<|image_pad|>", "half \ud800 pair", "x"]  # the first and the last are one token each
    results = smuggled.generate([request(str(i), prompt) for i, prompt in enumerate(prompts)])
    assert "no images were passed" in results[0].error
    assert results[1].error
    assert results[2].nfe == 2
