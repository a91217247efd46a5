"""The JUnit file, read back as a CI server would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from evalkit.api.records import Blame, Role
from evalkit.api.results import Bucket
from evalkit.reports.ci.junit import JunitExporter
from evalkit.reports.escape import REPLACEMENT
from tests.reports.conftest import FakeRunResults


def junit_of(results: FakeRunResults, out: Path, **settings: str) -> ElementTree.Element:
    return ElementTree.parse(JunitExporter(JunitExporter.Settings(**settings)).export(results, out)).getroot()


def suite(root: ElementTree.Element, name: str) -> ElementTree.Element:
    return next(s for s in root if s.get("name") == name)


def outcomes(suite: ElementTree.Element) -> dict[str, str]:
    results = ("failure", "error", "skipped")
    return {
        c.get("name", ""): next((r for r in results if c.find(r) is not None), "passed") for c in suite.iter("testcase")
    }


def test_counts_are_those_of_the_cases(demo: FakeRunResults, tmp_path: Path) -> None:
    root = junit_of(demo, tmp_path / "out")
    names = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for counted in (*root, root):
        assert int(counted.get("tests", -1)) == len(list(counted.iter("testcase")))
        for attribute, tag in names.items():
            assert int(counted.get(attribute, -1)) == len(list(counted.iter(tag))), (counted.get("name"), tag)


def test_a_failure_of_the_picture_fails_its_test_case(demo: FakeRunResults, tmp_path: Path) -> None:
    said = outcomes(suite(junit_of(demo, tmp_path / "out"), "judge typography"))
    assert said["poster/harbour-jazz [seed 0]"] == "failure"
    assert said["poster/harbour-jazz [seed 1]"] == "passed"
    assert said["poster/open-studio [seed 0]"] == "passed"  # inherited
    assert said["poster/open-studio [seed 1]"] == "error"  # no picture


def test_an_inherited_failure_is_a_note_of_a_pass(demo: FakeRunResults, tmp_path: Path) -> None:
    case = case_of(junit_of(demo, tmp_path / "out"), "typography", "poster/open-studio [seed 0]")
    assert [child.tag for child in case] == ["system-out"]
    assert "inherited: typo at [" in (case.findtext("system-out") or "")
    assert "“Residlents”" in (case.findtext("system-out") or "")


def test_the_grade_decides(demo: FakeRunResults, tmp_path: Path) -> None:
    name = "poster/harbour-jazz [seed 0]"  # its grain is a defect
    assert outcomes(suite(junit_of(demo, tmp_path / "out"), "judge grain"))[name] == "passed"
    mild = junit_of(demo, tmp_path / "mild", min_grade="defect")
    assert outcomes(suite(mild, "judge grain"))[name] == "failure"


def test_errors_and_abstentions_carry_their_reasons(demo: FakeRunResults, tmp_path: Path) -> None:
    root = junit_of(demo, tmp_path / "out")
    name = "poster/harbour-jazz [seed 0]"
    error = next(c for c in suite(root, "judge vlm") if c.get("name") == name).find("error")
    skipped = next(c for c in suite(root, "judge layout") if c.get("name") == name).find("skipped")
    assert error is not None
    assert "server closed the connection" in error.get("message", "")
    assert skipped is not None
    assert "the case declares no relation" in skipped.get("message", "")


def test_gates_and_controls_have_their_suites(demo: FakeRunResults, tmp_path: Path) -> None:
    root = junit_of(demo, tmp_path / "out")
    assert list(outcomes(suite(root, "gates")).values()) == ["passed", "failure", "skipped"]
    assert set(outcomes(suite(root, "controls")).values()) == {"passed"}


def test_hostile_text_keeps_the_file_well_formed(hostile: FakeRunResults, tmp_path: Path) -> None:
    root = junit_of(hostile, tmp_path / "out")
    failure = next(root.iter("failure"))
    assert "</script><img src=x onerror=alert(1)>" in failure.get("message", "")
    assert REPLACEMENT in failure.get("message", "")
    assert not [e for e in root.iter() if e.tag == "img"]


def test_ten_thousand_test_cases(many: Callable[[int], FakeRunResults], tmp_path: Path) -> None:
    root = junit_of(many(2500), tmp_path / "out")
    judged = [s for s in root if (s.get("name") or "").startswith("judge ")]
    assert sum(int(s.get("tests", 0)) for s in judged) >= 9_000
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["junit.xml"]


def case_of(root: ElementTree.Element, judge: str, name: str) -> ElementTree.Element:
    return next(c for c in suite(root, f"judge {judge}").iter("testcase") if c.get("name") == name)


def message(case: ElementTree.Element, tag: str) -> str:
    found = case.find(tag)
    assert found is not None, ElementTree.tostring(case)
    return found.get("message", "")


def told(compared: FakeRunResults, position: int, out: Path, **changes: Any) -> ElementTree.Element:
    """The typography test case of the case at `position`, with its findings or its change replaced."""
    cases = list(compared.cases())
    result = cases[position]
    assert result.change is not None
    blame, bucket = changes.get("blame", Blame.STUDENT_ONLY), changes.get("bucket", result.change.bucket)
    verdicts = tuple(
        replace(v, findings=tuple(replace(f, blame=blame) for f in v.findings)) for v in result.verdicts[Role.STUDENT]
    )
    change = replace(result.change, bucket=bucket)
    cases[position] = replace(result, verdicts={Role.STUDENT: verdicts}, change=change)
    compared.make = lambda: iter(cases)
    return case_of(junit_of(compared, out), "typography", f"{result.case.id} [seed {result.seed}]")


def test_what_is_new_says_so(compared: FakeRunResults, tmp_path: Path) -> None:
    assert message(told(compared, 0, tmp_path), "failure").startswith("regressed: “HARB0UR”")
    assert message(told(compared, 0, tmp_path, bucket=Bucket.NEW_FAILURE), "failure").startswith("new failure: ")


def test_what_still_fails_says_so_and_what_is_inherited_passes(compared: FakeRunResults, tmp_path: Path) -> None:
    compared.run = replace(compared.run, flaky=())
    own = told(compared, 0, tmp_path, bucket=Bucket.STILL_FAILING)
    assert message(own, "failure").startswith("still failing: ")
    inherited = told(compared, 0, tmp_path, bucket=Bucket.UNCHANGED, blame=Blame.BOTH)
    assert inherited.find("failure") is None


def test_a_flaky_case_fails_nothing_and_says_what_it_would_have(compared: FakeRunResults, tmp_path: Path) -> None:
    case = told(compared, 4, tmp_path)
    assert message(case, "skipped").startswith("flaky, known to be unstable: still failing: “Sleper”")
    assert case.find("failure") is None
    compared.run = replace(compared.run, flaky=())
    assert told(compared, 4, tmp_path).find("failure") is not None


def test_what_was_fixed_passes_with_a_note(compared: FakeRunResults, tmp_path: Path) -> None:
    case = case_of(junit_of(compared, tmp_path), "typography", "poster/fresh-bread [seed 1]")
    assert [child.tag for child in case] == ["system-out"]
    assert "fixed: the baseline had typo at [" in (case.findtext("system-out") or "")


def test_what_can_not_be_compared_is_judged_as_without_a_baseline(compared: FakeRunResults, tmp_path: Path) -> None:
    case = told(compared, 6, tmp_path)
    assert not message(case, "failure").startswith(("regressed", "new", "still"))
    assert "not compared with the baseline: the case has changed" in (case.findtext("system-out") or "")
