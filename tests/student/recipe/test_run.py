"""A recipe from its file to a pipeline: exact resume, files on the way, the steps it was made for."""

import json
import shutil

import pytest
from safetensors.torch import load_file

from evalkit.api.errors import ConfigError
from evalkit.student.recipe.config import read_recipe
from evalkit.student.recipe.flow import sigma_grid
from evalkit.student.recipe.run import RecipeRunner
from tests.student.drawing import draw, generator, request
from tests.student.recipe.helpers import FlatData
from tests.student.recipe.recipes import distillation, teaching, write

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_sources")]


def runner(folder, recipe):
    folder.mkdir(exist_ok=True)
    return RecipeRunner(read_recipe(write(folder, recipe)), FlatData(), folder / "out")


def weights(folder):
    parts = [
        file for part in ("transformer", "text_encoder") for file in (folder / "model" / part).glob("*.safetensors")
    ]
    assert len(parts) == 2
    return {f"{file.parent.name}/{name}": tensor for file in parts for name, tensor in load_file(file).items()}


def assert_bit_equal(one, other):
    import torch

    one, other = weights(one), weights(other)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


RECIPES = {
    "distill": (distillation, {"autocast": True, "accumulate": 2}),
    "distill-lora": (distillation, {"lora": {"rank": 2}}),
    "teach": (teaching, {"optimizer": "muon", "autocast": True, "accumulate": 2}),
    "teach-lora": (teaching, {"lora": {"rank": 2}}),
}


@pytest.mark.parametrize("name", RECIPES)
def test_stopped_and_resumed_is_bit_equal_to_never_stopped(checkpoints, tmp_path, name):
    make, settings = RECIPES[name]
    recipe = make(checkpoints / "q21", steps=3, checkpoint_every=2, **settings)
    whole = runner(tmp_path / "whole", recipe)
    figures = list(whole.run())
    assert [row["step"] for row in figures] == [1, 2, 3]
    assert whole.finished

    parts = runner(tmp_path / "parts", recipe)
    done = []
    done.extend(parts.run(lambda: len(done) == 1))
    assert not parts.finished
    assert not (parts.out / "model").exists()
    again = runner(tmp_path / "parts", recipe)
    done += again.run()
    assert done == figures
    assert_bit_equal(whole.out, again.out)


def test_killed_between_checkpoints_it_repeats_steps_and_ends_the_same(checkpoints, tmp_path):
    recipe = distillation(checkpoints / "q21", "t2i", checkpoint_every=2)
    whole = runner(tmp_path / "whole", recipe)
    figures = list(whole.run())
    killed = runner(tmp_path / "killed", recipe)
    steps = killed.run()
    for _ in range(3):
        next(steps)
    steps.close()  # nothing after the third step happens, as with kill -9
    again = runner(tmp_path / "killed", recipe)
    assert [row["step"] for row in again.run()] == [3, 4]
    lines = [json.loads(line) for line in (again.out / "progress.jsonl").read_text().splitlines()]
    assert lines == figures
    assert_bit_equal(whole.out, again.out)
    assert list(again.run()) == []  # finished: nothing is done twice
    assert again.finished


def test_another_seed_is_another_student(checkpoints, tmp_path):
    import torch

    folders = []
    for seed in (0, 1):
        made = runner(tmp_path / str(seed), distillation(checkpoints / "q21", steps=1, seed=seed))
        list(made.run())
        folders.append(made.out)
    one, other = map(weights, folders)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_state_of_another_recipe_is_refused(checkpoints, tmp_path):
    list(runner(tmp_path / "a", distillation(checkpoints / "q21", steps=1)).run())
    others = (
        teaching(checkpoints / "q21"),
        distillation(checkpoints / "q21", lora={"rank": 2}),
        distillation(checkpoints / "q21", lr=0.5),
    )
    for recipe in others:
        with pytest.raises(ConfigError, match="does not fit this recipe") as caught:
            list(runner(tmp_path / "a", recipe).run())
        assert "--out" in caught.value.hint
    for broken in (b"cut off", b""):
        (tmp_path / "a" / "out" / "state.pt").write_bytes(broken)
        with pytest.raises(ConfigError, match="does not fit this recipe"):
            list(runner(tmp_path / "a", recipe).run())


@pytest.mark.parametrize("nfe", [1, 2, 4, 8])
def test_students_of_1_2_4_and_8_steps_draw_with_as_many_evaluations(checkpoints, tmp_path, nfe):
    recipe = distillation(checkpoints / "q21", "t2i", steps=1, grid={"nfe": nfe, "shift": 2.5})
    made = runner(tmp_path / "a", recipe)
    list(made.run())
    student = generator(made.out / "model", num_inference_steps=nfe, true_cfg_scale=1.0)
    (result,) = draw(student, request())
    assert result.nfe == nfe
    assert result.notes["sigmas"] == pytest.approx(sigma_grid(nfe, 2.5), abs=1e-4)


@pytest.mark.parametrize(("name", "mixture"), [("t2i", "t2i"), ("edit", "edit")])
def test_1_x_runs_from_the_same_recipe(checkpoints, tmp_path, name, mixture):
    recipe = distillation(checkpoints / name, mixture, steps=1, lora={"rank": 2}, gradient_checkpointing=True)
    made = runner(tmp_path / "a", recipe)
    list(made.run())
    assert generator(made.out / "model", num_inference_steps=4)._load().checkpoint.pipeline.startswith("QwenImage")
    index = json.loads((made.out / "model" / "scheduler" / "scheduler_config.json").read_text())
    assert (index["use_dynamic_shifting"], index["shift"], index["shift_terminal"]) == (False, 3.0, None)


def test_a_dynamic_shift_comes_with_the_student(checkpoints, tmp_path):
    grid = {"nfe": 4, "dynamic_shift": {"base": [4, 0.5], "most": [1024, 3.0]}, "shift_terminal": 0.1}
    recipe = distillation(checkpoints / "q21", "t2i", steps=1, grid=grid)
    made = runner(tmp_path / "a", recipe)
    list(made.run())
    asked = request()
    (result,) = draw(generator(made.out / "model", num_inference_steps=4, true_cfg_scale=1.0), asked)
    expected = made.recipe.grid.values((asked.case.width, asked.case.height))
    assert expected != pytest.approx(made.recipe.grid.values((256, 256)), abs=1e-2)
    assert result.notes["sigmas"] == pytest.approx(expected, abs=1e-4)


def test_sigmas_given_one_by_one_come_with_the_student(checkpoints, tmp_path):
    sigmas = [1.0, 0.8, 0.3]
    made = runner(tmp_path / "a", distillation(checkpoints / "q21", "t2i", steps=1, grid={"sigmas": sigmas}))
    list(made.run())
    (result,) = draw(generator(made.out / "model", true_cfg_scale=1.0), request())
    assert result.nfe == 3
    assert result.notes["sigmas"] == pytest.approx([*sigmas, 0.0], abs=1e-4)


def test_experts_and_sample_grids(checkpoints, tmp_path):
    from PIL import Image

    shutil.copytree(checkpoints / "q21", tmp_path / "expert")
    schedule = [{"teacher": "expert", "weight": 0.5, "steps": [0, 1], "tasks": ["edit"], "categories": ["dark"]}]
    recipe = distillation(checkpoints / "q21", "edit", steps=2, samples_every=1, schedule=schedule)
    made = runner(tmp_path / "a", recipe | {"teachers": {"expert": "../expert"}})
    list(made.run())
    for step in (1, 2):
        with Image.open(made.out / "samples" / f"{step:06d}.png") as picture:
            assert picture.size == (6 * 32, 4 * 2 * 32)  # sources stand above the results of edits


def test_bfloat16_weights_train_with_an_adapter(checkpoints, tmp_path):
    recipe = distillation(checkpoints / "q21", steps=1, dtype="bfloat16", lora={"rank": 2}, samples_every=1)
    (figures,) = runner(tmp_path / "a", recipe).run()
    assert figures["gradient"] > 0


def test_weights_can_be_saved_in_half_precision(checkpoints, tmp_path):
    import torch

    half = runner(tmp_path / "half", teaching(checkpoints / "q21", steps=1, save_as="float16"))
    list(half.run())
    assert {tensor.dtype for tensor in weights(half.out).values()} == {torch.float16}
    (drawn,) = draw(generator(half.out / "model"), request())
    assert drawn.image.std() > 0
