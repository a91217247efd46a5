"""The checks for plug-in authors: they pass good plug-ins and say what is wrong with the others."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.api import Box, Case, Finding, Generated, Interval, Score, SetFigure, Status, Verdict
from evalkit.testing import check_benchmark, check_exporter, check_generator, check_judge, check_metric
from tests.evalkit.conftest import FAKES

sys.path.append(str(FAKES))
import evalkit_fakes as fakes  # on the path only now


def test_good_ones_pass() -> None:
    check_judge(fakes.FakeBrightnessJudge)
    check_judge(fakes.FakeBrightnessJudge, settings={"late": True})
    check_judge(fakes.FakeJournalJudge)
    check_generator(fakes.FakeFlatGenerator, settings={"batch_size": 1})
    check_generator(fakes.FakeFlatGenerator(fakes.FlatSettings()))
    check_benchmark(fakes.FakeBenchmark)


class Judge(fakes.FakeBrightnessJudge):
    pass


def judged(value: float = 0.5, box: Box | None = None, **evidence: Any) -> Any:
    findings = (Finding("dark", box, 1, "px", 0.5, "dark"),) if box else ()
    return lambda *_: Verdict("fake-brightness", (Score("fake.brightness", Status.SCORED, value),), findings, evidence)


@pytest.mark.parametrize(
    ("member", "value", "says"),
    [
        ("close", None, "has no method `close`"),
        ("dimensions", (), "`dimensions` is not a tuple of Dimension"),
        ("fingerprint", lambda self: str(np.random.default_rng().random()), "changes from call to call"),
        ("judge", lambda *_: Verdict("fake-brightness", ()), "not one for each of"),
        ("judge", lambda *_: None, "returned NoneType, not a Verdict"),
        ("judge", judged(2.0), "above `high` 1.0"),
        ("judge", judged(box=Box(0, 0, 500, 10)), "is not inside 128x128 px"),
        ("judge", judged(array=np.zeros(2)), "can't be written as JSON: Unable to serialize"),
        ("kinds", (), "finds `dark`, which it does not declare"),
        ("kinds", ("dark",), "`kinds` is not a tuple of FindingKind"),
        ("judge", judged(1.0), "fails its control `black is dark`: a black picture scores below 0.5"),
        ("judge", lambda *_: 1 / 0, "judge raised ZeroDivisionError"),
    ],
)
def test_a_faulty_judge_is_told_why(member: str, value: object, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Judge, member, value)
    with pytest.raises(AssertionError, match=says):
        check_judge(Judge)


def test_a_judge_that_names_what_it_does_not_measure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Judge, "applies", lambda *_: {"fake.other": "no"}, raising=False)
    with pytest.raises(AssertionError, match=r"names `fake\.other`, which is none of"):
        check_judge(Judge)


def test_a_picture_that_it_can_not_judge_asks_for_another() -> None:
    with pytest.raises(AssertionError, match="give check_judge a `picture` and a `case`"):
        check_judge(fakes.FakeBrightnessJudge, settings={"fail_on": "example/0001"})


class Generator(fakes.FakeFlatGenerator):
    pass


@pytest.mark.parametrize(
    ("member", "value", "says"),
    [
        ("generate", lambda self, requests: [], "returned 0 results for 2 requests"),
        ("generate", lambda self, requests: [Generated(error="no")] * len(requests), "could not make a picture"),
        (
            "generate",
            lambda self, requests: [Generated(image=np.zeros((4, 4)))] * 2,
            "neither an encoded file nor uint8",
        ),
        (
            "generate",
            lambda self, requests: [self._one(request) for request in sorted(requests, key=lambda r: r.case.id)],
            "in the order of the requests",
        ),
        ("info", lambda self: "grey", "not GeneratorInfo"),
        ("batch_size", property(lambda self: 0, lambda self, value: None), "`batch_size` is 0"),
    ],
)
def test_a_faulty_generator_is_told_why(member: str, value: object, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Generator, member, value, raising=False)
    with pytest.raises(AssertionError, match=says):
        check_generator(Generator)


def test_a_faulty_benchmark_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fakes.FakeBenchmark, "cases", lambda self: iter([Case("a", ""), Case("a", "")]))
    with pytest.raises(AssertionError, match="two cases with the id `a`"):
        check_benchmark(fakes.FakeBenchmark)
    monkeypatch.setattr(fakes.FakeBenchmark, "cases", lambda self: iter(()))
    with pytest.raises(AssertionError, match="has no cases"):
        check_benchmark(fakes.FakeBenchmark)


def test_a_metric_gives_one_figure_per_dimension(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="not one for each of"):
        check_metric(fakes.FakeSetBrightness)
    names = [dimension.name for dimension in fakes.FakeSetBrightness.dimensions]
    figures = [SetFigure(name, Interval(0.5, 0.4, 0.6, 4)) for name in names]
    monkeypatch.setattr(fakes.FakeSetBrightness, "measure", lambda self, one, other, *, twins: figures)
    check_metric(fakes.FakeSetBrightness)


def test_an_exporter_writes_below_the_run_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="export raised KeyError"):
        check_exporter(fakes.FakeBrokenExporter)
    monkeypatch.setattr(fakes.FakeBrokenExporter, "export", lambda self, results, out: Path("/"))
    with pytest.raises(AssertionError, match="outside the run folder"):
        check_exporter(fakes.FakeBrokenExporter)


@pytest.mark.parametrize("name", ["html", "leaderboard", "junit", "summary", "verdict", "github"])
def test_the_exporters_of_evalkit_pass(name: str) -> None:
    from evalkit.plugins.registry import load

    check_exporter(load("exporters", name))
