"""Metrics over whole sets: what they compare, what becomes of their figures, and what they may decide."""

import json
from pathlib import Path

import pytest

from evalkit.api.errors import ConfigError, UsageError
from evalkit.api.pictures import encode_png
from evalkit.api.results import MetricResult, RunSummary
from evalkit.config.load import load_config
from evalkit.engine.plan import assemble
from evalkit.engine.set_metrics import check_gates_on_metrics
from evalkit.formats.keys import from_json
from evalkit.store.run_reader import RunReader
from tests.evalkit.conftest import FAKES, Command

pytestmark = pytest.mark.slow

TEACHER = "fake-flat:level=100"
STUDENT = "fake-flat:level=180"


def config(folder: Path, **more: object) -> Path:
    """A config file; JSON is YAML."""
    given = {
        "benchmark": "fake-benchmark",
        "student": STUDENT,
        "teacher": TEACHER,
        "judges": ["fake-brightness"],
        "metrics": ["fake-set-brightness"],
        "out": "out",
        **more,
    }
    path = folder / "evalkit.yaml"
    path.write_text(json.dumps(given), encoding="utf-8")
    return path


def metric(**settings: object) -> dict[str, object]:
    return {"use": "fake-set-brightness", **settings}


def measured(folder: Path) -> dict[str, MetricResult]:
    with RunReader(folder / "out") as run:
        summary = from_json(RunSummary, run.meta("summary"))
    return {f"{r.role.value} {r.dimension.name}": r for r in summary.metrics}


def test_a_figure_goes_from_the_pictures_to_every_report(tmp_path: Path, evalkit: Command) -> None:
    done = evalkit("run", config(tmp_path))
    assert done.returncode == 0, done.stderr
    found = measured(tmp_path)["student fake.set_brightness"]
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(80 / 255)  # twins: the same noise
    assert (found.n_pictures, found.n_expected, found.n_reference, found.reference) == (6, 6, 6, "teacher")
    by_case = measured(tmp_path)["student fake.by_case"].estimate
    assert by_case is not None
    assert by_case.value == found.estimate.value
    assert 0.04 < by_case.value - by_case.low < 0.2  # ± 0.1 in six cases
    assert measured(tmp_path)["student fake.nothing"].reason == "the metric gave no figure"
    assert "fake.set_brightness" in done.stdout
    markdown = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "0.314 [0.304, 0.324]" in markdown.partition("Whole sets of pictures")[2]
    assert "fake.set_brightness" in (tmp_path / "out" / "report" / "index.html").read_text(encoding="utf-8")
    entries = json.loads((tmp_path / "out" / "leaderboard.json").read_text(encoding="utf-8"))["entries"]
    figures = {e["role"]: {m["dimension"]: m["value"] for m in e["metrics"]} for e in entries}
    assert figures["student"]["fake.set_brightness"] == pytest.approx(80 / 255)
    assert figures["teacher"] == {}
    obeys_its_schema(tmp_path / "out")


def obeys_its_schema(out: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema, board = (json.loads((out / f"leaderboard{end}").read_text("utf-8")) for end in (".schema.json", ".json"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(board)
    student = next(entry for entry in board["entries"] if entry["metrics"])
    student["metrics"][0]["rank"] = 1
    assert not validator.is_valid(board)


def test_a_pair_of_which_one_is_missing_is_left_out_on_both_sides(tmp_path: Path, evalkit: Command) -> None:
    evalkit(
        "run", config(tmp_path, teacher=f"{TEACHER},fail_on=flat/0003", metrics=[metric(log=str(tmp_path / "log"))])
    )
    assert (tmp_path / "log").read_text(encoding="utf-8") == "student 5 teacher 5 True\n"
    assert measured(tmp_path)["student fake.set_brightness"].n_expected == 6


@pytest.mark.nightly
def test_a_metric_may_be_added_to_a_finished_run_and_is_measured_once(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit("run", config(tmp_path, metrics=[])).returncode == 0
    assert measured(tmp_path) == {}
    log = tmp_path / "log"
    for _ in range(2):
        again = evalkit("run", config(tmp_path, metrics=[metric(log=str(log))]))
        assert again.returncode == 0, again.stderr
    assert len(log.read_text(encoding="utf-8").splitlines()) == 1
    assert measured(tmp_path)["student fake.set_brightness"].estimate is not None


@pytest.mark.parametrize(
    ("fail", "reason"),
    [
        ("unavailable", "the weights are gone (fake) (fetch them)"),
        ("bug", "ZeroDivisionError: a bug in the metric (fake)"),
    ],
)
def test_a_metric_that_fails_says_why_and_is_tried_again(
    tmp_path: Path, evalkit: Command, fail: str, reason: str
) -> None:
    assert evalkit("run", config(tmp_path, metrics=[metric(fail=fail)])).returncode == 0
    found = measured(tmp_path)["student fake.set_brightness"]
    assert (found.estimate, found.reason) == (None, reason)
    if fail == "unavailable":  # they were fetched: the same command goes on
        evalkit("run", config(tmp_path))
        assert measured(tmp_path)["student fake.set_brightness"].estimate is not None


@pytest.mark.nightly
def test_a_folder_as_reference_is_compared_with_both_roles(tmp_path: Path, evalkit: Command) -> None:
    import numpy as np

    (tmp_path / "real").mkdir()
    for i in range(3):
        (tmp_path / "real" / f"{i}.png").write_bytes(encode_png(np.full((8, 8, 3), 50 + i, np.uint8)))
    evalkit("run", config(tmp_path, metrics=[metric(reference="real")]))
    found = measured(tmp_path)
    for role in ("student", "teacher"):
        result = found[f"{role} fake.set_brightness"]
        assert (result.reference, result.n_reference, result.n_pictures) == ("folder real", 3, 6)
    (tmp_path / "real" / "9.png").write_bytes(b"no picture")
    evalkit("run", config(tmp_path, metrics=[metric(reference="real")]))
    result = measured(tmp_path)["student fake.set_brightness"]
    assert "9.png" in result.note
    assert result.estimate is not None, "one broken picture does not cost the figure"


@pytest.mark.parametrize(("bound", "code"), [(0.5, 0), (0.1, 1)])
def test_a_gate_on_a_figure(tmp_path: Path, evalkit: Command, bound: float, code: int) -> None:
    gates = [{"dimension": "fake.set_brightness", "max_value": bound}]
    assert evalkit("run", config(tmp_path, gates=gates)).returncode == code


def test_a_gate_on_a_figure_that_is_missing_decides_nothing(tmp_path: Path, evalkit: Command) -> None:
    gates = [{"dimension": "fake.set_brightness", "max_value": 0.5}]
    done = evalkit("run", config(tmp_path, gates=gates, metrics=[metric(fail="unavailable")]))
    assert done.returncode == 3
    assert "undecided" in done.stdout
    assert "the weights are gone" in done.stdout


def test_no_gate_on_fid_below_5000_pictures(tmp_path: Path, evalkit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    gates = [{"dimension": "fd-efficientnet-lite0", "max_value": 10}]
    done = evalkit("run", config(tmp_path, gates=gates, metrics=["fd-efficientnet-lite0"]))
    assert done.returncode == 2
    assert "no gate on `fd-efficientnet-lite0` below 5,000 pictures, and this run has 6" in done.stderr
    assert not list((tmp_path / "out" / "pictures").glob("*/*"))  # refused before anything was drawn
    monkeypatch.syspath_prepend(FAKES)
    plan = assemble(load_config(tmp_path / "evalkit.yaml", {}))
    check_gates_on_metrics(plan, 5000)
    with pytest.raises(ConfigError):
        check_gates_on_metrics(plan, 4999)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"teacher": None}, "`fake-set-brightness` has nothing to compare with"),
        ({"metrics": [metric(reference="nowhere")]}, "no such folder"),
        ({"metrics": ["fake-set-brightness", "fake-set-brightness"]}, "is given twice"),
        ({"metrics": ["fake-set-brightnes"]}, "did you mean `fake-set-brightness`?"),
        ({"gates": [{"dimension": "fake.set_brightness", "max_drop": 0.1}]}, "has no value of the teacher's own"),
        ({"gates": [{"dimension": "fake.set_brightness", "max_value": 1, "confidence": 0.9}]}, "95% interval"),
    ],
)
def test_what_can_not_work_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict, message: str
) -> None:
    monkeypatch.syspath_prepend(FAKES)
    with pytest.raises(UsageError) as caught:
        check_gates_on_metrics(assemble(load_config(config(tmp_path, **more), {})), 6)
    assert message in f"{caught.value} {caught.value.hint}"
