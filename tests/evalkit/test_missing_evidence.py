"""What is missing is never good: each way in which evidence can be missing, through the real command.

The fakes know the truth (`tests/fakes/evalkit_fake_truth.py`), so that each test says what is bad and what is missing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from evalkit.api.results import GateResult, GateStatus, Outcome, RunSummary, Undecided
from evalkit.store.run_reader import RunReader
from evalkit.verdict.results import StoredResults
from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

PASS, FAIL, UNDECIDED = GateStatus


class Ended(NamedTuple):
    """A run that has ended: its exit code, what it printed, and its summary."""

    code: int
    out: str
    err: str
    summary: RunSummary | None

    @property
    def gates(self) -> tuple[GateResult, ...]:
        assert self.summary is not None, self.err
        return self.summary.gates

    @property
    def statuses(self) -> list[GateStatus]:
        return [gate.status for gate in self.gates]


Runner = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, evalkit: Command) -> Runner:
    """`run(gates, truth={…}, student={…}, …)`: a run of the fakes that know the truth."""

    def call(
        gates: list[dict[str, Any]],
        *arguments: object,
        truth: dict[str, Any] | None = None,
        student: dict[str, Any] | None = None,
        teacher: dict[str, Any] | None = None,
        benchmark: dict[str, Any] | None = None,
        judges: tuple[str, ...] = ("fake-content",),
        alone: bool = False,
        out: str = "out",
        env: dict[str, str] | None = None,
        **more: object,
    ) -> Ended:
        config = {
            "benchmark": {"use": "fake-questions", **(benchmark or {})},
            "student": {"use": "fake-painter", "name": "student", **(student or {})},
            "teacher": None if alone else {"use": "fake-painter", "name": "teacher", **(teacher or {})},
            "judges": [{"use": "fake-truth", **(truth or {})}, *judges],
            "exporters": [],
            "cache": False,
            "out": out,
            "gates": gates,
            **more,
        }
        (tmp_path / f"{out}.yaml").write_text(yaml.safe_dump(config))
        done: subprocess.CompletedProcess[str] = evalkit("run", f"{out}.yaml", *arguments, env=env)
        assert "Traceback" not in done.stderr, done.stderr
        summary = None
        if (tmp_path / out / "run.sqlite").is_file():
            with RunReader(tmp_path / out) as reader, StoredResults(reader) as results:
                summary = results.summary() if reader.meta("summary") else None
        return Ended(done.returncode, done.stdout, done.stderr, summary)

    return call


QUALITY = {"dimension": "fake.truth", "min_value": 0.9}
DROP = {"dimension": "fake.truth", "max_drop": 0.1}
TYPO = {"finding": "typo", "max_rate": 0.1}
CONTENT = {"dimension": "fake.content", "min_value": 0.8}


# ------------------------------------------------------------------------------------------------------- missing cells


def test_a_judge_that_scores_nothing_decides_nothing(run: Runner) -> None:
    ended = run([QUALITY, DROP, TYPO], truth={"abstain": "0:60"}, student={"bad": "0:24"})
    assert (ended.code, ended.statuses) == (3, [UNDECIDED] * 3)
    assert "only 0 of 60 cells of the student were scored: could not read it" in ended.out
    assert "0 of 3 gates passed" in ended.out
    assert "every gate" not in ended.out


def test_abstaining_on_bad_pictures_passes_no_gate(run: Runner) -> None:
    gates = [QUALITY, DROP, TYPO, TYPO | {"blame": "student-only"}]
    ended = run(gates, truth={"abstain_on_bad": True}, student={"bad": "0:10"}, teacher={"bad": "0:1"})
    assert (ended.code, ended.statuses) == (3, [UNDECIDED] * 4)
    for gate in ended.gates:
        assert gate.cause is Undecided.EVIDENCE
        assert gate.asked is not None
        assert (gate.asked.student, gate.asked.student_scored) == (60, 50)
        assert (gate.asked.reference, gate.asked.reference_scored) == (60, 59)
        assert gate.imputed is not None
        assert "could not read it (11 cells)" in gate.detail
        assert "with every missing cell at its least favourable value" in gate.detail
    assert "scored 50 of 60, reference 59 of 60, 1 missing on both sides" in ended.out


def test_crashing_on_bad_pictures_passes_no_gate(run: Runner) -> None:
    gates = [QUALITY, DROP, TYPO, TYPO | {"blame": "student-only"}, CONTENT]
    ended = run(gates, truth={"crash_on_bad": True}, student={"bad": "0:10"})
    assert (ended.code, ended.statuses) == (3, [*[UNDECIDED] * 4, PASS])
    assert "10 of 60 cells of the student have no verdict: RuntimeError: the judge crashed (fake) (10" in ended.out
    assert "1 of 5 gates passed" in ended.out


def test_pictures_that_only_the_student_does_not_deliver(run: Runner) -> None:
    ended = run([QUALITY, DROP, TYPO], student={"lost": "0:5"})
    assert (ended.code, ended.statuses) == (3, [UNDECIDED] * 3)
    assert "5 of 60 cells of the student have no verdict: no picture: CUDA error: out of memory (fake) (5" in ended.out


def test_few_missing_pictures_count_as_bad_ones(run: Runner) -> None:
    tight = [DROP | {"max_drop": 0.08}, TYPO | {"max_rate": 0.08}]
    ended = run(tight, student={"lost": "0:2"})  # 2 of 60 are within `min_coverage`
    assert (ended.code, ended.statuses) == (3, [UNDECIDED] * 2)
    assert [gate.cause for gate in ended.gates] == [Undecided.EVIDENCE] * 2
    both = run(tight, student={"lost": "0:2"}, teacher={"lost": "0:2"}, out="both")
    assert (both.code, both.statuses) == (0, [PASS] * 2)
    assert both.gates[0].asked is not None
    assert both.gates[0].asked.left_out == 2
    alone = run([TYPO | {"max_rate": 0.08}], student={"lost": "0:2"}, alone=True, out="alone")
    assert (alone.code, alone.statuses) == (3, [UNDECIDED])


def test_a_teacher_that_misses_too_much_excuses_nothing(run: Runner) -> None:
    gates = [QUALITY, DROP, TYPO]
    ended = run(gates, truth={"abstain": "0:10"}, teacher={"lost": "0:10"})
    assert (ended.code, ended.statuses) == (3, [UNDECIDED] * 3)
    assert "10 of 60 cells of the teacher have no verdict: " in ended.gates[0].detail


def test_cells_of_a_pair_are_missing_if_the_teachers_picture_is_there(run: Runner) -> None:
    gates = [{"dimension": f"fake.{name}", "max_value": 0.1} for name in ("distance", "pair")]
    few = {"abstain": "0:8"}
    ended = run(gates, truth=few, judges=("fake-pair:abstain='0:8'",))
    assert (ended.code, ended.statuses) == (3, [UNDECIDED] * 2)
    for gate in ended.gates:
        assert gate.cause is Undecided.EVIDENCE, gate.detail
        assert gate.asked is not None
        assert (gate.asked.student_scored, gate.asked.reference_scored, gate.asked.left_out) == (52, 60, 0)
    # a judge that declares the scope of its distance is refused at the start (`test_scope.py`); this one does not
    ended = run([{"dimension": "fake.pair", "max_drop": 0.1}], judges=("fake-pair",), out="drop")
    assert (ended.code, ended.statuses) == (3, [UNDECIDED])
    assert "only 0 of 60 cells of the teacher were scored" in ended.gates[0].detail


def test_a_missing_cell_without_a_worst_value(run: Runner) -> None:
    slips = {"dimension": "fake.slips", "max_value": 0.5}
    ended = run([slips], student={"lost": "0:2", "bad": "10:20"})
    assert (ended.code, ended.statuses) == (3, [UNDECIDED])
    assert "declares no worst value" in ended.out


# ------------------------------------------------------------------------------------------------------ not applicable


def test_nothing_scored_says_why(run: Runner) -> None:
    suite = {"count": 40, "textless": "0:30"}
    ended = run([QUALITY], truth={"abstain": "30:40", "reason": "the picture is a JPEG"}, benchmark=suite)
    assert (ended.code, ended.statuses) == (3, [UNDECIDED])
    assert "the case asks for no text (30 cells)" in ended.out
    assert "the picture is a JPEG (" in ended.out
    assert "fake.truth, fake.slips: not applicable to 30 of 40 cases: the case asks for no text (30)" in ended.err
    assert ended.err.index("not applicable") < ended.err.index("pictures: "), "it is said before the first picture"


def test_a_gate_that_asks_nothing_is_undecided(tmp_path: Path, run: Runner, evalkit: Command) -> None:
    ended = run([QUALITY, CONTENT], benchmark={"textless": "0:60"})
    assert (ended.code, ended.statuses) == (3, [UNDECIDED, PASS])
    assert "nothing was asked of the student: the case asks for no text (60 cells)" in ended.out
    assert "the gate `fake.truth at least 0.9` asks no case of this run" in ended.err
    elsewhere = run([CONTENT | {"where": {"category": "postcard"}}], out="elsewhere")
    assert (elsewhere.code, elsewhere.statuses) == (3, [UNDECIDED])
    doctor = evalkit("doctor", "out.yaml")
    assert doctor.returncode == 3
    assert "fake.truth, fake.slips: not applicable to 60 of 60 cases" in doctor.stdout
    assert "fake.truth at least 0.9: no case of this run asks for it" in doctor.stdout


def test_what_does_not_apply_is_in_no_denominator(run: Runner) -> None:
    suite = {"count": 80, "textless": "0:20"}
    ended = run([QUALITY], truth={"abstain_on_bad": True}, student={"bad": "0:20"}, benchmark=suite)
    assert (ended.code, ended.statuses) == (0, [PASS]), ended.out
    (gate,) = ended.gates
    assert gate.asked is not None
    assert (gate.asked.student, gate.asked.student_scored, gate.asked.not_applicable) == (60, 60, 20)
    assert "60/60 scored" in ended.out
    assert "20 not applicable" in ended.out


# ------------------------------------------------------------------------------------------------------------ findings


def test_pictures_that_only_another_judge_looked_at_do_not_count(run: Runner) -> None:
    ended = run([TYPO], truth={"abstain": "0:40"})  # `fake-content` scores all of them
    (gate,) = ended.gates
    assert (ended.code, gate.status) == (3, UNDECIDED)
    assert gate.asked is not None
    assert (gate.asked.student, gate.asked.student_scored) == (60, 20)


def test_a_kind_is_looked_for_under_its_dimensions(run: Runner) -> None:
    ended = run([TYPO], truth={"unsure_of_text": "0:40"}, benchmark={"count": 80, "textless": "60:80"})
    (gate,) = ended.gates  # the distance to the twin is scored on all 80 pictures, which says nothing of typos
    assert (ended.code, gate.status) == (3, UNDECIDED)
    assert gate.asked is not None
    assert (gate.asked.student, gate.asked.student_scored, gate.asked.not_applicable) == (60, 20, 20)


def test_an_unknown_kind_of_finding_is_refused_before_the_run(tmp_path: Path, run: Runner) -> None:
    ended = run([{"finding": "typos", "max_rate": 0.05}])
    assert ended.code == 2
    assert "no judge of this run reports findings of the kind `typos`" in ended.err
    assert "did you mean `typo`?" in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("blame", ["student-only", "worsened", "both"])
def test_blame_without_a_teacher_is_refused_before_the_run(tmp_path: Path, run: Runner, blame: str) -> None:
    ended = run([TYPO | {"blame": blame}], alone=True)
    assert ended.code == 2
    assert f"`blame: {blame}` on `typo` needs a teacher" in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (TYPO | {"blame": "teacher-only"}, "`teacher-only` is never one of them"),
        (QUALITY | {"blame": "student-only"}, "`blame` is about findings"),
        (QUALITY | {"min_value": float("nan")}, "finite"),
        (QUALITY | {"where": {"taks": "edit"}}, "did you mean `task`?"),
    ],
)
def test_gates_that_mean_nothing_are_refused(run: Runner, gate: dict[str, Any], says: str) -> None:
    ended = run([gate])
    assert ended.code == 2
    assert says in ended.err


def test_a_student_that_draws_no_text_fails_the_family(run: Runner) -> None:
    gates = [TYPO, TYPO | {"finding": "text"}]
    ended = run(gates, student={"bad": "0:60", "defect": "missing-text"})
    assert (ended.code, ended.statuses) == (1, [PASS, FAIL])
    assert len(ended.gates[1].cases) == 60


def test_a_gate_counts_the_grade_it_names(run: Runner) -> None:
    gates = [{"finding": "smudge", "max_rate": 0.1}, {"finding": "smudge", "max_rate": 0.1, "grade": "defect"}]
    ended = run(gates, student={"bad": "0:30", "defect": "smudge"})
    assert (ended.code, ended.statuses) == (1, [PASS, FAIL])
    assert "smudge of grade defect or worse in at most 0.1 of the cases: fail" in ended.out


# --------------------------------------------------------------------------------------------- parts of the suite


@pytest.mark.parametrize(
    ("where", "suite"),
    [
        ({"task": "edit"}, {"edits": "0:20"}),
        ({"category": "poster"}, {"posters": "0:20"}),
        ({"tag": "cjk"}, {"cjk": "0:20"}),
        ({"task": "edit", "tag": "cjk"}, {"edits": "0:20", "cjk": "0:40"}),
    ],
)
def test_a_part_of_the_suite_cannot_be_lost_inside_the_mean(
    run: Runner, where: dict[str, str], suite: dict[str, str]
) -> None:
    whole = {"dimension": "fake.truth", "max_drop": 0.4}
    ended = run([whole, whole | {"where": where}], student={"bad": "0:20"}, benchmark=suite | {"count": 100})
    assert (ended.code, ended.statuses) == (1, [PASS, FAIL])
    assert f"where {next(iter(where))} is {next(iter(where.values()))}" in ended.out
    assert ended.gates[1].asked is not None
    assert ended.gates[1].asked.student == 20


def test_chosen_cases_pass_no_gate_and_a_generous_limit_does(run: Runner) -> None:
    chosen = run([CONTENT], "--case", "question/0001", "--case", "question/0002")
    assert (chosen.code, chosen.statuses) == (3, [UNDECIDED])
    wide = run([CONTENT], "--limit", "1000", out="wide")
    assert (wide.code, wide.statuses) == (0, [PASS])
    narrow = run([CONTENT], "--limit", "50", out="narrow")
    assert (narrow.code, narrow.statuses) == (3, [UNDECIDED])
    assert "only the first 50 cases were asked" in narrow.out


# ------------------------------------------------------------------------------------------------- what the run says


def test_failed_beats_undecided_beats_passed(run: Runner) -> None:
    open_, lost = {"dimension": "fake.slips", "max_value": 0.5}, {"lost": "0:2"}
    ended = run([CONTENT, open_, DROP], student=lost | {"bad": "30:60"})
    assert (ended.code, ended.statuses) == (1, [PASS, UNDECIDED, FAIL])
    assert ended.out.index("gate failed") < ended.out.index("gate undecided")
    ended = run([CONTENT, open_], student=lost, out="open")
    assert (ended.code, ended.statuses) == (3, [PASS, UNDECIDED])
    ended = run([CONTENT], student=lost, out="fine")
    assert (ended.code, ended.statuses) == (0, [PASS])


def test_an_invalid_judge_decides_none_of_its_gates_and_all_others_stand(run: Runner) -> None:
    ended = run([QUALITY, TYPO, CONTENT], truth={"lying": True})
    assert (ended.code, ended.statuses) == (3, [UNDECIDED, UNDECIDED, PASS])
    assert [gate.cause for gate in ended.gates[:2]] == [Undecided.INVALID_JUDGE] * 2
    assert "the judge fake-truth failed the control `black is good`" in ended.out
    ended = run([CONTENT], truth={"lying": True}, out="others")
    assert ended.code == 0
    assert "judge invalid: fake-truth" in ended.out, "it is still said"
    ended = run([], truth={"lying": True}, out="ungated")
    assert ended.code == 3


def test_ungated_dimensions_only_warn(run: Runner) -> None:
    ended = run([CONTENT], truth={"crash_on_bad": True}, student={"bad": "0:10"})
    assert ended.code == 0
    assert "coverage of fake-truth on the student's pictures is 83.3% (50 of 60 cells of fake.truth)" in ended.out
    ended = run([], truth={"crash_on_bad": True}, student={"bad": "0:10"}, out="ungated")
    assert ended.code == 3


def test_a_run_without_gates_is_measured(run: Runner) -> None:
    for number, (arguments, env) in enumerate([(("--no-gates",), None), ((), {"EVALKIT_NO_GATES": "1"})]):
        ended = run([DROP], *arguments, student={"bad": "0:60"}, env=env, out=f"out{number}")
        assert ended.code == 0
        assert ended.summary is not None
        assert ended.summary.outcome is Outcome.MEASURED
        assert "measured: no gate applied" in ended.out


def test_a_gate_may_only_warn_of_too_few_cases_but_never_of_missing_evidence(run: Runner) -> None:
    close = {"dimension": "fake.truth", "min_value": 0.95, "undecided": "warn"}
    ended = run([close], student={"bad": "0:4"})
    assert (ended.code, ended.statuses, ended.gates[0].cause) == (0, [UNDECIDED], Undecided.POWER)
    assert "undecided: gate undecided: fake.truth at least 0.95" in ended.out
    missing = close | {"min_value": 0.9}
    ended = run([missing], truth={"abstain_on_bad": True}, student={"bad": "0:10"}, out="missing")
    assert (ended.code, ended.statuses, ended.gates[0].cause) == (3, [UNDECIDED], Undecided.EVIDENCE)


# ------------------------------------------------------------------------------------------------- against a baseline


def test_what_only_the_new_run_misses_is_no_pass_against_a_baseline(run: Runner, evalkit: Command) -> None:
    assert run([], out="base").code == 0
    against = DROP | {"against": "baseline", "max_drop": 0.08}
    ended = run([against], student={"lost": "0:2"}, baseline="base")
    assert (ended.code, ended.statuses) == (3, [UNDECIDED])
    assert ended.gates[0].cause is Undecided.EVIDENCE
    compared = evalkit("compare", "base", "out", "--max-drop", "fake.truth=0.08")
    assert compared.returncode == 3, compared.stdout
    assert "58 of 60" in compared.stdout


def test_cases_that_the_baseline_was_never_asked_are_missing(run: Runner, evalkit: Command) -> None:
    assert run([], "--limit", "20", out="base").code == 0
    ended = run([DROP | {"against": "baseline", "max_drop": 0.3}], student={"bad": "20:60"}, baseline="base")
    assert (ended.code, ended.statuses) == (3, [UNDECIDED])
    assert "40 of 60 cells of the baseline have no verdict: the baseline was not asked for it" in ended.out
    compared = evalkit("compare", "base", "out", "--max-drop", "fake.truth=0.3")
    assert compared.returncode == 3, compared.stdout


def test_a_run_begun_before_kinds_were_kept_gets_them_when_it_goes_on(tmp_path: Path, run: Runner) -> None:
    import sqlite3

    run([])
    with sqlite3.connect(tmp_path / "out" / "run.sqlite") as database:
        database.execute("DELETE FROM meta WHERE key IN ('kinds', 'summary')")
    assert run([]).code == 0
    with RunReader(tmp_path / "out") as reader:
        assert set(reader.kinds()["fake-truth"]) == {"typo", "missing-text", "smudge"}
