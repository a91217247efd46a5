"""A benchmark, a generator and judges in which the truth is known, for the tests of the verdict.

Every picture holds how good it is in its first pixel, so that a test says which cases are bad, which are not delivered,
and on which the judge abstains or crashes. Cases are named by ranges: `0:5` is the first five.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from evalkit.api.pictures import Picture
from evalkit.api.protocols import BenchmarkInfo, Control, GeneratorInfo
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
    SourceImage,
    Status,
    Task,
    TextTarget,
    Verdict,
)
from evalkit.api.settings import Settings
from evalkit.formats.keys import digest

SIDE = 16
BEST = 200
"""Level of the first pixel of a picture without a defect."""
DEFECTS = ("typo", "missing-text", "smudge")


def is_in(number: int, span: str) -> bool:
    """Whether a case is in a range such as `0:5`; an empty one holds none."""
    start, _, end = span.partition(":")
    return bool(span) and int(start) <= number < int(end)


def number_of(case: Case) -> int:
    """Place of a case in the suite."""
    return int(case.id.rpartition("/")[2])


class QuestionSettings(Settings):
    count: int = 60
    edits: str = ""
    posters: str = ""
    cjk: str = ""
    textless: str = ""


class FakeQuestions:
    """Cases that ask for one word; ranges of them are edits, of the category `poster`, tagged `cjk`, without a text."""

    Settings = QuestionSettings

    def __init__(self, settings: QuestionSettings) -> None:
        self.settings = settings

    def info(self) -> BenchmarkInfo:
        return BenchmarkInfo("fake-questions", "1", digest(self.settings.model_dump()))

    def cases(self) -> Iterator[Case]:
        for i in range(self.settings.count):
            edit = is_in(i, self.settings.edits)
            yield Case(
                f"question/{i:04d}",
                f"a sign that says SALE, number {i}",
                task=Task.EDIT if edit else Task.T2I,
                width=SIDE,
                height=SIDE,
                category="poster" if is_in(i, self.settings.posters) else "scene",
                tags=("cjk",) if is_in(i, self.settings.cjk) else (),
                texts=() if is_in(i, self.settings.textless) else (TextTarget("SALE"),),
                source=SourceImage("fake.png", "0" * 64) if edit else None,
            )


class PainterSettings(Settings):
    name: str = "a"
    bad: str = ""
    level: float = 0.0
    defect: str = "typo"
    lost: str = ""


class FakePainter:
    """Draws pictures without a defect but for those in the range `bad`; delivers none for the range `lost`."""

    Settings = PainterSettings
    batch_size = 64

    def __init__(self, settings: PainterSettings) -> None:
        self.settings = settings

    def info(self) -> GeneratorInfo:
        return GeneratorInfo(f"fake painter {self.settings.name}", licence="none", hardware="fake")

    def fingerprint(self, case: Case) -> str:
        return digest("fake-painter", self.settings.model_dump())

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Generated:
        number, settings = number_of(request.case), self.settings
        if is_in(number, settings.lost):
            return Generated(error="CUDA error: out of memory (fake)")
        pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
        bad = is_in(number, settings.bad)
        pixels[0, 0] = (round(settings.level * BEST) if bad else BEST, DEFECTS.index(settings.defect) + bad, number)
        pixels[1, 0] = (request.seed, len(settings.name), ord(settings.name[0]))  # no two pictures are alike
        return Generated(image=pixels, nfe=4, seconds=0.1)

    def close(self) -> None: ...


class TruthSettings(Settings):
    abstain: str = ""
    unsure_of_text: str = ""
    abstain_on_bad: bool = False
    crash_on_bad: bool = False
    excuse_bad: str = ""
    reason: str = "could not read it"
    lying: bool = False


class FakeTruthJudge:
    """Reads how good a picture is; abstains or crashes where told to. It says what a case does not ask for."""

    Settings = TruthSettings
    name = "fake-truth"
    version = "1"
    concurrency = 1
    dimensions = (
        Dimension("fake.truth", "how good the picture is"),
        Dimension("fake.distance", "distance to the twin", higher_is_better=False),
        Dimension("fake.slips", "number of slips", higher_is_better=False, high=None),
    )
    kinds = (
        FindingKind("typo", "text", "a word is misspelt", Grade.FAILURE, dimensions=("fake.truth",)),
        FindingKind("missing-text", "text", "a word is not there", Grade.FAILURE, dimensions=("fake.truth",)),
        FindingKind("smudge", "", "a smudge", Grade.DEFECT),
    )

    def __init__(self, settings: TruthSettings) -> None:
        self.settings = settings

    def fingerprint(self) -> str:
        return digest(self.name, self.version, self.settings.model_dump())

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        outside = {} if has_twin else {"fake.distance": "there is no twin"}
        if not case.texts:
            outside |= dict.fromkeys(("fake.truth", "fake.slips"), "the case asks for no text")
        return outside

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        quality, what = self._read(picture)
        bad = quality < 1
        if bad and self.settings.crash_on_bad:
            raise RuntimeError("the judge crashed (fake)")
        if bad and self.settings.excuse_bad:
            status = Status(self.settings.excuse_bad)
            return Verdict(self.name, tuple(Score(d.name, status, reason="nothing to see") for d in self.dimensions))
        if (bad and self.settings.abstain_on_bad) or is_in(number_of(case), self.settings.abstain):
            unsure = [Score(d.name, Status.UNSCORED, reason=self.settings.reason) for d in self.dimensions]
            return Verdict(self.name, tuple(unsure))
        values = {"fake.truth": quality, "fake.slips": float(bad)}
        if is_in(number_of(case), self.settings.unsure_of_text):
            return Verdict(self.name, tuple(self._only_distance(quality, twin)))
        if twin is not None:
            values["fake.distance"] = abs(quality - self._read(twin)[0])
        scores = (
            Score(d.name, Status.SCORED, values[d.name])
            if d.name in values
            else Score(d.name, Status.UNSCORED, reason="there is no twin to compare with")
            for d in self.dimensions
        )
        found = Finding(DEFECTS[what - 1], Box(0, 0, 8, 8), 1, "letters", 0.3, "fake", target="text:0")
        return Verdict(self.name, tuple(scores), (found,) if bad else ())

    def _only_distance(self, quality: float, twin: Picture | None) -> Iterator[Score]:
        for dimension in self.dimensions:
            if dimension.name == "fake.distance" and twin is not None:
                yield Score(dimension.name, Status.SCORED, abs(quality - self._read(twin)[0]))
            else:
                yield Score(dimension.name, Status.UNSCORED, reason="unsure of the text")

    def _read(self, picture: Picture) -> tuple[float, int]:
        level, what, _ = picture.pixels[0, 0].tolist()
        return level / BEST, what

    def controls(self) -> Iterator[Control]:
        if self.settings.lying:
            black = Picture.from_pixels(np.zeros((SIDE, SIDE, 3), np.uint8))
            case = Case("control/0000", "black", width=SIDE, height=SIDE)
            yield Control("black is good", "a black picture is good", case, black, lambda _: False)

    def close(self) -> None: ...


class FakePairJudge(FakeTruthJudge):
    """A judge of other people that does not say what does not apply: it abstains on every picture without a twin."""

    name = "fake-pair"
    dimensions = (Dimension("fake.pair", "distance to the twin", higher_is_better=False),)
    kinds = ()

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        return {}

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        if twin is None or is_in(number_of(case), self.settings.abstain):
            return Verdict(self.name, (Score("fake.pair", Status.UNSCORED, reason="it has nothing to compare"),))
        value = abs(self._read(picture)[0] - self._read(twin)[0])
        return Verdict(self.name, (Score("fake.pair", Status.SCORED, value),))


class FakeContentJudge(FakeTruthJudge):
    """Is content with every picture, and reports nothing."""

    name = "fake-content"
    dimensions = (Dimension("fake.content", "always 1"),)
    kinds = (FindingKind("stain", "", "never seen", Grade.FAILURE),)

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        return {}

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        return Verdict(self.name, (Score("fake.content", Status.SCORED, 1.0),))


class FakeSlipsJudge(FakeTruthJudge):
    """Counts slips, of which there may be any number; it says how many a picture is taken for that it can't read."""

    name = "fake-slips"
    dimensions = (Dimension("fake.counted", "number of slips", higher_is_better=False, high=None, worst=20.0),)
    kinds = ()

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        return {}

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        slips = 3.0 if self._read(picture)[0] < 1 else 0.0
        return Verdict(self.name, (Score("fake.counted", Status.SCORED, slips),))
