"""Plug-ins that hand over what no store can hold, or leave in the middle: a marked cell or a named plug-in, no bug."""

import itertools
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from evalkit.api.records import Case, Generated, Request
from evalkit.cli import main
from evalkit.engine.generating import generate
from evalkit.store.run_reader import RunReader
from evalkit.verdict.results import StoredResults
from tests.evalkit.conftest import FAKES, Command

RAISED = ("exit", "interrupt", "silent", "unusual", "surrogate")
GENERATED = (
    *("no-record", "too-few", "fingerprint", "error-list", "error-surrogate"),
    *("image-list", "image-empty", "image-float", "image-grey", "image-object"),
    *("nfe-text", "nfe-nan", "nfe-huge", "batch-text"),
    *("seconds-nan", "seconds-inf", "seconds-huge", "seconds-text", "seconds-negative"),
    *("notes-deep", "notes-huge", "notes-surrogate", "notes-list", "notes-exit"),
    *("nfe-long", "seconds-whole", "batch-array", "image-nameless"),
)
JUDGED = (
    *("no-record", "none", "score-outside", "score-huge", "score-twice", "score-text", "reason-list"),
    *(
        "finding-surrogate",
        "finding-list",
        "finding-far",
        "finding-endless",
        "finding-huge",
        "finding-no-record",
        "finding-undeclared",
    ),
    *("finding-nan", "evidence-deep", "evidence-surrogate", "evidence-object"),
)
OUT = ("--out", "out", "--cache", "none", "--no-gates")


@pytest.fixture
def in_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fakes on the path of this process and of those it starts; the working folder."""
    monkeypatch.syspath_prepend(FAKES)
    monkeypatch.setenv("PYTHONPATH", str(FAKES))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_all(folder: Path) -> None:
    """Read every row of a run: the store can read whatever it has written."""
    with RunReader(folder) as reader, StoredResults(reader) as results:
        results.summary()
        assert list(results.cases())
        reader.control_results()


def test_no_value_of_a_generator_or_a_judge_ends_the_run(tmp_path: Path, evalkit: Command) -> None:
    generator, judge = (*GENERATED, *RAISED), (*JUDGED, *RAISED)
    n = len(generator) + len(judge) + 2
    done = evalkit(
        *("run", "--benchmark", f"fake-benchmark:count={n}", *OUT),
        *("--student", f"hostile-generator:batch_size=3,how={'+'.join(generator)}"),
        *("--judge", f"hostile-judge:how={'+' * len(generator)}{'+'.join(judge)}"),
    )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    with sqlite3.connect(tmp_path / "out" / "run.sqlite") as database:
        bad = dict(database.execute("SELECT idx, record FROM samples WHERE NOT ok").fetchall())
        rows = database.execute("SELECT idx, status, reason FROM scores WHERE dimension = 'hostile.level'").fetchall()
    marked = {idx: reason for idx, status, reason in rows if status == "error"}
    assert sorted(bad) == [*range(len(generator))], "each bad value costs its own cell, and no other"
    assert sorted(marked) == [*range(len(generator), len(generator) + len(judge))]
    assert all(len(json.loads(record)["error"]) < 500 for record in bad.values())
    assert all(marked.values())
    read_all(tmp_path / "out")


@pytest.mark.parametrize("how", ["controls-exit", "controls-surrogate", "controls-passes"])
def test_a_judge_that_fails_to_make_its_controls_is_invalid(
    in_process: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    arguments = [
        "--benchmark",
        "fake-benchmark:count=2",
        "--student",
        "fake-flat",
        "--judge",
        f"hostile-judge:how={how}",
    ]
    assert main(["run", *arguments, *OUT]) == 3
    assert "judge invalid" in capsys.readouterr().out
    read_all(in_process / "out")


@pytest.mark.parametrize("part", ["benchmarks", "generators", "judges", "metrics", "exporters"])
def test_exit_0_comes_only_after_the_conclusion(tmp_path: Path, evalkit: Command, part: str) -> None:
    used = {
        "benchmarks": "fake-benchmark",
        "generators": "fake-flat",
        "judges": "fake-brightness",
        "metrics": "fake-set-brightness",
        "exporters": "junit",
    }
    used[part] = {
        "benchmarks": "hostile-benchmark:how=later-exit",
        "generators": "hostile-generator:how=exit+exit+exit+exit+exit+exit",
        "judges": "hostile-judge:how=exit+exit+exit+exit+exit+exit",
        "metrics": "hostile-metric:how=exit",
        "exporters": "hostile-exporter:how=exit",
    }[part]
    text = (
        f"benchmark: {used['benchmarks']}\nstudent: {used['generators']}\nteacher: fake-flat\n"
        f"judges: ['{used['judges']}']\nmetrics: ['{used['metrics']}']\nexporters: ['{used['exporters']}', verdict]\n"
        "out: out\n"
    )
    (tmp_path / "evalkit.yaml").write_text(text, encoding="utf-8")
    done = evalkit("run", "evalkit.yaml")
    assert "Traceback" not in done.stderr
    if part == "metrics":
        assert done.returncode == 0, done.stderr
        assert "SystemExit: 0" in done.stdout, "the figure says why it is missing"
    else:
        assert done.returncode == {"benchmarks": 2}.get(part, 3), done.stderr
        assert "SystemExit" in done.stdout + done.stderr


@pytest.mark.parametrize("how", [*RAISED, "no-record", "prompt-list", "prompt-surrogate", "width-text", "box-text"])
def test_a_faulty_case_is_refused_before_work(in_process: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    assert main(["run", "--benchmark", f"hostile-benchmark:how={how}", "--student", "fake-flat", *OUT]) == 2
    said = capsys.readouterr().err
    assert "the benchmark `hostile-benchmark`" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "how", [*RAISED, "none", "no-record", "nan", "huge", "text", "twice", "other", "surrogate", "pseudo", "close-exit"]
)
def test_a_faulty_figure_has_no_value_and_says_why(in_process: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    import evalkit_fake_hostile as hostile

    from evalkit.api.pictures import Picture
    from evalkit.api.protocols import PictureSet
    from evalkit.engine.closing import close
    from evalkit.engine.set_metrics import figures_of

    metric = hostile.HostileMetric(hostile.HostileMetricSettings(how=how))
    pictures = PictureSet(
        "student", 1, lambda: iter([("a", Picture.from_pixels(__import__("numpy").zeros((4, 4, 3), "uint8")))])
    )
    figures, failure = figures_of(metric, pictures, pictures, twins=True)
    close(metric, "the metric")
    figure = figures.get("hostile.set")
    if how == "close-exit":
        assert figure is not None
        assert figure.estimate is not None
    else:
        assert failure or (figure is not None and figure.estimate is None and figure.reason)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
@pytest.mark.parametrize("option", ["--out", "--student", "config"])
def test_a_path_that_is_not_utf_8_is_refused(tmp_path: Path, evalkit: Command, option: str) -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    (tmp_path / name).mkdir()
    (tmp_path / f"{name}.yaml").write_text("benchmark: fake-benchmark\nstudent: fake-flat\njudges: [fake-brightness]\n")
    run = ["run", "--benchmark", "fake-benchmark", "--student", "fake-flat", "--judge", "fake-brightness"]
    if option == "config":
        done = evalkit("run", f"{name}.yaml", "--out", "out")
        assert done.returncode == 0, done.stderr
        return
    done = evalkit(*run, option, f"folder:{name}" if option == "--student" else name)
    assert done.returncode == 2, done.stderr
    assert "UTF-8" in done.stderr


def test_a_generator_that_yields_for_ever_is_cut_off() -> None:
    class Endless:
        def generate(self, requests: Sequence[Request]) -> Iterator[Generated]:
            return itertools.repeat(Generated(error="again"))

    (found,) = generate(Endless(), [Request(Case("a", "a cat"), 0, 0)])  # type: ignore[arg-type]
    assert "returned more pictures for 1 requests" in found.error
