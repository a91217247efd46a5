"""`evalkit judge calibrate` through the real command: what it says of labels that are right, wrong, few or hostile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from evalkit.api.errors import ConfigError
from evalkit.api.records import Role
from evalkit.studies.calibrate.run import calibrate
from evalkit.studies.calibrate.schema import PUBLISHED, make_schema, schema_text
from tests.evalkit.calibrated_run import COUNT, RUN, Entry, entries, truth, wins, write
from tests.evalkit.conftest import FAKES, Command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a teacher, made once."""
    folder = tmp_path_factory.mktemp("calibrated")
    environment = {**os.environ, "PYTHONPATH": str(FAKES), "EVALKIT_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "evalkit", *RUN],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "run"


def figures(found: Any) -> dict[str, Any]:
    return {each.measure: each for each in found.agreement}


def test_the_schemas_are_those_of_the_records() -> None:
    for name in PUBLISHED:
        assert json.loads(schema_text(name)) == make_schema(name), "run `python -m evalkit.studies.calibrate.schema`"
        jsonschema.Draft202012Validator.check_schema(make_schema(name))


def test_two_people_and_a_judge_that_sees_what_they_see(run: Path, tmp_path: Path, evalkit: Command) -> None:
    half = range(0, COUNT, 2)
    ann = write(tmp_path / "ann.json", "Ann", entries(run, half, 0.35, 1))
    bob = write(tmp_path / "bob.json", "Bob", entries(run, half, 0.35, 2)[:50])
    done = evalkit("judge", "calibrate", ann, bob, "--run", run, "--out", tmp_path / "c.json")
    assert done.returncode == 0, done.stderr
    assert "130 labels by 2 people on 80 pictures of 40 cases" in done.stdout
    content = json.loads((tmp_path / "c.json").read_text("utf-8"))
    jsonschema.validate(content, json.loads((tmp_path / "calibration.schema.json").read_text("utf-8")))
    (found,) = content["dimensions"]
    measures = {each["measure"]: each for each in found["agreement"]}
    assert measures["rank_correlation"]["judge"] > 0.75
    assert measures["alpha_ordinal"]["judge"] > 0.75
    assert 0.6 < measures["alpha_ordinal"]["people"] < 0.98
    assert measures["kappa"]["baseline"] == 0
    for name in ("alpha_ordinal", "kappa", "rank_correlation"):
        around = measures[name]["judge_interval"]
        assert around["low"] < measures[name]["judge"] < around["high"], "forty cases leave some doubt"
        assert 0.05 < width(around) < 0.5
    assert measures["same_level"]["judge"] > measures["same_level"]["baseline"]
    assert measures["pairwise_accuracy"]["judge"] > 0.7
    assert found["mapped"]["mapping"]["kind"] == "ordinal", "fewer than 200 labelled pictures"
    assert found["mapped"]["error"] < 0.6 * found["mapped"]["error_of_mean"]
    estimates = {each["of"]: each for each in found["estimates"]}
    for role in Role:
        each = estimates[role.value]
        assert each["estimate"]["low"] <= truth(run, role, 0.35)
        assert each["estimate"]["high"] >= truth(run, role, 0.35)
        assert each["n_judged"] == COUNT
        assert each["estimate"]["n"] == 40
    student = estimates["student"]
    assert width(student["estimate"]) < 0.85 * width(student["labels_only"]), "the judge adds much"
    change = estimates["student - teacher"]["estimate"]
    assert change["low"] <= truth(run, Role.STUDENT, 0.35) - truth(run, Role.TEACHER, 0.35)
    assert change["high"] < 0, "the student is darker"
    gate = found["pass_fail"]
    assert gate["false_pass"]["value"] < 0.35
    assert gate["false_pass"]["low"] <= gate["false_pass"]["value"] <= gate["false_pass"]["high"]
    assert gate["pass_rate_rogan_gladen"]["value"] == pytest.approx(gate["pass_rate"]["value"], abs=0.15)


def width(interval: Entry) -> float:
    return float(interval["high"] - interval["low"])


def test_a_judge_that_sees_something_else_is_called_useless(run: Path, tmp_path: Path) -> None:
    labels = entries(run, range(0, COUNT, 2), 0.0, 1)
    values = [label["value"] for label in labels]
    shift = len(values) // 2 + 1
    for label, value in zip(labels, values[shift:] + values[:shift], strict=True):
        label["value"] = value  # the same levels, of other pictures
    (found,) = calibrate([write(tmp_path / "x.json", "X", labels)], run, pass_level=0.75).dimensions
    measures = figures(found)
    assert abs(measures["rank_correlation"].judge) < 0.3
    assert measures["alpha_ordinal"].judge < 0.3
    assert found.mapped
    assert found.mapped.error > 0.85 * found.mapped.error_of_mean, "nothing is learnt from its scores"
    assert measures["alpha_ordinal"].people is None, "one person is no ceiling"
    for each in found.estimates:
        assert each.estimate.high - each.estimate.low < 1.15 * (each.labels_only.high - each.labels_only.low)


def test_yes_and_no_and_pairs(run: Path, tmp_path: Path) -> None:
    labels = entries(run, range(0, COUNT, 2), 0.2, 1)
    pairs = []
    for student, teacher in zip(labels[::2], labels[1::2], strict=True):
        first, second = (student, teacher) if len(pairs) % 2 else (teacher, student)
        better = first["value"] - second["value"]
        value = "tie" if better == 0 else "a" if better > 0 else "b"
        pictures = [*first["pictures"], *second["pictures"]]
        pairs.append({**student, "kind": "pairwise", "pictures": pictures, "value": value})
    for label in labels:
        label |= {"kind": "yesno", "value": "yes" if label["value"] >= 3 else "no"}
    found = {
        each.kind: each
        for each in calibrate([write(tmp_path / "l.json", "L", labels + pairs)], run, pass_level=0.75).dimensions
    }
    assert found["yesno"].pass_fail
    assert found["yesno"].pass_fail.false_pass
    assert found["yesno"].pass_fail.false_pass.value < 0.3
    (win,) = found["pairwise"].estimates
    assert win.of == "pairs"
    assert win.estimate.low is not None
    assert win.estimate.high is not None
    assert win.estimate.low <= wins(run, 0.2) <= win.estimate.high
    assert win.worth
    assert win.worth > 50, "40 pairs, and a judge that helps"
    assert figures(found["pairwise"])["rank_correlation"].judge > 0.6
    assert found["pairwise"].pass_fail is None


def test_too_few_labels_say_nothing(run: Path, tmp_path: Path, evalkit: Command) -> None:
    few = write(tmp_path / "few.json", "Ann", entries(run, range(8), 0.1, 1))
    done = evalkit("judge", "calibrate", few, "--run", run)
    assert done.returncode == 3
    assert "too few labels: 16 labelled pictures of 8 cases; at least 20 of 10 are needed" in done.stdout
    assert "kappa" not in done.stdout
    none = write(tmp_path / "none.json", "Ann", [])
    assert evalkit("judge", "calibrate", none, "--run", run).returncode == 3


def test_pictures_picked_by_hand_say_nothing_of_the_others(run: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "l.json", "Ann", entries(run, range(30), 0.3, 1), lambda content: content.pop("sampling"))
    (found,) = calibrate([path], run, pass_level=0.75).dimensions
    assert found.agreement
    assert found.estimates == ()
    assert "not a random sample" in found.no_estimate
    assert found.pass_fail
    assert found.pass_fail.pass_rate is None


def test_everybody_always_saying_the_same_is_no_crash(run: Path, tmp_path: Path) -> None:
    labels = [{**label, "value": 5} for label in entries(run, range(30), 0.3, 1)]
    (found,) = calibrate([write(tmp_path / "l.json", "Ann", labels)], run, pass_level=0.75).dimensions
    assert figures(found)["rank_correlation"].judge is None
    assert found.pass_fail
    assert found.pass_fail.false_pass is None, "nobody failed a picture"
    assert found.estimates[0].estimate.value == 1
    assert found.estimates[0].estimate.low is not None
    assert found.estimates[0].estimate.low < 1


def spoil(**changes: Any) -> Any:
    return lambda content: content["labels"][3].update(changes)


SHA = "0" * 64
WRONG = {
    "another picture": (spoil(pictures=[{"role": "student", "sha256": SHA}]), "labels[3]: flat/0001, seed 0: this"),
    "another role": (spoil(pictures=[{"role": "judge", "sha256": SHA}]), "labels[3]: `pictures.0.role`"),
    "no hash": (spoil(pictures=[{"role": "student", "sha256": "../../etc/passwd"}]), "labels[3]: `pictures.0.sha256`"),
    "another case": (spoil(case_id="<b>evil</b>"), "labels[3]: this run has no case '<b>evil</b>'"),
    "another dimension": (spoil(dimension="fake.brightnes"), "labels[3]: this run has no dimension `fake.brightnes`"),
    "another seed": (spoil(seed=7), "labels[3]: flat/0001, seed 7"),
    "too high": (spoil(value=6), "labels[3]: `value`"),
    "true": (spoil(value=True), "labels[3]: `value`"),
    "text": (spoil(value="4"), "labels[3]: `value`"),
    "of another kind": (spoil(value="yes"), "labels[3]: the answer 'yes' to a scale question"),
    "a pair of one": (spoil(kind="pairwise", value="a"), "labels[3]: 1 pictures for a pairwise question"),
    "unknown key": (spoil(valeu=3), "labels[3]: unknown key `valeu`, did you mean `value`?"),
    "a very long comment": (spoil(comment="x" * 3000), "labels[3]: `comment`"),
    "twice": (lambda c: c["labels"].append(c["labels"][2]), "'Ann' labelled fake.brightness of flat/0001 twice"),
    "no rater": (lambda c: c.pop("rater"), "`rater` is missing"),
    "not a list": (lambda c: c.update(labels={"a": 1}), "`labels` is not a list"),
    "not objects": (lambda c: c.update(labels=[17]), "labels[0]"),
    "a later format": (lambda c: c.update(format_version=2), "format_version 2; this evalkit reads 1"),
    "impossible sample": (lambda c: c["sampling"].update(cases_drawn=0), "`sampling.cases_drawn`"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_labels_are_named_by_file_and_entry(run: Path, tmp_path: Path, name: str) -> None:
    change, said = WRONG[name]
    path = write(tmp_path / "labels.json", "Ann", entries(run, range(30), 0.3, 1), change)
    with pytest.raises(ConfigError) as error:
        calibrate([path], run, pass_level=0.75)
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"rater": "Ann", "labels": [{"case_id": "fl', "bad JSON"),
        (b"", "bad JSON"),
        (b"[]", "not a JSON object"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"rater": "A", "rater": "B", "labels": []}', "key 'rater' is given twice"),
        (b'{"rater": "A", "labels": [], "created": NaN}', "NaN"),
        (b'\xff\xfe{"rater"', "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_files_that_are_none(run: Path, tmp_path: Path, text: bytes | None, said: str) -> None:
    path = tmp_path / "labels.json"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(ConfigError) as error:
        calibrate([path], run, pass_level=0.75)
    assert said in str(error.value)
    assert error.value.where == str(path)


def test_a_hostile_rater_reaches_no_terminal(run: Path, tmp_path: Path, evalkit: Command) -> None:
    evil = "\x1b[31m<script>alert(1)</script>\n::error::x"
    labels = [{**each, "comment": evil} for each in entries(run, range(30), 0.3, 1)]
    first = write(tmp_path / "a.json", evil, labels)
    done = evalkit("judge", "calibrate", first, first, "--run", run)
    assert done.returncode == 2, "the same file twice"
    second = write(tmp_path / "b.json", evil, labels)
    done = evalkit("judge", "calibrate", first, second, "--run", run)
    assert done.returncode == 2
    assert "twice" in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr
    done = evalkit("judge", "calibrate", first, "--run", run, "--out", "c.json")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout


def test_no_run_and_no_place(run: Path, tmp_path: Path, evalkit: Command) -> None:
    good = write(tmp_path / "a.json", "Ann", entries(run, range(30), 0.3, 1))
    done = evalkit("judge", "calibrate", good, "--run", tmp_path)
    assert done.returncode == 2
    assert "not a run folder" in done.stderr
    done = evalkit("judge", "calibrate", good, "--run", run, "--out", good / "c.json")
    assert done.returncode == 2
    assert "can't be written" in done.stderr


def test_a_hundred_thousand_labels(run: Path, tmp_path: Path) -> None:
    """So many people that all pictures of the run have that many labels: read, checked and refused where wrong."""
    labels = entries(run, range(COUNT), 0.3, 1)
    many = [labels[i % len(labels)] for i in range(100_000)]
    path = write(tmp_path / "many.json", "Ann", many)
    with pytest.raises(ConfigError, match=rf"labels\[{len(labels)}\].*twice"):
        calibrate([path], run, pass_level=0.75)


def test_pictures_that_the_judge_abstained_on_are_people_s_too(tmp_path: Path, evalkit: Command) -> None:
    """The judge abstains on every bad picture, 18 of 80: what it scored alone would say that all are good."""
    bad = [f"flat/{i:04d}" for i in range(0, 72, 4)]
    command = [*RUN[:3], "--judge", f"fake-brightness:abstain_on={'+'.join(bad)}", *RUN[5:]]
    assert evalkit(*command).returncode in (0, 3)
    labels = entries(tmp_path / "run", range(0, COUNT, 2), 0.0, 1)
    for label in labels:
        label["value"] = 1 if label["case_id"] in bad else 5
    path = write(tmp_path / "l.json", "Ann", labels)
    done = evalkit("judge", "calibrate", path, "--run", "run", "--out", "c.json")
    assert done.returncode == 0, done.stderr
    assert "36 more have no score of the judge and count in the estimates only" in done.stdout
    (found,) = json.loads((tmp_path / "c.json").read_text("utf-8"))["dimensions"]
    (student, _, _) = found["estimates"]
    assert student["labels_only"]["value"] == pytest.approx(22 / 40), "every label counts"
    assert student["estimate"]["low"] < 22 / 40 < student["estimate"]["high"]
    assert (student["n_judged"], student["n_cases"]) == (62, 80)
    assert "student (80 cases, 62 of them scored)" in done.stdout
    assert found["pass_fail"]["pass_rate"]["value"] == pytest.approx(22 / 40, abs=0.05)
    assert found["pass_fail"]["pass_rate_rogan_gladen"] is None
    page = evalkit("judge", "label", "run", "--dimension", "fake.brightness", "--n", 10)
    assert "of 80 cases" in page.stdout, "people are asked about them too"
