"""Plug-ins that behave well, badly or not at all, for the tests of the harness. A package of its own, found by
entry points like anybody's."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from evalkit.api.errors import JudgeError, UnavailableError
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
from evalkit.formats.keys import digest


class BenchmarkSettings(Settings):
    count: int = 6
    size: int = 16


class FakeBenchmark:
    """Cases that ask for a flat colour."""

    Settings = BenchmarkSettings

    def __init__(self, settings: BenchmarkSettings) -> None:
        self.settings = settings

    def info(self) -> BenchmarkInfo:
        return BenchmarkInfo("fake-benchmark", "1", digest(self.settings.model_dump()))

    def cases(self) -> Iterator[Case]:
        size = self.settings.size
        for i in range(self.settings.count):
            yield Case(f"flat/{i:04d}", f"a flat colour number {i}", width=size, height=size)


class FlatSettings(Settings):
    level: int = 200
    spread: int = 40
    batch_size: int = 2
    seconds: float = 0.0
    fail_on: str = ""
    raise_on: str = ""
    broken_on: str = ""
    hang_on: str = ""
    missing: str = ""
    log: str = ""
    closed_log: str = ""
    raise_on_close: bool = False


class FakeFlatGenerator:
    """Draws a flat grey whose level depends on the noise seed; fails, raises or returns rubbish where told to."""

    Settings = FlatSettings

    def __init__(self, settings: FlatSettings) -> None:
        self.settings = settings
        self.batch_size = settings.batch_size

    def info(self) -> GeneratorInfo:
        return GeneratorInfo("fake flat grey", licence="none", hardware="fake")

    def fingerprint(self, case: Case) -> str:
        return digest("fake-flat", self.settings.level, self.settings.spread)

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        if any(request.case.id in self.settings.raise_on.split("+") for request in requests):
            raise RuntimeError("CUDA error: an illegal memory access (fake)")
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Generated:
        time.sleep(self.settings.seconds)
        if request.case.id in self.settings.hang_on.split("+") or self.settings.hang_on == "all":
            time.sleep(3600)
        if request.case.id in self.settings.fail_on.split("+"):
            return Generated(error="told to fail (fake)")
        if request.case.id in self.settings.broken_on.split("+"):
            return Generated(image=b"\x89PNG\r\n\x1a\n rubbish")
        log_line(self.settings.log, request.case.id)
        rng = np.random.default_rng(request.noise_seed)
        level = self.settings.level + int(rng.integers(0, self.settings.spread + 1))
        shape = (request.case.height, request.case.width, 3)
        return Generated(
            image=np.full(shape, level, np.uint8), nfe=4, seconds=self.settings.seconds, batch_invariant=True
        )

    def check(self) -> list[tuple[str, str]]:
        return [(self.settings.missing, "do something about it (fake)")] if self.settings.missing else []

    def close(self) -> None:
        log_line(self.settings.closed_log, "closed")
        if self.settings.raise_on_close:
            raise RuntimeError("a bug in close (fake)")


class StepsSettings(Settings):
    num_inference_steps: int = 40
    sigmas: tuple[float, ...] | None = None
    true_cfg_scale: float = 1.0
    ceiling: int = 250
    gap: int = 200
    sleeps: bool = False
    log: str = ""


class FakeSteppedGenerator:
    """Draws a flat grey that is the brighter the more steps it takes; guidance doubles its evaluations."""

    Settings = StepsSettings

    def __init__(self, settings: StepsSettings) -> None:
        self.settings = settings
        self.batch_size = 4

    def info(self) -> GeneratorInfo:
        return GeneratorInfo(f"fake stepped to {self.settings.ceiling}", licence="none", hardware="fake")

    def fingerprint(self, case: Case) -> str:
        return digest("fake-steps", self.settings.model_dump(mode="json", exclude={"log", "sleeps"}))

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Generated:
        s = self.settings
        steps = len(s.sigmas) if s.sigmas else s.num_inference_steps
        log_line(s.log, f"{s.ceiling} {steps} {request.case.id}")
        jitter = int(np.random.default_rng(request.noise_seed).integers(0, 5))
        shape = (request.case.height, request.case.width, 3)
        image = np.full(shape, max(0, s.ceiling - s.gap // steps - jitter), np.uint8)
        nfe = steps * (2 if s.true_cfg_scale > 1 else 1)
        time.sleep(0.01 * nfe if s.sleeps else 0)
        sigmas = [round(1 - step / steps, 4) for step in range(steps + 1)]
        return Generated(image=image, nfe=nfe, seconds=0.01 * nfe, batch_invariant=True, notes={"sigmas": sigmas})

    def close(self) -> None: ...


class FakeUnreachableGenerator(FakeFlatGenerator):
    """Its server is never there."""

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        raise UnavailableError("no server answers (fake)", where="http://fake", hint="start it")


class BrightnessSettings(Settings):
    fail_on: str = ""
    raise_on: str = ""
    abstain_on: str = ""
    nan_on: str = ""
    unserialisable_on: str = ""
    wrong_dimension_on: str = ""
    die_on: str = ""
    stop_on: str = ""
    stop_after: str = ""
    stop_in_controls: bool = False
    missing: str = ""
    broken_controls: bool = False
    gone: bool = False
    blind: bool = False
    late: bool = False
    seconds: float = 0.0
    concurrency: int = 2
    log: str = ""


class FakeBrightnessJudge:
    """Scores brightness in [0, 1]; a finding where it is below 0.5. Misbehaves where told to."""

    Settings = BrightnessSettings
    name = "fake-brightness"
    version = "1"
    dimensions = (Dimension("fake.brightness", "mean level of the picture"),)
    kinds = (FindingKind("dark", "exposure", "the picture is too dark", Grade.FAILURE),)

    def __init__(self, settings: BrightnessSettings) -> None:
        self.settings = settings
        self.concurrency = settings.concurrency
        self.after_generation = settings.late

    def release_device(self) -> None:
        log_line(self.settings.log, "release")

    def fingerprint(self) -> str:
        return digest(self.name, self.version)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        settings = self.settings
        if settings.gone:
            raise UnavailableError("the judge server is gone (fake)")
        if case.id in settings.fail_on.split("+"):
            raise JudgeError("told to fail (fake)")
        if case.id in settings.raise_on.split("+"):
            raise ZeroDivisionError("a bug in the judge (fake)")
        if case.id in settings.abstain_on.split("+"):
            return self._verdict(Score("fake.brightness", Status.UNSCORED, reason="told to abstain (fake)"))
        if case.id in settings.nan_on.split("+"):
            return self._verdict(Score("fake.brightness", Status.SCORED, float("nan")))
        if case.id in settings.wrong_dimension_on.split("+"):
            return self._verdict(Score("fake.other", Status.SCORED, 1.0))
        if case.id in settings.die_on.split("+") or settings.die_on == "all":
            os.kill(os.getpid(), signal.SIGKILL)
        if case.id in settings.stop_on.split("+"):
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(1)  # the signal may reach another thread first, and this one go on for a moment
        time.sleep(settings.seconds)
        log_line(settings.log, case.id)
        if case.id in settings.stop_after.split("+"):
            stop = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGSTOP))
            stop.daemon = True
            stop.start()
        value = 1.0 if settings.blind else float(picture.pixels.mean()) / 255
        evidence = {"array": np.zeros(2)} if case.id in settings.unserialisable_on.split("+") else {}
        height, width = picture.pixels.shape[:2]
        dark = Finding("dark", Box(0, 0, width, height), 1 - value, "level", 0.9, "too dark")
        score = Score("fake.brightness", Status.SCORED, value)
        return Verdict(self.name, (score,), (dark,) if value < 0.5 else (), evidence)

    def _verdict(self, score: Score) -> Verdict:
        return Verdict(self.name, (score,))

    def controls(self) -> Iterator[Control]:
        if self.settings.broken_controls:
            raise ZeroDivisionError("a bug in the controls (fake)")
        if self.settings.stop_in_controls:
            os.kill(os.getpid(), signal.SIGSTOP)
        black = Picture.from_pixels(np.zeros((8, 8, 3), np.uint8))
        case = Case("control/black", "black", width=8, height=8)
        yield Control("black is dark", "a black picture scores below 0.5", case, black, _is_dark)

    def check(self) -> list[tuple[str, str]]:
        return [(self.settings.missing, "do something about it (fake)")] if self.settings.missing else []

    def close(self) -> None: ...


class JournalSettings(Settings):
    replay: bool = False


class FakeJournalJudge:
    """Scores brightness and writes it into a journal, from which it can answer again."""

    Settings = JournalSettings
    name = "fake-journal"
    version = "1"
    dimensions = (Dimension("fake.journalled", "mean level of the picture"),)
    concurrency = 1

    def __init__(self, settings: JournalSettings) -> None:
        self.settings = settings
        self.journal: Path | None = None

    @classmethod
    def journal_files(cls) -> tuple[str, ...]:
        return ("fake-journal.txt", "fake-never-written.txt")

    @classmethod
    def replay_settings(cls) -> dict[str, bool]:
        return {"replay": True}

    def attach(self, folder: Path) -> None:
        self.journal = folder / self.journal_files()[0]

    def fingerprint(self) -> str:
        return digest(self.name, self.version)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        assert self.journal is not None
        if self.settings.replay:
            lines = dict(line.split() for line in self.journal.read_text().splitlines())
            value = float(lines[picture.sha256])
        else:
            value = float(picture.pixels.mean()) / 255
            log_line(str(self.journal), f"{picture.sha256} {value!r}")
        return Verdict(self.name, (Score("fake.journalled", Status.SCORED, value),))

    def controls(self) -> Iterator[Control]:
        return iter(())

    def close(self) -> None: ...


class SetBrightnessSettings(Settings):
    reference: ResolvedPath | None = None
    least_for_gate: int = 2
    fail: str = ""
    log: str = ""


class FakeSetBrightness:
    """Mean level of a set minus that of the reference, in [-1, 1]. Fails where told to."""

    Settings = SetBrightnessSettings
    name = "fake-set-brightness"
    version = "1"
    dimensions = (
        Dimension("fake.set_brightness", "difference of mean levels", False, low=-1.0),
        Dimension("fake.by_case", "the same, its interval left to the harness", False, low=-1.0),
        Dimension("fake.nothing", "never measured", False),
    )

    def __init__(self, settings: SetBrightnessSettings) -> None:
        self.settings = settings
        self.reference = settings.reference
        self.least_for_gate = settings.least_for_gate

    def fingerprint(self) -> str:
        return digest(self.name, self.version)

    def measure(self, pictures: PictureSet, reference: PictureSet, *, twins: bool) -> list[SetFigure]:
        log_line(self.settings.log, f"{pictures.name} {pictures.n} {reference.name} {reference.n} {twins}")
        if self.settings.fail == "unavailable":
            raise UnavailableError("the weights are gone (fake)", hint="fetch them")
        mine, theirs = (
            [(case, p.pixels.mean() / 255) for case, p in each.pictures()] for each in (pictures, reference)
        )
        if self.settings.fail:
            raise ZeroDivisionError("a bug in the metric (fake)")
        assert not twins or [case for case, _ in mine] == [case for case, _ in theirs]
        value = float(np.mean([v for _, v in mine]) - np.mean([v for _, v in theirs]))
        spread = [value + (-1) ** i * 0.1 for i in range(len(mine))]
        return [
            SetFigure("fake.set_brightness", Interval(value, value - 0.01, value + 0.01, len(mine)), note="fake"),
            SetFigure("fake.by_case", Interval(value, None, None, len(mine)), pseudo_values=spread),
        ]

    def close(self) -> None: ...


class FakeBrokenExporter:
    """Has a bug."""

    Settings = Settings

    def __init__(self, settings: Settings) -> None: ...

    def export(self, results: object, out: Path) -> Path:
        raise KeyError("a bug in the exporter (fake)")


def _is_dark(verdict: Verdict) -> bool:
    return (verdict.scores[0].value or 0.0) < 0.5


def log_line(path: str, line: str) -> None:
    """Append one line that survives `kill -9`."""
    if path:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)
