"""Runs side by side: ranks, refusals, the newest of each generator."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.errors import UsageError
from evalkit.api.results import ControlResult, GateResult, GateStatus, Interval, Outcome, Undecided
from evalkit.reports.leaderboard.merge import Leaderboard
from tests.reports.conftest import FakeRunResults
from tests.reports.leaderboard_runs import a_run, judged_cases, merged

pytest.importorskip("jsonschema")


def ranks(content: dict[str, Any], dimension: str = "words") -> dict[str, tuple[int | None, int | None]]:
    """Generator -> best and worst rank."""
    return {
        entry["generator"]: (figure["rank_best"], figure["rank_worst"])
        for entry in content["entries"]
        for figure in entry["dimensions"]
        if figure["dimension"] == dimension
    }


def test_the_range_of_ranks_counts_the_intervals_entirely_above_and_below(tmp_path: Path) -> None:
    content = merged(
        {
            "d": a_run("d", (0.30, 0.20, 0.40)),
            "a": a_run("a", (0.95, 0.91, 0.99)),
            "c": a_run("c", (0.80, 0.70, 0.90)),
            "b": a_run("b", (0.90, 0.85, 0.95)),
        },
        tmp_path,
    )
    # c overlaps b but not a; b overlaps both
    assert ranks(content) == {"a": (1, 2), "b": (1, 3), "c": (2, 3), "d": (4, 4)}
    assert [entry["generator"] for entry in content["entries"]] == ["a", "b", "c", "d"]


def test_touching_intervals_are_not_told_apart(tmp_path: Path) -> None:
    content = merged({"a": a_run("a", (0.9, 0.8, 1.0)), "b": a_run("b", (0.7, 0.6, 0.8))}, tmp_path)
    assert ranks(content) == {"a": (1, 2), "b": (1, 2)}


def test_lower_is_better_where_the_dimension_says_so(tmp_path: Path) -> None:
    runs = {
        "a": a_run("a", (0.9, 0.88, 0.92), (0.30, 0.25, 0.35)),
        "b": a_run("b", (0.5, 0.48, 0.52), (0.10, 0.05, 0.15)),
    }
    content = merged(runs, tmp_path, dimension="ned")
    assert ranks(content, "ned") == {"b": (1, 1), "a": (2, 2)}
    assert ranks(content) == {"a": (1, 1), "b": (2, 2)}
    assert [entry["generator"] for entry in content["entries"]] == ["b", "a"]
    assert content["sorted_by"] == "ned"


def test_without_an_interval_there_is_no_rank(tmp_path: Path) -> None:
    content = merged(
        {
            "lone": a_run("lone", (1.0, None, None)),
            "none": a_run("none", (None, None, None)),
            "half": a_run("half", (0.99, 0.98, None)),
            "good": a_run("good", (0.5, 0.4, 0.6)),
        },
        tmp_path,
    )
    assert ranks(content) == {
        "good": (1, 1), "lone": (None, None), "half": (None, None), "none": (None, None),
    }  # fmt: skip
    assert [entry["generator"] for entry in content["entries"]] == ["good", "lone", "half", "none"]


def test_an_undecided_run_is_listed_but_not_ranked(tmp_path: Path) -> None:
    runs = {"a": a_run("a", (0.99, 0.98, 1.0), outcome=Outcome.UNDECIDED), "b": a_run("b", (0.5, 0.4, 0.6))}
    assert ranks(merged(runs, tmp_path)) == {"b": (1, 1), "a": (None, None)}


def test_a_run_that_only_lacks_cases_is_ranked_and_one_that_lacks_evidence_is_not(tmp_path: Path) -> None:
    def undecided_run(name: str, *causes: Undecided, controls: tuple[ControlResult, ...] = ()) -> FakeRunResults:
        gates = tuple(GateResult("words at least 0.9", GateStatus.UNDECIDED, "", cause=cause) for cause in causes)
        return a_run(name, (0.9, 0.8, 1.0), outcome=Outcome.UNDECIDED, gates=gates, controls=controls)

    failed = ControlResult("typography", "blank", "words at most 0.1", False, "it said 1")
    runs = {
        "few": undecided_run("few", Undecided.POWER, Undecided.FAMILY),
        "gaps": undecided_run("gaps", Undecided.POWER, Undecided.EVIDENCE),
        "lying": undecided_run("lying", Undecided.POWER, controls=(failed,)),
        "whole": a_run("whole", (0.5, 0.4, 0.6)),
    }
    content = merged(runs, tmp_path)
    assert ranks(content) == {"few": (1, 1), "whole": (2, 2), "gaps": (None, None), "lying": (None, None)}
    said = {entry["generator"]: entry["dimensions"][0]["not_ranked"] for entry in content["entries"]}
    assert said["gaps"] == "its run is undecided (too few cases, missing evidence)"
    assert said["lying"] == "its run is undecided (too few cases, a judge that failed its controls)"
    assert next(e for e in content["entries"] if e["generator"] == "few")["undecided_by"] == [
        "too few cases",
        "the correction for several gates",
    ]
    again = merged({}, tmp_path / "again", tmp_path / "leaderboard.json")
    assert ranks(again) == ranks(content), "the file says why, so that it can be merged without its runs"


def test_a_figure_with_few_scored_cells_is_not_ranked_and_moves_nobody(tmp_path: Path) -> None:
    runs = {"a": a_run("a", (1.0, 0.99, 1.0), scored=1), "b": a_run("b", (0.5, 0.4, 0.6))}
    content = merged(runs, tmp_path)
    assert ranks(content) == {"b": (1, 1), "a": (None, None)}
    assert content["entries"][1]["dimensions"][0]["not_ranked"] == ("only 1 of 8 cells were scored; a rank takes 80 %")
    assert content["min_coverage"] == 0.8


def test_a_missing_cell_lifts_nobody(tmp_path: Path) -> None:
    whole, other = a_run("whole", (0.80, 0.76, 0.84)), a_run("gaps", (0.90, 0.86, 0.94))
    assert ranks(merged({"1": whole, "2": other}, tmp_path)) == {"gaps": (1, 1), "whole": (2, 2)}
    gaps = a_run("gaps", (0.90, 0.86, 0.94), scored=7)  # its missing cell may be a 0: the mean may be .79
    assert ranks(merged({"1": whole, "2": gaps}, tmp_path)) == {"gaps": (1, 2), "whole": (1, 2)}


def test_runs_are_compared_case_by_case_and_files_by_their_intervals(tmp_path: Path) -> None:
    worse, better = [0.1, 0.5, 0.9] * 20, [0.2, 0.65, 1.0] * 20
    runs = {
        "a": a_run("a", (0.5, 0.38, 0.62), digest="0a" * 32, cases=judged_cases(*worse)),
        "b": a_run("b", (0.6, 0.48, 0.72), digest="0b" * 32, cases=judged_cases(*better)),
    }
    content = merged(runs, tmp_path / "runs")
    assert ranks(content) == {"b": (1, 1), "a": (2, 2)}
    assert content["rank_basis"] == "all pairs of entries were compared case by case"
    assert content["paired_runs"] == ["0a" * 32, "0b" * 32]
    merged({"a": runs["a"]}, tmp_path / "a")
    content = merged({"b": runs["b"]}, tmp_path / "both", tmp_path / "a" / "leaderboard.json")
    assert ranks(content) == {"b": (1, 2), "a": (1, 2)}
    assert "independent intervals" in content["rank_basis"]


def test_missing_scores_do_not_lift_a_run_that_is_compared_case_by_case(tmp_path: Path) -> None:
    plain, gaps = [0.5, 0.6, 0.7] * 10, [*[0.6, 0.7, 0.8] * 9, None, None, None]
    runs = {
        "a": a_run("a", (0.6, 0.57, 0.63), digest="0a" * 32, cases=judged_cases(*plain)),
        "b": a_run("b", (0.7, 0.67, 0.73), digest="0b" * 32, cases=judged_cases(*gaps)),
    }
    assert ranks(merged(runs, tmp_path)) == {"b": (1, 2), "a": (1, 2)}


def test_a_student_worse_than_its_teacher_does_not_share_its_rank(demo: FakeRunResults, tmp_path: Path) -> None:
    words = demo.run.dimensions[0]
    change = Interval(-0.03, -0.05, -0.01, 4)  # the intervals overlap, the paired difference excludes 0
    close = replace(words, estimate=Interval(0.92, 0.89, 0.95, 4), difference=change)
    run = replace(demo, run=replace(demo.run, dimensions=(close, *demo.run.dimensions[1:])))
    content = merged({"run": run}, tmp_path)
    student = next(entry for entry in content["entries"] if entry["role"] == "student")
    assert student["dimensions"][0]["worse_than_teacher"] is True
    assert ranks(content) == {"flash-mini": (2, 2), "base-mini": (1, 1)}


def test_other_settings_or_another_model_of_a_judge_are_refused(tmp_path: Path) -> None:
    runs = {"runs/one": a_run("a"), "runs/two": a_run("b", judges={"typography": "another model"})}
    with pytest.raises(UsageError, match=r"fingerprint \(settings and model\) of the judge of `words`"):
        merged(runs, tmp_path)
    unknown = {"one": a_run("a", judges={}), "two": a_run("b", judges={}, digest="02" * 32)}
    with pytest.raises(UsageError, match="not known for the run"):
        merged(unknown, tmp_path)


def test_a_file_of_version_0_1_0_is_read(tmp_path: Path) -> None:
    content = merged({"a": a_run("a")}, tmp_path)
    for key in ("rank_basis", "min_coverage", "paired_runs"):
        del content[key]
    (figure,) = content["entries"][0]["dimensions"]
    for key in ("worst", "judge_fingerprint", "rank_best", "rank_worst", "worse_than_teacher", "not_ranked"):
        del figure[key]
    figure |= {"rank": 1, "tied": False}
    file = tmp_path / "old.json"
    file.write_text(json.dumps({**content, "format_version": 2}))
    assert ranks(merged({}, tmp_path / "new", file)) == {"a": (1, 1)}


def test_two_entries_of_one_generator_in_a_file_are_refused(tmp_path: Path) -> None:
    content = merged({"a": a_run("a")}, tmp_path)
    file = tmp_path / "twice.json"
    file.write_text(json.dumps({**content, "entries": content["entries"] * 2}))
    with pytest.raises(UsageError, match="is in it twice"):
        merged({}, tmp_path / "out", file)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (a_run("b", benchmark_digest="77" * 32), ["benchmark digest", "7777777777777777", "9f2c9f2c9f2c9f2c"]),
        (a_run("b", version="2.2"), ["judge of `words`", "typography 2.2", "typography 2.1"]),
        (a_run("b", n_cases=3), ["number of cases", "is 3 here", "but 4 in"]),
        (a_run("b", config={"cases": ["poster/x"]}), ["selected by name", "poster/x", "none"]),
    ],
)
def test_refuses_what_is_not_comparable(other: FakeRunResults, said: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        merged({"runs/one": a_run("a"), "runs/two": other}, tmp_path / "out")
    assert refused.value.where == "runs/two"
    assert all(part in str(refused.value) for part in [*said, "runs/one"])
    assert not (tmp_path / "out").exists()


def test_the_same_judge_must_have_one_version_in_every_pair(tmp_path: Path) -> None:
    runs = {"one": a_run("a", ned=(0.1, 0.0, 0.2)), "two": a_run("b"), "three": a_run("c", ned=(0.1, 0.0, 0.2))}
    two = runs["two"].run
    runs["two"] = replace(runs["two"], run=replace(two, dimensions=()))  # judged by nobody: no conflict
    assert len(merged(runs, tmp_path)["entries"]) == 3
    runs["three"] = a_run("c", version="3")
    with pytest.raises(UsageError, match=r"typography 3 here, but typography 2\.1 in one"):
        merged(runs, tmp_path)


def test_the_newest_run_of_a_generator_stays(tmp_path: Path) -> None:
    old = a_run("a", (0.5, 0.4, 0.6), created="2026-11-20T00:00:00+02:00", digest="01" * 32)
    new = a_run("a", (0.9, 0.8, 1.0), created="2026-11-20T00:00:00Z", digest="02" * 32)  # two hours later
    leaderboard = Leaderboard(Leaderboard.Settings())
    written = leaderboard.write({"new": new, "old": old}, (), tmp_path, formats=("json",))
    (entry,) = json.loads(written.files[0].read_text())["entries"]
    assert entry["dimensions"][0]["value"] == 0.9
    (note,) = written.notes
    assert "a (student)" in note
    assert "2026-11-20T00:00:00+02:00 (old)" in note


def test_the_same_name_at_another_nfe_is_another_entry(tmp_path: Path) -> None:
    content = merged({"4": a_run("a", nfe=4), "8": a_run("a", nfe=8)}, tmp_path)
    assert sorted(entry["nfe"] for entry in content["entries"]) == [4, 8]


def test_adds_to_an_existing_file(tmp_path: Path) -> None:
    merged({"a": a_run("a", (0.9, 0.85, 0.95))}, tmp_path / "first")
    file = tmp_path / "first" / "leaderboard.json"
    content = merged({"b": a_run("b", (0.97, 0.96, 0.98))}, tmp_path / "second", file)
    assert ranks(content) == {"b": (1, 1), "a": (2, 2)}
    again = merged({"b": a_run("b", (0.97, 0.96, 0.98))}, tmp_path / "second", tmp_path / "second" / "leaderboard.json")
    assert again == content


def test_a_run_and_the_file_made_from_it_are_one_entry(tmp_path: Path) -> None:
    merged({"a": a_run("a")}, tmp_path)
    leaderboard = Leaderboard(Leaderboard.Settings())
    written = leaderboard.write({"a": a_run("a")}, [tmp_path / "leaderboard.json"], tmp_path, formats=("json",))
    assert len(json.loads(written.files[0].read_text())["entries"]) == 1
    assert written.notes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[]", "leaderboard format None"),
        ('{"format_version": 1, "entries": []}', "format 1, this evalkit reads 2 and 3"),
        ('{"format_version": 2, "sorted_by": "", "entries": [{}]}', "`entries.0.generator` is missing"),
        ('{"format_version": 2, "sorted_by": "", "entries": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ("\udcff", "not JSON"),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "leaderboard.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as refused:
        merged({}, tmp_path / "out", file)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": 1e999}, "1e999 is too large"),
        ({"value": None}, "an interval without a value"),
        ({"n_scored": 0}, "nothing was scored"),
        ({"ci_low": 0.99}, "above ci_high"),
        ({"elo": 3}, "unknown key `entries.0.dimensions.0.elo`"),
    ],
)
def test_a_figure_that_can_not_be_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    content = merged({"a": a_run("a")}, tmp_path)
    content["entries"][0]["dimensions"][0] |= change
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(content).replace("Infinity", "1e999"))
    with pytest.raises(UsageError) as refused:
        merged({}, tmp_path, file)
    assert said in str(refused.value)


def test_unknown_names_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no dimension `wrods`"):
        merged({"a": a_run("a")}, tmp_path, dimension="wrods")
    with pytest.raises(UsageError, match="no format `pdf`"):
        Leaderboard(Leaderboard.Settings()).write({"a": a_run("a")}, (), tmp_path, formats=("pdf",))
    with pytest.raises(UsageError, match="no entries"):
        merged({}, tmp_path)
