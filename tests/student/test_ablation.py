"""`evalkit student ablate`: arms of one budget, measured by ordinary runs, with paired differences."""

import json
import shutil

import pytest
import yaml

from evalkit.cli import main
from tests.student.recipe.recipes import distillation
from tests.student.test_student_command import flat, own_signals  # noqa: F401 (pytest finds fixtures by name)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_signals")]


@pytest.fixture
def plan(checkpoints, tmp_path, flat):  # noqa: F811 (fixture)
    recipe = distillation(str(checkpoints / "q21"), steps=1, batch_size=2)
    values = {
        "recipe": recipe,
        "arms": {"same": {}, "again": {}, "other": {"lr": 0.5}},
        "generator": {"num_inference_steps": 4, "true_cfg_scale": 1.0, "output_resolution": 128, "dtype": "float32"},
        "run": {"benchmark": "tiles:count=2,edit_share=0,categories=[shapes]", "judges": ["layout"], "cache": False},
        "dimensions": ["layout.placement"],
        "comparisons": [
            {
                "question": "Does the rate matter?",
                "claim": "Nobody says.",
                "reference": "same",
                "arms": ["again", "other"],
            }
        ],
    }

    def write(**changes):
        path = tmp_path / "plan.yaml"
        path.write_text(yaml.safe_dump(values | changes))
        return path

    return write


@pytest.mark.nightly
def test_arms_are_trained_measured_and_compared_once(plan, flat, capsys):  # noqa: F811 (fixture)
    path = plan()
    assert main(["student", "ablate", str(path)]) == 0
    out = capsys.readouterr().out
    assert "Does the rate matter?" in out
    assert "1 steps of 2 pictures, seed 0" in out
    folder = path.with_suffix("")
    result = json.loads((folder / "ablation.json").read_text())
    rows = {row["arm"]: row for row in result["differences"]}
    assert rows["again"]["interval"]["value"] == 0
    assert {row["verdict"] for row in rows.values()} == {"undecided"}  # two cases prove nothing
    drawn = flat.drawn
    assert drawn > 0
    assert main(["student", "ablate", str(path)]) == 0
    assert flat.drawn == drawn
    assert capsys.readouterr().out == out


@pytest.mark.nightly
def test_an_arm_whose_recipe_was_changed_is_not_compared_as_it_is(plan, flat, capsys):  # noqa: F811 (fixture)
    path = plan()
    folder = path.with_suffix("")
    assert main(["student", "ablate", str(path)]) == 0
    changed = plan(arms={"same": {}, "again": {}, "other": {"lr": 0.25, "steps": 2}})
    drawn = flat.drawn
    for _ in range(2):  # what was refused once is refused again
        assert main(["student", "ablate", str(changed)]) == 2
        assert "the recipe of the arm `other` has changed since it was trained" in capsys.readouterr().err
    assert flat.drawn == drawn
    shutil.rmtree(folder / "arms" / "other")
    shutil.rmtree(folder / "runs" / "other")
    assert main(["student", "ablate", str(changed)]) == 0
    assert flat.drawn > drawn
    one = "1 steps of 2 pictures, seed 0"
    budget = json.loads((folder / "ablation.json").read_text())["budget"]
    assert budget == f"`again` {one}; `other` 2 steps of 2 pictures, seed 0; `same` {one}"


def test_a_bug_leaves_its_traceback_in_the_folder(plan, flat, monkeypatch):  # noqa: F811 (fixture)
    def broken(*args, **kwargs):
        raise RuntimeError("a bug in the ablation (fake)")

    monkeypatch.setattr("evalkit.studies.ablation.run_ablation", broken)
    path = plan()
    path.with_suffix("").mkdir()
    assert main(["student", "ablate", str(path)]) == 70
    assert "a bug in the ablation (fake)" in (path.with_suffix("") / "traceback.txt").read_text()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"comparisons": [{"question": "?", "reference": "same", "arms": ["nobody"]}]}, "there is no arm `nobody`"),
        ({"arms": {"same": {}, "other": {"lr": -1}}}, "lr"),
        ({"budget": 3}, "budget"),
    ],
)
def test_an_impossible_plan_is_refused_with_the_reason(plan, flat, capsys, changes, said):  # noqa: F811 (fixture)
    path = plan(**{"comparisons": [{"question": "?", "reference": "same", "arms": ["other"]}], **changes})
    assert main(["student", "ablate", str(path)]) == 2
    assert said in capsys.readouterr().err
