"""A wrong recipe is refused before anything is loaded, and the message names the nearest right word."""

import pytest

from evalkit.api.errors import ConfigError
from evalkit.api.records import Task
from evalkit.student.recipe.config import Mixture, read_recipe
from evalkit.student.recipe.run import RecipeRunner
from tests.student.recipe.helpers import FlatData
from tests.student.recipe.recipes import distillation, teaching, write


def refused(folder, recipe):
    with pytest.raises(ConfigError) as caught:
        RecipeRunner(read_recipe(write(folder, recipe)), FlatData(), folder / "out")
    return f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fake_updats": 2}, ["unknown key `fake_updats`", "did you mean `fake_updates`?"]),
        ({"grid": {"nfe": 4, "shft": 3}}, ["unknown key `grid.shft`", "did you mean `shift`?"]),
        (
            {"mixture": {"edit_share": 0.5, "t2i": {"dark": 1}, "edits": {}}},
            ["`mixture.edits`", "did you mean `edit`?"],
        ),
        ({"grid": {"nfe": 4, "sigmas": [1, 0.5]}}, ["give either `nfe` or `sigmas`"]),
        ({"grid": {}}, ["give either `nfe` or `sigmas`"]),
        ({"grid": {"nfe": 4, "shift": 2, "dynamic_shift": {}}}, ["give either `shift` or `dynamic_shift`"]),
        ({"grid": {"sigmas": [1, 0.5], "shift": 2}}, ["`shift` has no effect when `sigmas` is given"]),
        ({"grid": {"sigmas": [1, 0.5, 0.5]}}, ["sigmas must fall strictly"]),
        ({"grid": {"sigmas": [1, 0.5, 0.7]}}, ["sigmas must fall strictly"]),
        ({"grid": None}, ["a distillation needs `grid`"]),
        ({"schedule": [{"teacher": "txt", "weight": 0.5}]}, ["the schedule names the teacher `txt`"]),
        ({"schedule": [{"teacher": "text", "weight": 1.5}], "teachers": {"text": "."}}, ["less than or equal to 1"]),
        (
            {"schedule": [{"teacher": "text", "weight": 0.5, "steps": [4]}], "teachers": {"text": "."}},
            ["applies at step 4, but the student has 4 steps"],
        ),
        (
            {"schedule": [{"teacher": "text", "weight": weight} for weight in (0.6, 0.8)], "teachers": {"text": "."}},
            ["the weights sum to 1.4, above 1, at step 0"],
        ),
        (
            {"schedule": [{"teacher": "a", "weight": 0.5, "categories": ["drak"]}], "teachers": {"a": "."}},
            ["no category `drak`", "dark, light"],
        ),
        (
            {"schedule": [{"teacher": "base", "weight": 0.5}], "teachers": {"base": "."}},
            ["the name `base` belongs to the base teacher"],
        ),
        ({"mixture": {"edit_share": 0.0, "t2i": {"drak": 1}}}, ["no category `drak`", "dark, light"]),
        ({"mixture": {"t2i": {"dark": 1}}}, ["no category `shapes`"]),  # the default edits are of another data set
        ({"mixture": {"t2i": {"dark": 0}}}, ["one of them must be above 0"]),
        ({"mixture": {"t2i": {"dark": 1, "light": -1}}}, ["must not be negative"]),
        ({"steps": 0}, ["greater than or equal to 1"]),
        ({"lr": -1}, ["greater than 0"]),
    ],
)
def test_a_wrong_distillation_is_explained(tmp_path, change, words):
    said = refused(tmp_path, distillation("base") | change)
    assert all(word in said for word in words), said


def test_a_key_of_the_other_kind_is_refused(tmp_path):
    message = "a recipe of kind `teach` does not use `fake_lr`"
    assert message in refused(tmp_path, teaching("base", fake_lr=1e-4, teachers={}))
    message = "a recipe of kind `distill` does not use `unconditional`"
    assert message in refused(tmp_path, distillation("base", unconditional=0.2))


def test_categories_that_cannot_be_edited_are_refused_before_training(tmp_path):
    class DataWithoutLightEdits(FlatData):
        def example(self, rng, task, category):
            if task is Task.EDIT and category == "light":
                raise ValueError("no edit of a light scene")
            return super().example(rng, task, category)

    with pytest.raises(ConfigError, match="no edit of a light scene") as caught:
        RecipeRunner(read_recipe(write(tmp_path, distillation("base"))), DataWithoutLightEdits(), tmp_path / "out")
    assert "remove `light`" in caught.value.hint


@pytest.mark.parametrize(("name", "mixture", "task"), [("t2i", "both", "edit"), ("edit", "both", "t2i")])
def test_1_x_pipelines_train_their_one_task(checkpoints, tmp_path, name, mixture, task):
    runner = RecipeRunner(
        read_recipe(write(tmp_path, distillation(checkpoints / name, mixture))), FlatData(), tmp_path / "out"
    )
    with pytest.raises(ConfigError, match=f"can't do {task}"):
        next(runner.run())


def test_tasks_and_categories_that_are_never_drawn_need_no_data():
    assert Mixture(edit_share=0, t2i={"a": 1, "b": 0}).categories() == {Task.T2I: ["a"]}
    assert Mixture(edit_share=1, t2i={"a": 1}, edit={"b": 1}).categories() == {Task.EDIT: ["b"]}
    early = Mixture(edit_share=1, t2i={"a": 1}, edit={"b": 1}, early_batches=5, early_edit_share=0)
    assert early.categories() == {Task.T2I: ["a"], Task.EDIT: ["b"]}


def test_paths_are_relative_to_the_recipe(tmp_path):
    recipe = read_recipe(write(tmp_path, distillation("models/base", teachers={"text": "models/text"})))
    assert recipe.base == tmp_path / "models" / "base"
    assert recipe.teachers == {"text": tmp_path / "models" / "text"}


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_the_task_mixture_is_the_one_asked_for(share):
    from evalkit.student.recipe.batches import Batches

    class Tokenizer:
        def __call__(self, prompts, **_):
            return {"input_ids": [[0] * 3 for _ in prompts]}

    weights = {"dark": 3.0, "light": 1.0}
    mixture = Mixture(edit_share=share, t2i=weights, edit=weights)
    made = Batches(FlatData(), mixture, Tokenizer(), 4, seed=0)
    drawn = [made[number] for number in range(300)]
    assert sum(batch.task is Task.EDIT for batch in drawn) / 300 == pytest.approx(share, abs=0.06)
    dark = sum(example.category == "dark" for batch in drawn for example in batch.examples) / 1200
    assert dark == pytest.approx(0.75, abs=0.05)
    again = made[17]
    assert (again.task, again.prompts) == (drawn[17].task, drawn[17].prompts)
    halves = [Batches(FlatData(), mixture, Tokenizer(), 4, 0, 0.0, r, 2) for r in (0, 1)]
    assert [halves[n % 2][n // 2].prompts for n in range(10)] == [batch.prompts for batch in drawn[:10]]
