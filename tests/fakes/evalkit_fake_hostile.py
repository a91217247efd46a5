"""Plug-ins that hand over what no store can hold, raise what nobody catches, and name themselves like commands."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import evalkit_fakes as fakes
import numpy as np

from evalkit.api.pictures import Picture
from evalkit.api.protocols import BenchmarkInfo, Control, GeneratorInfo, PictureSet, SetFigure
from evalkit.api.records import (
    Box,
    Case,
    Dimension,
    Finding,
    FindingKind,
    Generated,
    Grade,
    Request,
    Score,
    Status,
    Verdict,
)
from evalkit.api.results import Interval
from evalkit.api.settings import ResolvedPath, Settings

BAD_NAME = "x\n::error::pwned\n##[error]pwned\u202eevil\x1b[31m"


class Silent(Exception):
    """An exception that can't be written."""

    def __str__(self) -> str:
        raise SystemExit(0)


class Unusual(BaseException):
    """No Exception."""


class Exiting(dict[str, Any]):
    """Notes that end the program when they are read."""

    def keys(self) -> Any:
        raise SystemExit(0)

    items = values = __iter__ = keys


class NamelessType(type):
    @property
    def __name__(cls) -> str:
        raise RuntimeError("no name")


class Nameless(metaclass=NamelessType):
    """A thing whose type has no name."""


def misbehave(how: str) -> None:
    """Raise what a plug-in should not."""
    if how == "exit":
        raise SystemExit(0)
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "silent":
        raise Silent
    if how == "unusual":
        raise Unusual("no Exception")
    if how == "surrogate":
        raise RuntimeError("half a pair: \ud800")


def turn(how: str, case: Case) -> str:
    """What is done for a case: `how` lists one thing for each case, joined by `+`."""
    ways, number = how.split("+"), int(case.id[-4:]) if case.id[-4:].isdigit() else 10**6
    return ways[number] if number < len(ways) else ""


class HostileSettings(Settings):
    how: str = ""


class HostileGenerator(fakes.FakeFlatGenerator):
    """Draws as the flat one; for each case it does what its part of `how` says."""

    class Settings(fakes.FlatSettings):
        how: str = ""

    def info(self) -> GeneratorInfo:
        if self.settings.how == "info":
            raise SystemExit(0)
        return super().info()

    def fingerprint(self, case: Case) -> str:
        if turn(self.settings.how, case) == "fingerprint":
            raise SystemExit(0)
        return super().fingerprint(case) + self.settings.how

    def generate(self, requests: Sequence[Request]) -> list[Any]:
        ways = [turn(self.settings.how, request.case) for request in requests]
        for way in ways:
            misbehave(way)
        made = super().generate(requests)
        return [self._spoilt(one, way) for one, way in zip(made, ways, strict=True) if way != "too-few"]

    def _spoilt(self, made: Generated, how: str) -> Any:
        deep: Any = 0
        for _ in range(5000):
            deep = {"a": deep}
        changed: dict[str, dict[str, Any]] = {
            "error-list": {"image": None, "error": ["a"]},
            "error-surrogate": {"image": None, "error": "half \ud800"},
            "image-list": {"image": [["a"]]},
            "image-empty": {"image": np.zeros((0, 0, 3), np.uint8)},
            "image-float": {"image": np.zeros((4, 4, 3))},
            "image-grey": {"image": np.zeros((4, 4), np.uint8)},
            "image-object": {"image": np.array([[["a", "b", "c"]]], object)},
            "nfe-text": {"nfe": "four"},
            "nfe-nan": {"nfe": math.nan},
            "nfe-huge": {"nfe": 10**400},
            "seconds-nan": {"seconds": math.nan},
            "seconds-inf": {"seconds": math.inf},
            "seconds-huge": {"seconds": 1e308},
            "seconds-text": {"seconds": "1.5"},
            "seconds-negative": {"seconds": -1.0},
            "batch-text": {"batch_size": "two"},
            "notes-deep": {"notes": deep},
            "notes-huge": {"notes": {"a": "x" * 5_000_000}},
            "notes-surrogate": {"notes": {"a": "\udc80"}},
            "notes-list": {"notes": [1, 2]},
            "notes-exit": {"notes": Exiting()},
            "nfe-long": {"nfe": 10**5000},
            "seconds-whole": {"seconds": 10**400},
            "batch-array": {"batch_invariant": np.array([True, False])},
            "image-nameless": {"image": Nameless()},
        }
        if how == "no-record":
            return {"image": made.image}
        return dataclasses.replace(made, **changed.get(how, {}))


class HostileJudge:
    """Scores 0.5; for each case it does what its part of `how` says."""

    Settings = HostileSettings
    name = "hostile"
    version = "1"
    dimensions = (Dimension("hostile.level", "nothing"), Dimension("hostile.open", "nothing", high=None))
    kinds = (FindingKind("dark", "exposure", "too dark", Grade.FAILURE),)
    concurrency = 1

    def __init__(self, settings: HostileSettings) -> None:
        self.how = settings.how

    def fingerprint(self) -> str:
        return f"hostile-{self.how}"

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Any:
        way = turn(self.how, case)
        misbehave(way)
        return self._spoilt(way)

    def _verdict(self, level: float = 0.5, other: float = 1.0, **rest: Any) -> Verdict:
        scores = (Score("hostile.level", Status.SCORED, level), Score("hostile.open", Status.SCORED, other))
        return Verdict(self.name, scores, **rest)

    def _spoilt(self, how: str) -> Any:
        deep: Any = 0
        for _ in range(5000):
            deep = [deep]
        good = Finding("dark", Box(0, 0, 4, 4), 1.0, "level", 0.9, "too dark")
        change = dataclasses.replace
        made: dict[str, Any] = {
            "no-record": {"scores": []},
            "none": None,
            "score-outside": self._verdict(level=1.5),
            "score-huge": self._verdict(other=1e308),
            "score-twice": change(self._verdict(), scores=(self._verdict().scores[0],) * 2),
            "score-text": change(self._verdict(), scores="ab"),
            "reason-list": change(
                self._verdict(),
                scores=(Score("hostile.level", Status.UNSCORED, reason=["a"]), self._verdict().scores[1]),
            ),
            "finding-surrogate": self._verdict(findings=(change(good, message="\ud800"),)),
            "finding-list": self._verdict(findings=(change(good, message=["a"]),)),
            "finding-far": self._verdict(findings=(change(good, box=Box(500, 500, 600, 600)),)),
            "finding-endless": self._verdict(findings=(change(good, box=Box(-1e9, 0, 1e9, 4)),)),
            "finding-huge": self._verdict(findings=(change(good, size=1e308),)),
            "finding-no-record": self._verdict(findings=("dark",)),
            "finding-undeclared": self._verdict(findings=(change(good, kind="bright"),)),
            "evidence-deep": self._verdict(evidence={"a": deep}),
            "evidence-surrogate": self._verdict(evidence={"a": "\ud800"}),
            "evidence-object": self._verdict(evidence={"a": object()}),
        }
        if how == "finding-nan":
            return self._verdict(findings=(change(good, box=Box(math.nan, 0, 1, 1)),))
        return made.get(how, self._verdict())

    def controls(self) -> Iterator[Control]:
        if self.how == "controls-exit":
            raise SystemExit(0)
        if self.how == "controls-surrogate":
            black = Picture.from_pixels(np.zeros((8, 8, 3), np.uint8))
            yield Control("half \ud800", "rule", Case("control/black", "black"), black, lambda v: True)
        if self.how == "controls-passes":
            black = Picture.from_pixels(np.zeros((8, 8, 3), np.uint8))
            yield Control("one", "rule", Case("control/black", "black"), black, lambda v: misbehave("exit") or True)

    def close(self) -> None:
        misbehave(self.how.removeprefix("close-"))


class LabelledJudge(HostileJudge):
    """Its dimension is named like a command of a CI runner."""

    name = BAD_NAME
    dimensions = (Dimension(BAD_NAME, "nothing"),)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        found = Finding("dark", Box(0, 0, 4, 4), 1.0, BAD_NAME, 0.9, BAD_NAME)
        return Verdict(self.name, (Score(BAD_NAME, Status.SCORED, 0.5),), (found,))


class HostileBenchmark(fakes.FakeBenchmark):
    """Its cases, or its name, are as `how` says."""

    class Settings(fakes.BenchmarkSettings):
        how: str = ""

    def info(self) -> BenchmarkInfo:
        names = {"name-path": "../../outside", "name-nul": "a\0b", "name-device": "con", "name-long": "ä" * 300}
        names |= {"name-dots": "..", "name-command": BAD_NAME, "name-surrogate": "\ud800", "name-absolute": "/outside"}
        return dataclasses.replace(super().info(), name=names.get(self.settings.how, "hostile"))

    def cases(self) -> Iterator[Any]:
        misbehave(self.settings.how)
        for case in super().cases():
            yield case
            if case.id == "flat/0001":
                misbehave(self.settings.how.removeprefix("later-"))
                changed: dict[str, dict[str, Any]] = {
                    "prompt-list": {"prompt": ["a"]},
                    "prompt-surrogate": {"prompt": "\ud800"},
                    "width-text": {"extra": {"a": object()}},
                    "box-text": {"texts": ("SALE",)},
                }
                if self.settings.how == "no-record":
                    yield {"id": "b"}
                yield dataclasses.replace(case, id="b", **changed.get(self.settings.how, {}))


class HostileMetricSettings(Settings):
    how: str = ""
    reference: ResolvedPath | None = None


class HostileMetric:
    """One figure, as `how` says."""

    Settings = HostileMetricSettings
    name = "hostile-set"
    version = "1"
    dimensions = (Dimension("hostile.set", "nothing", high=None),)
    least_for_gate = 1

    def __init__(self, settings: HostileMetricSettings) -> None:
        self.how = settings.how
        self.reference = settings.reference

    def fingerprint(self) -> str:
        return f"hostile-{self.how}"

    def measure(self, pictures: PictureSet, reference: PictureSet, *, twins: bool) -> Any:
        misbehave(self.how)
        n = sum(1 for _ in pictures.pictures()) + sum(int(bool(p.pixels.size)) for _, p in reference.pictures())
        figure = SetFigure("hostile.set", Interval(1.0, 0.5, 1.5, n))
        made: dict[str, Any] = {
            "none": None,
            "no-record": [1],
            "nan": [SetFigure("hostile.set", Interval(math.nan, None, None, 1))],
            "huge": [SetFigure("hostile.set", Interval(1e308, None, None, 1))],
            "text": [SetFigure("hostile.set", Interval("one", None, None, 1))],
            "twice": [figure, figure],
            "other": [SetFigure("hostile.other", None, "none")],
            "surrogate": [SetFigure("hostile.set", None, "\ud800")],
            "pseudo": [SetFigure("hostile.set", Interval(1.0, None, None, 2), pseudo_values=["a", math.nan])],
        }
        return made.get(self.how, [figure])

    def close(self) -> None:
        misbehave(self.how.removeprefix("close-"))


class HostileExporter:
    """Does what `how` says."""

    Settings = HostileSettings

    def __init__(self, settings: HostileSettings) -> None:
        self.how = settings.how

    def export(self, results: object, out: Path) -> Any:
        misbehave(self.how)
        return "no path"
