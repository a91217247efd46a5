"""What reaches GitHub: commands on stdout, the step summary, outputs and the comment; with attacks in every text."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from evalkit.api.results import GateStatus, Outcome, Undecided
from evalkit.reports.ci.annotations import command, workflow_commands
from evalkit.reports.ci.github import GithubExporter, output_lines
from evalkit.reports.ci.markdown import STEP_SUMMARY_BYTES
from evalkit.reports.escape import command_data, command_property
from evalkit.reports.failures import collect_failures
from tests.reports.attacked_run import ATTACK
from tests.reports.conftest import FakeRunResults

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")


class Command(NamedTuple):
    """A workflow command as the runner takes it from a line of the log."""

    name: str
    properties: dict[str, str]
    data: str


def runner_reads(log: str) -> Iterator[Command]:
    """The commands in a log, by the runner's two grammars: `::name k=v,k=v::data`, and `##[name …]` anywhere."""
    for line in re.split(r"\r\n|\r|\n", log):
        if found := re.match(r"\s*::([A-Za-z-]+)(?: (.*?))?::(.*)", line):
            pairs = (pair.split("=", 1) for pair in (found[2] or "").split(",") if "=" in pair)
            yield Command(found[1], {k.strip(): unescape(v) for k, v in pairs}, unescape(found[3]))
        elif found := re.search(r"##\[([A-Za-z-]+)[^\]]*\](.*)", line):
            yield Command(found[1], {}, unescape(found[2]))


def unescape(text: str) -> str:
    for escaped, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, plain)
    return text


def runner_outputs(text: str) -> dict[str, str]:
    """`$GITHUB_OUTPUT` as the runner reads it."""
    outputs, lines = {}, iter(text.split("\n"))
    for line in lines:
        if "<<" in line and ("=" not in line or line.index("<<") < line.index("=")):
            name, delimiter = line.split("<<", 1)
            value = []
            while (inner := next(lines)) != delimiter:
                value.append(inner)
            outputs[name] = "\n".join(value)
        elif line:
            name, value_text = line.split("=", 1)
            outputs[name] = value_text
    return outputs


@pytest.fixture(autouse=True)
def outside_github(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    files = {"summary": tmp_path / "step_summary", "output": tmp_path / "set_output"}
    for path in files.values():
        path.touch()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(files["summary"]))
    monkeypatch.setenv("GITHUB_OUTPUT", str(files["output"]))
    return files


def export(results: FakeRunResults, out: Path, **settings: object) -> Path:
    return GithubExporter(GithubExporter.Settings.model_validate(settings)).export(results, out)


def test_outside_github_there_is_only_a_comment(
    compared: FakeRunResults, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = export(compared, tmp_path / "out", marker="job-1")
    assert path.read_text("utf-8").startswith("<!-- evalkit comment: job-1 -->\n## ❌ Failed")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["comment.md"]
    assert capsys.readouterr() == ("", "")


def test_gates_are_errors_and_failures_warnings(
    compared: FakeRunResults, runner: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(compared, tmp_path / "out")
    read = list(runner_reads(capsys.readouterr().out))
    assert [c.name for c in read] == ["error", "warning", "warning", "notice", "notice", "notice"]
    assert read[3].data.endswith("that the teacher has, too, and no failed gate counted: poster/open-studio [seed 0]")
    assert read[0].properties == {"title": "evalkit: gate failed: words at most 0.05 worse than the teacher"}
    assert read[0].data == "worse by 0.081 [0.059, 0.103] (n = 4)"
    assert read[2].properties == {"title": "evalkit: regressed: poster/harbour-jazz [seed 0]"}
    assert "“HARB0UR” where “HARBOUR” was asked for" in read[2].data
    assert "grade failure, severity 0.72, student only" in read[2].data


def test_an_undecided_run_says_why(
    compared: FakeRunResults, runner: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compared.run = replace(compared.run, outcome=Outcome.UNDECIDED, reasons=("coverage 40% is below 95%",), gates=())
    export(compared, tmp_path / "out")
    first = next(runner_reads(capsys.readouterr().out))
    assert first == Command("error", {"title": "evalkit: undecided"}, "coverage 40% is below 95%")


def test_a_run_that_ends_with_0_has_no_errors(
    compared: FakeRunResults, runner: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warns = replace(compared.run.gates[0], status=GateStatus.UNDECIDED, cause=Undecided.POWER, warns=True)
    compared.run = replace(compared.run, outcome=Outcome.UNDECIDED, reasons=("too few cases",), gates=(warns,))
    assert compared.run.exit_code == 0
    export(compared, tmp_path / "out", annotations=2)
    read = list(runner_reads(capsys.readouterr().out))
    assert [c.name for c in read] == ["warning", "warning", "notice", "notice", "notice"]
    assert read[0] == Command("warning", {"title": "evalkit: undecided"}, "too few cases")
    assert read[-1].data == "1 more: see the summary and the report"


def test_annotations_are_few_and_the_rest_is_counted(
    compared: FakeRunResults, runner: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = replace(compared.run.gates[0], status=GateStatus.FAIL)
    compared.run = replace(compared.run, gates=(failed,) * 25)
    export(compared, tmp_path / "out", annotations=1)
    read = list(runner_reads(capsys.readouterr().out))
    assert [c.name for c in read] == ["error", "warning", "notice", "notice"]
    assert read[-1].data == "25 more: see the summary and the report"  # 24 gates, 1 failure
    assert len(workflow_commands(compared.run, collect_failures(compared, 10), 1)) == 4


def test_outputs(compared: FakeRunResults, demo: FakeRunResults, runner: dict[str, Path], tmp_path: Path) -> None:
    page = tmp_path / "out" / "report" / "index.html"
    runner["output"].write_text("before=1", encoding="utf-8")  # another program forgot its newline
    page.parent.mkdir(parents=True)
    page.touch()
    export(compared, tmp_path / "out")
    assert runner_outputs(runner["output"].read_text("utf-8")) == {
        "before": "1",
        "outcome": "failed",
        "report": str(page),
        "regressed": "2",
        "new_failures": "1",
    }
    runner["output"].write_text("", encoding="utf-8")
    export(demo, tmp_path / "bare")
    without = runner_outputs(runner["output"].read_text("utf-8"))
    assert (without["report"], without["regressed"], without["new_failures"]) == ("", "", "")


def test_no_value_ends_its_own_output() -> None:
    values = {"outcome": ATTACK, "report": "a\nb<<EOF\nEOF\n\noutcome=passed", "regressed": ""}
    assert runner_outputs(output_lines(values)) == values
    delimiters = [set(re.findall(r"<<(evalkit-\w+)", output_lines(values))) for _ in range(2)]
    assert len(delimiters[0]) == 3
    assert not delimiters[0] & delimiters[1]


def test_the_step_summary_is_added_to_what_is_there(
    compared: FakeRunResults, runner: dict[str, Path], tmp_path: Path
) -> None:
    runner["summary"].write_text("# Build", encoding="utf-8")
    export(compared, tmp_path / "out")
    assert runner["summary"].read_text("utf-8").startswith("# Build\n## ❌ Failed: flash-mini")


@pytest.mark.parametrize("room", [0, 100, 3000])
def test_the_step_summary_never_outgrows_its_limit(
    compared: FakeRunResults,
    runner: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    room: int,
) -> None:
    before = b"x" * (STEP_SUMMARY_BYTES - room)
    runner["summary"].write_bytes(before)
    export(compared, tmp_path / "out")
    after = runner["summary"].read_bytes()
    assert after.startswith(before)
    assert len(after) <= STEP_SUMMARY_BYTES
    said = "the step summary has no room left" in capsys.readouterr().out
    assert said == (room < 3000) == (after == before)


def test_files_that_can_not_be_written_take_nothing_from_the_run(
    compared: FakeRunResults,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "no" / "such" / "folder"))
    assert export(compared, tmp_path / "out").is_file()
    silent = capsys.readouterr()
    assert silent.out == ""
    assert "the step summary can't be written: Is a directory" in silent.err
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    export(compared, tmp_path / "out")
    warnings = [c.data for c in runner_reads(capsys.readouterr().out) if c.properties == {"title": "evalkit"}]
    assert [w.split(" can't")[0] for w in warnings] == ["the step summary", "the step outputs"]


def test_escapes_are_those_the_runner_takes_back() -> None:
    assert command_data("100%\r\n::error::x,y") == "100%25 ::error::x,y"
    assert command_property("a:b,c%0A=d") == "a%3Ab%2Cc%250A=d"
    for text in ("50 % of a:b, c", "%0A%3A%25", "title=x::y", "##[error]x", "::stop-commands::x"):
        assert list(runner_reads(command("error", text, text))) == [Command("error", {"title": text}, text)]


def test_an_attack_gives_no_command_output_or_comment_of_its_own(runner: dict[str, Path], tmp_path: Path) -> None:
    """In a process of its own whose log can't even hold every character, as a shell step of GitHub runs it."""
    script = (
        "import sys; from pathlib import Path; from evalkit.reports.ci.github import GithubExporter; "
        "from tests.reports.attacked_run import attacked_run; home = Path(sys.argv[1]); "
        "GithubExporter(GithubExporter.Settings()).export(attacked_run(home / 'p'), home / 'out')"
    )
    line = 'set -eo pipefail; "$PYTHON" -c "$SCRIPT" "$HOME_FOLDER" | tee "$HOME_FOLDER/log"'
    given = {"PYTHON": sys.executable, "SCRIPT": script, "HOME_FOLDER": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    subprocess.run(["bash", "-c", line], check=True, capture_output=True, cwd=ROOT, env={**os.environ, **given})
    log = (tmp_path / "log").read_text("ascii")
    read = list(runner_reads(log))
    assert len(read) == len(log.splitlines()) == 6
    assert [c.name for c in read] == ["error", "warning", "warning", "notice", "notice", "notice"]
    assert all(list(c.properties) == ["title"] and c.properties["title"].startswith("evalkit: ") for c in read)
    assert "::set-output name=outcome::passed" in read[0].data
    assert "%0A::stop-commands::x%25" in read[0].data
    outputs = runner_outputs(runner["output"].read_text("utf-8"))
    assert outputs == {"outcome": "failed", "report": "", "regressed": "2", "new_failures": "1"}
    comment = (tmp_path / "out" / "comment.md").read_text("utf-8")
    assert comment.count("<!--") == 1
    assert runner["summary"].read_text("utf-8") not in ("", comment)


def test_a_marker_is_one_word() -> None:
    for wrong in ("", "a -->", "x\n", "é"):
        with pytest.raises(ValueError, match="marker"):
            GithubExporter.Settings(marker=wrong)


def test_the_attack_is_one() -> None:
    """Without escapes each of these would get through, so that the tests above can fail."""
    assert {c.name for c in runner_reads(f"reason: {ATTACK}")} >= {"error", "set-output"}
    assert runner_outputs("outcome<<EOF\nx\nEOF\noutcome=passed")["outcome"] == "passed"
