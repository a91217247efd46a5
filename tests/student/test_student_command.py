"""`evalkit student` as it is called: distil, interrupt, go on, sample, card."""

import json
import os
import signal

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from evalkit.cli import main
from tests.student.recipe.helpers import FlatData
from tests.student.recipe.recipes import distillation, teaching, write

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_signals")]


@pytest.fixture
def own_signals():
    """The command takes SIGINT and SIGTERM for itself; pytest wants them back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def flat(monkeypatch):
    """The training data `flat`, as an installed plug-in would bring it; `interrupt_at` is a Ctrl-C at that picture."""
    from evalkit.plugins import registry as plugins

    class Data(FlatData):
        interrupt_at = None
        drawn = 0

        def example(self, rng, task, category):
            Data.drawn += 1
            if Data.drawn == Data.interrupt_at:
                os.kill(os.getpid(), signal.SIGINT)
            return super().example(rng, task, category)

    create = plugins.create
    monkeypatch.setattr(plugins, "create", lambda kind, spec: Data() if spec.use == "flat" else create(kind, spec))
    return Data


def student_weights(folder):
    (file,) = (folder / "model" / "transformer").glob("*.safetensors")
    return load_file(file)


def bit_equal(one, other):
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_an_interrupted_distillation_goes_on_where_it_stopped(checkpoints, tmp_path, flat, capfd):
    recipe = write(tmp_path, distillation(checkpoints / "q21"))
    assert main(["student", "distill", str(recipe), "--out", str(tmp_path / "whole")]) == 0
    out, err = capfd.readouterr()
    assert out.splitlines()[-1] == str(tmp_path / "whole" / "model")
    assert "4/4" in err
    assert "diversity" in err
    start = flat.drawn
    flat.interrupt_at = start + 300  # batches of 2 are chosen from 128 drawn at once
    assert main(["student", "distill", str(recipe)]) == 130
    err = capfd.readouterr().err
    assert "stopping after the current step" in err
    assert "stopped after step" in err
    assert "run the same command again to continue" in err
    assert not (tmp_path / "recipe" / "model").exists()
    assert 0 < len((tmp_path / "recipe" / "progress.jsonl").read_text().splitlines()) < 4
    assert main(["student", "distill", str(recipe)]) == 0
    rows = [json.loads(line) for line in (tmp_path / "recipe" / "progress.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert bit_equal(*(student_weights(tmp_path / name) for name in ("whole", "recipe")))


def test_interrupted_before_the_first_step_it_says_so(checkpoints, tmp_path, flat, capsys, monkeypatch):
    from evalkit.student.recipe import run

    load = run.load_pipeline
    monkeypatch.setattr(run, "load_pipeline", lambda *given: os.kill(os.getpid(), signal.SIGINT) or load(*given))
    recipe = write(tmp_path, teaching(checkpoints / "q21"))
    assert main(["student", "distill", str(recipe)]) == 130
    assert "stopped after step 0 of 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"guidence": 2.0}, ["unknown key `guidence`", "did you mean `guidance`?"]),
        ({"schedule": [{"teacher": "txt", "weight": 0.5}]}, ["the schedule names the teacher `txt`"]),
        ({"mixture": {"t2i": {"night": 1}}}, ["no category `night`"]),
        ({"grid": {"sigmas": [0.5, 1.0]}}, ["sigmas must fall strictly"]),
        ({"data": "tile"}, ["no training data named `tile`", "did you mean `tiles`?"]),
    ],
)
def test_a_wrong_recipe_is_exit_2_with_what_to_do(tmp_path, flat, capsys, change, words):
    assert main(["student", "distill", str(write(tmp_path, distillation("base") | change))]) == 2
    err = capsys.readouterr().err
    assert all(word in err for word in words), err
    assert "Traceback" not in err
    assert not (tmp_path / "recipe").exists()


def test_a_recipe_that_can_not_start_leaves_no_traceback(tmp_path, flat, capsys):
    assert main(["student", "distill", str(tmp_path / "none.yaml")]) == 2
    (tmp_path / "list.yaml").write_text("- 1\n")
    assert main(["student", "distill", str(tmp_path / "list.yaml")]) == 2
    assert main(["student", "distill", str(write(tmp_path, distillation("base")))]) == 3  # no weights there
    plain = tmp_path / "plain"
    plain.write_text(yaml.safe_dump(distillation("base")))
    assert main(["student", "distill", str(plain)]) == 2
    assert "give --out" in capsys.readouterr().err


def test_the_tiles_of_this_repository_train(checkpoints, tmp_path, capsys):
    mixture = {"edit_share": 0, "t2i": {"text": 1, "portrait": 1}}
    recipe = distillation(checkpoints / "q21", steps=1, data="tiles", grid={"nfe": 1}) | {"mixture": mixture}
    assert main(["student", "distill", str(write(tmp_path, recipe))]) == 0
    # this tiny encoder makes 64 px of a source picture, whatever it is given
    recipe["mixture"] = {"edit_share": 1, "t2i": {"text": 1}}
    assert main(["student", "distill", str(write(tmp_path, recipe, "edit"))]) == 2
    assert "the encoder of this checkpoint resizes 128x128 px" in capsys.readouterr().err


@pytest.mark.nightly
def test_sample_draws_with_a_folder_of_weights(checkpoints, tmp_path, capsys):
    from PIL import Image

    model = str(checkpoints / "q21")
    for name, rest in (("a", []), ("b", ["--seed", "1"]), ("again", [])):
        file = tmp_path / "new" / f"{name}.png"
        arguments = ["student", "sample", "a cat", "-m", model, "--size", "64", "--out", str(file), *rest]
        assert main(arguments) == 0
        out = capsys.readouterr().out
        assert out.splitlines()[-1] == str(file)
        assert "40 NFE" in out
    pictures = {name: np.asarray(Image.open(tmp_path / "new" / f"{name}.png")) for name in ("a", "b", "again")}
    assert pictures["a"].shape == (64, 64, 3)
    assert np.array_equal(pictures["a"], pictures["again"])
    assert not np.array_equal(pictures["a"], pictures["b"])


def test_sample_edits_a_picture(checkpoints, tmp_path, capsys):
    from PIL import Image

    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(tmp_path / "source.png")
    model = f"diffusers:{checkpoints / 'q21'},num_inference_steps=4,output_resolution=64"
    arguments = ["student", "sample", "make it dark", "-m", model, "--size", "64", "--out", str(tmp_path / "a.png")]
    assert main([*arguments, "--source", str(tmp_path / "source.png")]) == 0
    assert "4 NFE" in capsys.readouterr().out
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    assert main([*arguments, "--source", str(tmp_path / "broken.png")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_sample_is_of_the_size_the_preset_was_made_for(tmp_path, capsys):
    from PIL import Image

    file = tmp_path / "a.png"
    arguments = ["student", "sample", 'Poster "TEA" in red in the first row on white.', "--out", str(file)]
    for model, nfe in (([], 4), (["-m", "flash-mini:num_inference_steps=2"], 2)):
        assert main([*arguments, *model]) == 0
        assert capsys.readouterr().out.startswith(f"{nfe} NFE")
        assert Image.open(file).size == (128, 128)


def test_sample_names_the_nearest_model(capsys):
    assert main(["student", "sample", "a cat", "-m", "qwen-image-flsh"]) == 2
    assert "did you mean `qwen-image-flash`?" in capsys.readouterr().err


def test_card_prints_the_card_or_says_there_is_none(checkpoints, tmp_path, capsys):
    assert main(["student", "card", str(checkpoints / "q21")]) == 2
    err = capsys.readouterr().err
    assert "has no model card" in err
    assert "README.md" in err
    (tmp_path / "README.md").write_text("# a card\n")
    assert main(["student", "card", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "# a card\n\n"
