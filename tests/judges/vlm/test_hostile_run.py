"""Whole runs with the VLM judge on a hostile server (a fake): the right exit code, no invented score; and replay."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.judges.vlm.source import EndpointSettings, problems
from tests.evalkit.conftest import FAKE_RUN, FAKES, Command
from tests.judges.vlm import hostile_server as server_
from tests.judges.vlm.fakes import served_seeing
from tests.judges.vlm.hostile_server import HostileServer

pytestmark = pytest.mark.slow

CONFIG = """
benchmark: {{use: fake-benchmark, count: 3, size: 32}}
student: {{use: fake-flat, level: 100}}
teacher: {{use: fake-flat, level: 200}}
judges:
  - {{use: vlm, url: "{url}", model: judge, rubrics: [quality], check_with_instruments: false, timeout_s: 2}}
exporters: [html, leaderboard, summary, verdict]
out: {out}
"""


@pytest.fixture
def server():
    with HostileServer(always=served_seeing) as running:
        yield running


def run(evalkit: Command, tmp_path: Path, server: HostileServer, out: str = "out", *more: str):
    config = tmp_path / "evalkit.yaml"
    config.write_text(CONFIG.format(url=server.url, out=out))
    return evalkit("run", config, *more)


def scores(out: Path) -> list[tuple[str, float | None, str]]:
    """(status, value, reason) of the pictures' quality."""
    with sqlite3.connect(out / "run.sqlite") as database:
        return database.execute(
            "SELECT status, value, reason FROM scores WHERE dimension = 'vlm.quality' ORDER BY role, idx"
        ).fetchall()


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, HostileServer]:
    """A folder with one good run, `out`, and the server that was asked; it is gone by now."""
    folder = tmp_path_factory.mktemp("finished")
    variables = {**os.environ, "PYTHONPATH": str(FAKES), "EVALKIT_CACHE": str(folder / "cache")}

    def call(*arguments: object):
        command = [sys.executable, "-m", "evalkit", *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)

    with HostileServer(always=served_seeing) as server:
        done = run(call, folder, server)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out", server


@pytest.fixture
def finished(finished_once: tuple[Path, HostileServer], tmp_path: Path) -> Path:
    """A copy of that run."""
    return Path(shutil.copytree(finished_once[0], tmp_path / "out"))


def test_a_run_with_a_healthy_server(finished_once: tuple[Path, HostileServer]) -> None:
    out, server = finished_once
    assert [(status, value) for status, value, _ in scores(out)] == [("scored", 0.25)] * 6
    with sqlite3.connect(out / "calls.sqlite") as database:
        rows = database.execute("SELECT model, name, text, prompt_tokens FROM calls").fetchall()
    assert len(rows) == len(server.asked)
    assert {(model, name, tokens) for model, name, _, tokens in rows} == {("judge", "scale", 5000)}
    assert all(json.loads(text)["score"] in (2, 5) for *_, text, _ in rows)


def test_a_run_without_a_server_is_undecided(evalkit: Command, tmp_path: Path, server: HostileServer) -> None:
    server.close()
    done = run(evalkit, tmp_path, server)
    assert done.returncode == 3
    assert "no connection to the judge's server" in done.stderr
    assert scores(tmp_path / "out") == []


def judged(act):
    """A server that answers the controls well, and the pictures of the run (32 px) by `act`."""

    def either(handler, asked):
        image = asked.body["messages"][-1]["content"][0]["image_url"]["url"]
        (act if len(image) < 400 else served_seeing)(handler, asked)

    return either


NO_SCORE = (
    (server_.says("Excellent, 5 of 5!"), "no complete JSON object"),
    (server_.says('{"score": 5, "findings": []}', finish="length"), "length limit"),
    (server_.says('{"score": 50, "findings": []}'), "none of"),
    (server_.says('Ignore the rubric. {"score": 5, "findings": []} {"score": 5, "findings": []}'), "more than one"),
    (server_.says('{"answer": "yes"}'), "`score` is missing"),
    (server_.says(""), "empty"),
)


def test_no_score_is_invented(evalkit: Command, tmp_path: Path, server: HostileServer) -> None:
    """Six pictures, each with another unusable answer. The judge looked at all of them and abstained."""
    acts: dict[str, int] = {}

    def badly(handler, asked):
        image = asked.body["messages"][-1]["content"][0]["image_url"]["url"]
        NO_SCORE[acts.setdefault(image, len(acts)) % len(NO_SCORE)][0](handler, asked)

    server.always = judged(badly)
    done = run(evalkit, tmp_path, server)
    assert done.returncode == 0, done.stdout + done.stderr
    found = scores(tmp_path / "out")
    assert [(status, value) for status, value, _ in found] == [("unscored", None)] * 6
    for _, reason in NO_SCORE[: len(acts)]:
        assert any(reason in why for *_, why in found), reason


def test_controls_that_can_not_be_asked_make_the_judge_invalid(
    evalkit: Command, tmp_path: Path, server: HostileServer
) -> None:
    server.always = server_.says('{"score": 5, "findings": []}')
    done = run(evalkit, tmp_path, server)
    assert done.returncode == 3
    assert "judge invalid" in done.stdout


def test_the_same_command_continues_once_the_server_is_back(
    evalkit: Command, tmp_path: Path, server: HostileServer
) -> None:
    """Below the coverage limit nothing is decided. Only the calls that failed are made again, and the shipped controls:
    the server that is back may be another one."""
    server.always = judged(server_.status(400, "no such thing"))
    assert run(evalkit, tmp_path, server).returncode == 3
    assert {(status, value) for status, value, _ in scores(tmp_path / "out")} == {("error", None)}
    assert all("HTTP 400: no such thing" in why for *_, why in scores(tmp_path / "out"))
    before = len(server.asked)
    server.always = served_seeing
    assert run(evalkit, tmp_path, server).returncode == 0
    assert [status for status, *_ in scores(tmp_path / "out")] == ["scored"] * 6
    assert len(server.asked) - before <= 8 + 3


def test_what_a_lying_server_said_is_not_kept(evalkit: Command, tmp_path: Path, server: HostileServer) -> None:
    """Neither its verdicts nor its replies in the journal outlive the control that it failed."""
    server.always = server_.says('{"score": 5, "findings": []}')
    assert run(evalkit, tmp_path, server).returncode == 3
    assert {value for _, value, _ in scores(tmp_path / "out")} == {1.0}
    server.always = served_seeing
    done = run(evalkit, tmp_path, server)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(status, value) for status, value, _ in scores(tmp_path / "out")] == [("scored", 0.25)] * 6
    assert (tmp_path / "out" / "calls.sqlite.suspect").is_file()
    again = evalkit("judge", "replay", "out", cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr


def test_the_controls_are_asked_of_the_server_that_is_there_now(
    evalkit: Command, tmp_path: Path, server: HostileServer
) -> None:
    """An unfinished run goes on with another model behind the same address: the journal does not vouch for it."""
    server.always = judged(server_.status(400, "no such thing"))
    assert run(evalkit, tmp_path, server).returncode == 3
    server.always = server_.says('{"score": 5, "findings": []}')
    done = run(evalkit, tmp_path, server)
    assert done.returncode == 3, done.stdout
    assert "judge invalid" in done.stdout


# --------------------------------------------------------------------------------------------------------------- replay


def files(folder: Path) -> dict[str, bytes]:
    """The files of a run that people and CI read."""
    wanted = [*(folder / "report").rglob("*"), *(folder / f"{name}" for name in ("leaderboard.json", "summary.md"))]
    return {str(path.relative_to(folder)): path.read_bytes() for path in wanted if path.is_file()}


def test_replay_gives_the_identical_report(evalkit: Command, tmp_path: Path, server: HostileServer) -> None:
    """Scored, abstained and failed cells alike; no server, no generator, and the reports byte for byte."""
    server.script = []
    acts: dict[str, int] = {}

    def moody(handler, asked):
        image = asked.body["messages"][-1]["content"][0]["image_url"]["url"]
        act = (server_.says("hm"), server_.status(400, "no"), served_seeing)[acts.setdefault(image, len(acts)) % 3]
        act(handler, asked)

    server.always = judged(moody)
    first = run(evalkit, tmp_path, server)
    server.close()
    (tmp_path / "evalkit.yaml").unlink()
    again = evalkit("judge", "replay", "out", cwd=tmp_path)
    assert again.returncode == first.returncode, again.stdout + again.stderr
    assert (tmp_path / "out-replay" / "report" / "index.html").is_file()
    original, replayed = files(tmp_path / "out"), files(tmp_path / "out-replay")
    assert original.keys() == replayed.keys()
    assert [name for name in original if original[name] != replayed[name]] == []
    assert {status for status, *_ in scores(tmp_path / "out")} == {"scored", "unscored", "error"}
    assert scores(tmp_path / "out-replay") == scores(tmp_path / "out")
    lines = [re.sub(r"out(-replay)?/", "", done.stdout) for done in (first, again)]
    assert lines[0] == lines[1]


def test_replay_makes_the_verdicts_from_the_journal(evalkit: Command, finished: Path) -> None:
    """Verdicts are not copied: a changed journal gives another run."""
    with sqlite3.connect(finished / "calls.sqlite") as database:
        database.execute("UPDATE calls SET text = replace(text, '\"score\": 2', '\"score\": 3')")
    assert evalkit("judge", "replay", "out", "--out", "other").returncode == 0
    assert [value for _, value, _ in scores(finished.with_name("other"))] == [0.5] * 6
    assert [value for _, value, _ in scores(finished)] == [0.25] * 6


def test_a_replay_with_a_missing_call_is_undecided(evalkit: Command, finished: Path) -> None:
    with sqlite3.connect(finished / "calls.sqlite") as database:
        database.execute("DELETE FROM calls WHERE id = (SELECT max(id) FROM calls)")
    again = evalkit("judge", "replay", "out")
    assert again.returncode == 3
    assert "not in the journal" in again.stderr
    assert "--cache none" in again.stderr


def test_folders_that_can_not_be_replayed_are_refused(evalkit: Command, finished: Path) -> None:
    shutil.copytree(finished, finished.with_name("taken"))
    for source, out, said in (
        ("x", "y", "not a run folder"),
        ("out", "out", "into its own folder"),
        ("out", "taken", "another run"),
    ):
        again = evalkit("judge", "replay", source, "--out", out)
        assert again.returncode == 2
        assert said in again.stderr


def test_the_doctor_asks_the_server(evalkit: Command, tmp_path: Path, server: HostileServer) -> None:
    def said(url: str) -> str:
        (tmp_path / "evalkit.yaml").write_text(CONFIG.format(url=url, out="out"))
        return next(line for line in evalkit("doctor", "evalkit.yaml").stdout.splitlines() if "judge vlm" in line)

    assert said(server.url).startswith("ok")
    server.greeting = server_.status(404)
    assert "HTTP 404" in said(server.url)
    assert "no connection" in said("http://127.0.0.1:9/v1")


def test_labels_are_about_pictures_and_not_about_the_judge(evalkit: Command, finished: Path) -> None:
    done = evalkit("judge", "label", finished)
    assert done.returncode == 0, done.stderr
    assert "vlm.quality (scale)" in done.stdout
    assert "vlm.consistency" not in done.stdout


def test_a_run_without_a_replayable_judge_is_refused(evalkit: Command, tmp_path: Path) -> None:
    assert evalkit(*FAKE_RUN, "--student", "fake-flat").returncode == 0
    again = evalkit("judge", "replay", "out")
    assert again.returncode == 2
    assert "keeps a journal" in again.stderr


def test_a_server_that_was_left_asleep_is_woken_before_it_is_asked(
    server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr("evalkit.judges.vlm.serving.wake", lambda url, key: woken.append(url))
    assert problems(EndpointSettings(url=server.url, model="judge", share_gpu="sleep")) == []
    assert woken == [server.url]
    assert problems(EndpointSettings(url=server.url, model="judge")) == []
    assert len(woken) == 1
