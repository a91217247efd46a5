"""The view of a case and the sections of the page: their data, and what they show in a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.evidence import HeatMap
from evalkit.api.records import Role, Score, Status, Verdict
from evalkit.api.results import CaseResult, GateResult, GateStatus, Interval, RunSummary
from evalkit.reports.escape import script_json, visible
from evalkit.reports.evidence import MAX_TEXT, blocks_of
from evalkit.reports.html.addresses import address, finding_address
from evalkit.reports.html.case_record import case_record
from evalkit.reports.html.cost_charts import cost_charts, round_ticks
from evalkit.reports.html.differences import align
from evalkit.reports.html.evidence import MOST_ROWS, readable
from evalkit.reports.html.exporter import HtmlExporter
from evalkit.reports.html.forest import forest
from evalkit.reports.html.gate_bars import gate_rows
from evalkit.reports.html.judge_ability import judge_rows
from evalkit.reports.html.missing_scores import MOST_REASONS, MissingScores
from evalkit.reports.html.regressions import regressions
from evalkit.reports.html.shelf import PictureFile, SizedPicture
from tests.reports.conftest import HOSTILE, FakeRunResults
from tests.reports.test_browser import CHROMIUM, opened
from tests.reports.test_html import Page

PICTURES = {role: PictureFile(f"{role.value}.png", "") for role in Role}


def _no_pictures(_: bytes) -> SizedPicture:
    raise AssertionError("there is no picture in this evidence")


def record_of(result: CaseResult, run: RunSummary, baseline: PictureFile | None = None) -> Any:
    return json.loads(script_json(case_record(result, PICTURES, run, baseline)))


def page_of(results: FakeRunResults, out: Path) -> Page:
    return Page(HtmlExporter(HtmlExporter.Settings()).export(results, out).read_text("utf-8"))


# ------------------------------------------------------------------------------------------------ the record of a case


def test_the_baselines_picture_stands_beside_the_others(compared: FakeRunResults) -> None:
    regressed = next(compared.cases())
    record = record_of(regressed, compared.run, PictureFile("baseline.png", ""))
    assert [role["role"] for role in record["roles"]] == ["student", "teacher", "baseline"]
    before = record["roles"][2]
    assert (before["picture"], before["generator"]) == ("baseline.png", "runs/flash-mini-1180")
    assert ["NFE (counted)", "8"] in before["facts"]
    assert before["texts"], "the baseline's verdicts are shown too"
    assert record["change"] == ["regressed", ""]
    assert [len(record_of(regressed, compared.run)["roles"])] == [2]


def test_a_case_says_why_it_is_incomparable_and_that_it_is_flaky(compared: FakeRunResults) -> None:
    records = [record_of(result, compared.run) for result in compared.cases()]
    assert ["incomparable", "the case has changed"] in [record["change"] for record in records]
    assert {record["id"] for record in records if record["flaky"]} == {"poster/night-trains"}


def test_the_grain_map_is_drawn_and_not_printed(compared: FakeRunResults) -> None:
    student = record_of(next(compared.cases()), compared.run)["roles"][0]
    (grain,) = student["maps"]
    assert (grain["title"], grain["key"]) == ("Grain map", "g")
    assert (grain["cell"], grain["threshold"]) == (20, 0.12)
    assert max(v for row in grain["values"] for v in row if v is not None) > 3
    (shown,) = (node for judge, node in student["evidence"] if judge == "grain")
    assert [name for name, _ in shown["pairs"]] == ["mask", "threshold", "median"]


@pytest.mark.parametrize(
    "broken",
    [
        "a map",
        {"cell": 0, "values": [[1.0]]},
        {"cell": "8", "values": [[1.0]]},
        {"cell": 8, "values": []},
        {"cell": 8, "values": [[1.0], [1.0, 2.0]]},
        {"cell": 8, "values": [[float("nan")]]},
        {"cell": 8, "values": [["<b>"]]},
        {"cell": 8, "values": [[0.1] * 65]},
    ],
)
def test_a_map_that_can_not_be_drawn_stays_evidence(broken: Any) -> None:
    assert blocks_of({"map": broken}) == {}
    whole = blocks_of({"map": {"cell": 8, "values": [[0.2, None]]}})["map"]
    assert isinstance(whole, HeatMap)
    assert (whole.cell, whole.values, whole.threshold) == (8, ((0.2, None),), None)


def test_evidence_is_cut_and_can_not_become_code() -> None:
    node = readable(
        {
            "__proto__": {"polluted": True},
            "said": "x" * (MAX_TEXT + 1),
            "answers": [{"question": "Is it flat?", "yes": 0.2}, {"question": "Is it red?", "why": None}],
            "rows": [{"n": i} for i in range(MOST_ROWS + 3)],
            "broken": float("nan"),
            "deep": {"a": {"b": {"c": {"d": {"e": 1}}}}},
        },
        _no_pictures,
    )
    pairs = dict(node["pairs"])
    assert pairs["__proto__"] == {"pairs": [["polluted", "yes"]], "more": 0}
    assert pairs["said"].endswith("(1 more characters)")
    assert pairs["answers"]["columns"] == ["question", "yes", "why"]
    assert pairs["answers"]["rows"] == [["Is it flat?", "0.2", ""], ["Is it red?", "", "none"]]
    assert (len(pairs["rows"]["rows"]), pairs["rows"]["more"]) == (MOST_ROWS, 3)
    assert pairs["broken"] == "nan"
    script_json(node)  # nothing in it that JSON lacks


@pytest.mark.parametrize(
    ("expected", "read", "columns"),
    [
        ("HARBOUR", "HARB0UR", [("HARB", "HARB", True), ("O", "0", False), ("UR", "UR", True)]),
        ("Sleeper", "Sleper", [("Sl", "Sl", True), ("e", "", False), ("eper", "eper", True)]),
        ("cafe\u0301", "cafe", [("caf", "caf", True), ("e\u0301", "e", False)]),
        ("ab", "xy", [("a", "x", False), ("b", "y", False)]),
        ("", "", []),
    ],
)
def test_texts_are_aligned_character_by_character(
    expected: str, read: str, columns: list[tuple[str, str, bool]]
) -> None:
    aligned = align(expected, read)
    assert [tuple(column) for column in aligned] == columns
    assert ("".join(c.expected for c in aligned), "".join(c.read for c in aligned)) == (expected, read)


def test_joined_scripts_are_not_cut_into_columns(compared: FakeRunResults) -> None:
    first = next(compared.cases())
    words = [
        {"expected": "سلام", "read": "سلم", "status": "typo"},
        {"expected": "HELLO", "read": "hello", "status": "correct"},
    ]
    verdict = Verdict("typography", (Score("words", Status.SCORED, 0.0),), (), {"words": words})
    ((_, rows),) = record_of(replace(first, verdicts={Role.STUDENT: (verdict,)}), compared.run)["roles"][0]["texts"]
    assert rows[0]["columns"] == []
    assert rows[1]["columns"] == [["HELLO", "hello", True]]  # the judge accepts it: nothing is marked


# ------------------------------------------------------------------------------------------------------- the sections


def test_gate_bars_show_on_which_side_of_the_bound_an_interval_lies(compared: FakeRunResults) -> None:
    rows = gate_rows(compared.run)
    assert [row.gate.status for row in rows] == [
        GateStatus.FAIL,
        GateStatus.UNDECIDED,
        GateStatus.UNDECIDED,
        GateStatus.PASS,
    ]
    failed, weak, unscored, passed = (row.bar for row in rows)
    assert failed
    assert weak
    assert passed
    assert unscored is None
    assert failed.mark.low > failed.bound == failed.allowed_end
    assert weak.mark.low < weak.bound < weak.mark.high
    assert passed.mark.high < passed.bound
    assert rows[0].notes == ("with 4 cases a true difference of 0.031 would be detected with 80 % power",)


def test_a_lower_bound_allows_what_is_above_it(compared: FakeRunResults) -> None:
    gate = GateResult("words at least 0.9", GateStatus.PASS, "", "words", Interval(0.95, 0.92, 0.98, 9), n_needed=40)
    run = replace(compared.run, gates=(gate,), config={"gates": [{"dimension": "words", "min_value": 0.9}]})
    (row,) = gate_rows(run)
    assert row.bar
    assert (row.bar.allowed, row.bar.allowed_end) == (row.bar.bound, 100)
    assert row.bar.mark.low > row.bar.bound
    assert row.notes == ("about 40 cases would decide it",)


@pytest.mark.parametrize("rules", [None, [], [{"dimension": "other", "min_value": 1}], [{"dimension": "words"}]])
def test_without_a_known_bound_there_is_no_bar(compared: FakeRunResults, rules: Any) -> None:
    gate = GateResult("words at least 0.9", GateStatus.PASS, "", "words", Interval(0.95, 0.92, 0.98, 9))
    (row,) = gate_rows(replace(compared.run, gates=(gate,), config={"gates": rules}))
    assert row.bar is None


def test_buckets_link_into_the_list(compared: FakeRunResults) -> None:
    found = regressions(compared.run.comparison)
    assert found
    assert [(tile.bucket.value, tile.n) for tile in found.tiles][:3] == [
        ("regressed", 2),
        ("new failure", 1),
        ("still failing", 1),
    ]
    assert sum(tile.n for tile in found.tiles) == 8
    assert found.tiles[0].address == "#q=bucket%3Aregressed"
    assert [(kind, [group.name for group in groups]) for kind, groups in found.kinds] == [
        ("task", ["t2i"]),
        ("category", ["events", "food", "travel"]),
    ]
    assert [change.reading for change in found.overall] == ["worse", "not significant", "better", "not significant", ""]
    assert regressions(None) is None


def test_addresses_quote_what_the_grammar_would_cut() -> None:
    assert address(("bucket", "new failure")) == "#q=bucket%3A%22new+failure%22"
    assert address(("category", 'a "b" \\')) == "#q=category%3A%22a+%5C%22b%5C%22+%5C%5C%22"
    assert finding_address("typo", "student") == "#q=kind%3Atypo+blame%3Aunknown"


def test_the_forest_holds_the_difference_from_the_baseline(compared: FakeRunResults, demo: FakeRunResults) -> None:
    words = forest(compared.run)[0]
    assert [(difference.reference, difference.reading) for difference in words.differences] == [
        ("teacher", "worse"),
        ("baseline", "worse"),
    ]
    assert [difference.reference for difference in forest(demo.run)[0].differences] == ["teacher"]
    unscored = forest(compared.run)[-1]
    assert (unscored.axis, unscored.differences) == (None, ())
    assert all(value.mark is None for value in unscored.values)


def test_cost_charts_need_two_known_costs(compared: FakeRunResults) -> None:
    run = compared.run
    words = cost_charts(run)[0]
    assert [chart.cost for chart in words.charts] == ["NFE", "seconds per picture"]
    student, teacher = words.charts[0].points
    assert student.x < teacher.x
    assert student.mark.value < teacher.mark.value
    assert words.charts[0].in_words == "NFE: student 4, 0.861 [0.839, 0.883]; teacher 40, 0.942 [0.931, 0.953]"
    uncounted = replace(run, generators=(replace(run.generators[0], nfe=None), run.generators[1]))
    assert [chart.cost for chart in cost_charts(uncounted)[0].charts] == ["seconds per picture"]
    assert cost_charts(replace(run, generators=run.generators[:1])) == []


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.81, 0.97), (-3e-7, 2e-7), (12.0, 912345.0)])
def test_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    from evalkit.reports.html.bars import Axis

    ticks = round_ticks(Axis(low, high))
    assert 2 <= len(ticks) <= 9
    assert all(low <= tick <= high for tick in ticks)


def test_judges_answer_for_their_controls_and_their_gaps(compared: FakeRunResults) -> None:
    missing = MissingScores()
    for result in compared.cases():
        missing.add(result)
    run = compared.run
    failed = replace(run.controls[2], passed=False)
    rows = judge_rows(replace(run, controls=(*run.controls[:2], failed)), missing)
    assert [row.name for row in rows] == ["grain", "typography", "vlm"]
    assert (rows[0].n_right, len(rows[0].controls)) == (0, 1)
    assert (rows[2].n_scored, rows[2].n_expected, rows[2].controls) == (0, 16, ())
    assert [(m.status, m.reason, m.n) for m in rows[2].missing] == [
        (Status.ERROR, "server closed the connection after 3 tries", 3)
    ]


def test_reasons_without_number_take_no_memory_without_bound(compared: FakeRunResults) -> None:
    missing = MissingScores()
    pattern = next(compared.cases())
    for i in range(3 * MOST_REASONS):
        verdict = Verdict("vlm", (Score("checklist", Status.ERROR, reason=f"request {i} failed"),))
        missing.add(replace(pattern, verdicts={Role.STUDENT: (verdict,)}))
    counted = missing.of("vlm")
    assert len(counted) == MOST_REASONS + 1
    assert (counted[0].reason, counted[0].n) == ("other reasons", 2 * MOST_REASONS)


# ------------------------------------------------------------------------------------------------------------ the page


def test_the_page_says_all_of_it_without_javascript(compared: FakeRunResults, tmp_path: Path) -> None:
    page = page_of(compared, tmp_path / "out")
    for said in (
        "runs/flash-mini-1180",
        "with 4 cases a true difference of 0.031 would be detected with 80 % power",
        "the case has changed : 1",
        "nothing to compare",
        "none: nothing shows that this judge works",
        "error: server closed the connection after 3 tries",
        "1 case known to be unstable",
        "4be1" * 16,
    ):
        assert said in page.text, said
    hashes = {a["href"] for t, a in page.elements if t == "a"}
    assert {"#q=bucket%3Aregressed", "#q=category%3Aevents", "#q=kind%3Atypo+blame%3Aboth", "#q=is%3Aflaky"} <= hashes
    ids = {a.get("id") for _, a in page.elements}
    assert {link[1:] for link in hashes if link and "=" not in link} <= ids
    charts = [a for t, a in page.elements if t == "svg" and a.get("aria-hidden") != "true"]
    assert charts
    assert all(a.get("role") == "img" and a.get("aria-label") for a in charts)
    assert not any("style" in a for _, a in page.elements)


def test_a_run_without_baseline_has_no_regressions(demo: FakeRunResults, tmp_path: Path) -> None:
    page = page_of(demo, tmp_path / "out")
    assert "Against the baseline" not in page.text
    assert not [a for _, a in page.elements if "baseline" in (a.get("class") or "") or a.get("id") == "regressions"]


def test_hostile_comparisons_are_text(compared: FakeRunResults, tmp_path: Path) -> None:
    comparison = compared.run.comparison
    assert comparison
    evil = tuple(replace(c, dimension=HOSTILE, group=f"category:{HOSTILE}") for c in comparison.dimensions[:1])
    compared.run = replace(
        compared.run,
        comparison=replace(comparison, baseline=HOSTILE, dimensions=evil, reasons={HOSTILE: 1}),
        flaky=(HOSTILE,),
    )
    page = page_of(compared, tmp_path / "out")
    assert not [t for t, _ in page.elements if t == "img"]
    assert not any(name.startswith("on") for _, a in page.elements for name in a)
    assert page.text.count(visible(HOSTILE).split()[0]) >= 4


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_case_in_the_browser(compared: FakeRunResults, tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(compared, tmp_path / "out")
    dom, console = opened(index, "#case=poster%2Fharbour-jazz&seed=0", tmp_path / "profile")
    assert console == []
    assert dom.count('<canvas class="heat"') == 2  # the student's and the teacher's map
    assert "Slider</button>" in dom
    assert re.search(r"at most 3\.4 L\*, near x \d+, y \d+; \d+ of \d+ squares at or above 0\.12 L\*", dom)
    assert '<del style="grid-area: 1 / 2;">O</del>' in dom
    assert '<ins style="grid-area: 2 / 2;">0</ins>' in dom
    assert "Is the ground one even colour?" in dom
    assert dom.count('class="pane"') == 3


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_bucket_leads_to_its_cases(compared: FakeRunResults, tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(compared, tmp_path / "out")
    dom, console = opened(index, address(("bucket", "regressed"), ("category", "events")), tmp_path / "profile")
    assert console == []
    assert "1 of 8 cases" in dom


def test_the_flip_map_is_drawn_and_not_printed(compared: FakeRunResults) -> None:
    """Beside the grain judge's map, not in its place."""
    drawn = {"cell": 8, "values": [[0.0, 0.5]]}
    verdict = Verdict(
        "fidelity", (Score("fidelity.flip", Status.SCORED, 0.2),), (), {"flip_map": drawn, "flip": {"a": 1}}
    )
    assert blocks_of({"flip_map": {"cell": 8, "values": [["x"]]}}) == {}
    given = next(compared.cases())
    student = record_of(replace(given, verdicts={Role.STUDENT: (verdict,)}), compared.run)["roles"][0]
    (flip,) = student["maps"]
    assert (flip["title"], flip["key"], flip["palette"]) == ("FLIP map", "f", "magma")
    assert {name: flip[name] for name in drawn} == drawn
    assert student["evidence"] == [["fidelity", {"pairs": [["flip", {"pairs": [["a", "1"]], "more": 0}]], "more": 0}]]
