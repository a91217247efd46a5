"""Two runs are compared only where both asked the same and can be trusted, through the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.api.records import Role
from evalkit.api.results import ControlResult, GateStatus, Undecided
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore
from evalkit.verdict.results import StoredResults
from tests.evalkit.conftest import Command
from tests.evalkit.test_missing_evidence import CONTENT, DROP, QUALITY, Runner, run

pytestmark = pytest.mark.slow

__all__ = ["run"]

BASELINE = DROP | {"against": "baseline"}


def buckets(evalkit: Command, base: str, new: str) -> dict[str, int]:
    done = evalkit("compare", base, new)
    assert done.returncode == 0, done.stderr
    counts = (line.rsplit(None, 1) for line in done.stdout.splitlines()[:6])
    return {name.strip(): int(n) for name, n in counts if int(n)}


# ----------------------------------------------------------------------------------------------------- parts of a suite


def test_a_limit_that_leaves_nothing_out_is_the_whole_suite(tmp_path: Path, run: Runner) -> None:
    ended = run([CONTENT], "--limit", "60")
    assert (ended.code, ended.statuses) == (0, [GateStatus.PASS])
    cut = run([CONTENT], "--limit", "59", out="cut")
    assert (cut.code, cut.gates[0].cause) == (3, Undecided.LIMITED)
    with RunReader(tmp_path / "out") as whole, RunReader(tmp_path / "cut") as part:
        assert (whole.meta("part"), part.meta("part")) == ("", "only the first 59 cases were asked (`limit`)")


# ---------------------------------------------------------------------------------- what is refused before the work


def test_a_part_is_not_compared_with_the_mean_of_all(tmp_path: Path, run: Runner) -> None:
    suite = {"edits": "0:20"}
    assert run([], benchmark=suite, student={"bad": "0:20"}, out="base", exporters=["leaderboard"]).code == 0
    board = {"benchmark": suite, "baseline": "base/leaderboard.json"}
    ended = run([BASELINE | {"where": {"task": "t2i"}}], student={"bad": "20:40"}, out="part", **board)
    assert ended.code == 2
    assert "`where` asks for a part of the cases" in " ".join(ended.err.split())
    (tmp_path / "flaky.json").write_text(json.dumps([f"question/{i:04d}" for i in range(5)]))
    ended = run([BASELINE], student={"bad": "5:10"}, out="flaky", flaky="flaky.json", **board)
    assert ended.code == 2
    assert "`flaky` leaves out 5 of the cases" in " ".join(ended.err.split())
    for out in ("part", "flaky"):
        with RunReader(tmp_path / out) as reader:
            assert not reader.drawn(Role.STUDENT), "it is refused before the work"
    metric = {"dimension": "fake.set_brightness", "max_value": 1.0, "where": {"task": "edit"}}
    ended = run([metric], out="metric", metrics=["fake-set-brightness"])
    assert ended.code == 2
    assert "has one value for all pictures" in " ".join(ended.err.split())


def test_a_run_is_not_its_own_baseline(run: Runner) -> None:
    assert run([], student={"bad": "0:30"}, exporters=["leaderboard"]).code == 0
    for baseline in ("out", "out/leaderboard.json"):
        ended = run([BASELINE], student={"bad": "0:30"}, baseline=baseline)
        assert ended.code == 2
        assert "can't be its own baseline" in ended.err


def test_a_baseline_of_a_judge_that_lied_is_none(tmp_path: Path, run: Runner) -> None:
    lying = {"lying": True}
    assert run([], truth=lying, out="base", exporters=["leaderboard"]).code == 3
    ended = run([BASELINE, CONTENT], truth=lying, baseline="base/leaderboard.json", out="board")
    assert ended.code == 2
    assert "failed the control" in " ".join(ended.err.split())
    assert run([], out="honest").code == 0
    with RunReader(tmp_path / "honest") as reader:
        fingerprint = reader.meta("judges")["fake-truth"]
    store = RunStore(tmp_path / "honest")
    store.put_control(fingerprint, ControlResult("fake-truth", "black is bad", "a black picture is bad", False))
    store.close()
    ended = run([BASELINE, QUALITY], baseline="honest")
    assert (ended.code, [gate.cause for gate in ended.gates]) == (3, [Undecided.INVALID_JUDGE, None])
    assert "failed the control `black is bad` (a black picture is bad) in the baseline" in ended.out


# ----------------------------------------------------------------------------------------------- evalkit compare


def test_compare_doubts_what_a_run_doubts(run: Runner, evalkit: Command) -> None:
    def compared(base: str, new: str, drop: float = 0.3) -> tuple[int, str]:
        done = evalkit("compare", base, new, "--max-drop", f"fake.truth={drop}")
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout

    run([], out="whole")
    run([], "--limit", "40", out="part")
    run([], "--limit", "40", student={"name": "b"}, out="part2")
    assert compared("whole", "whole")[0] == 0
    for base, new in (("part", "part2"), ("whole", "part"), ("part", "whole")):
        code, out = compared(base, new)
        assert code == 3, out
        assert "only the first 40 cases were asked" in out or "the baseline was not asked for it (20 cells)" in out
    run([], truth={"lying": True}, out="lie")
    code, out = compared("lie", "lie")
    assert code == 3
    assert "fake-truth failed the control `black is good`" in out
    run([], benchmark={"count": 20}, out="small")
    code, out = compared("small", "whole")
    assert code == 3
    assert "the baseline does not have 40 of the 60 cases" in out
    code, out = compared("whole", "small")
    assert code == 3
    assert "40 of the baseline's 60 cases were not asked" in out


def test_compare_doubts_a_run_that_stopped_early(run: Runner, evalkit: Command) -> None:
    suite = {"count": 250}
    run([], benchmark=suite, out="base")
    run([DROP], benchmark=suite, student={"bad": "0:150"}, stop_early=True, out="early")
    done = evalkit("compare", "base", "early", "--max-drop", "fake.truth=0.1")
    assert done.returncode == 3
    assert "the new run: it stopped early, after" in done.stdout


# ---------------------------------------------------------------------------------------------------------- buckets


def test_what_a_failed_gate_counted_is_a_failure_whatever_has_changed(run: Runner, evalkit: Command) -> None:
    run([], truth={"reason": "x"}, judges=(), out="base")
    bad = {"bad": "0:30"}
    assert run([DROP], truth={"reason": "y"}, student=bad, judges=(), out="new").code == 1
    assert buckets(evalkit, "base", "new") == {"new failure": 30, "incomparable": 30}


def test_both_runs_are_held_to_the_same_bounds(tmp_path: Path, run: Runner, evalkit: Command) -> None:
    smudged = {"bad": "0:30", "defect": "smudge"}  # of grade defect: no failure by itself
    gates = [DROP, QUALITY, {"finding": "smudge", "max_rate": 0.1, "grade": "defect"}]
    run([], student=smudged, out="ungated")
    run([], out="fine")
    for number, gate in enumerate(gates):
        new = f"gated{number}"
        assert run([gate], student=smudged | {"name": "b"}, out=new, baseline="ungated").code == 1
        assert buckets(evalkit, "ungated", new) == {"still failing": 30, "unchanged": 30}, gate
        assert buckets(evalkit, "fine", new) == {"regressed": 30, "unchanged": 30}, gate
        assert buckets(evalkit, new, "ungated") == {"unchanged": 60}, "nothing was fixed"
        assert buckets(evalkit, new, "fine") == {"fixed": 30, "unchanged": 30}, gate
        with RunReader(tmp_path / new) as reader, StoredResults(reader) as results:
            said = [result.change.bucket.value for result in results.cases() if result.change]
            assert said.count("still failing") == 30
