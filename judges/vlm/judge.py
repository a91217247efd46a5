"""The VLM judge."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from evalkit.api.errors import JudgeError
from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import JSON, Box, Case, Dimension, Finding, Score, Status, Task, Verdict
from evalkit.api.settings import ResolvedPath
from evalkit.formats.keys import digest
from evalkit.judges.edit.judge import source_pixels
from evalkit.judges.vlm import instruments
from evalkit.judges.vlm.ask import Endpoint
from evalkit.judges.vlm.asking import Asker
from evalkit.judges.vlm.background import BackgroundLoop
from evalkit.judges.vlm.controls import controls
from evalkit.judges.vlm.crops import shot_of, text_boxes
from evalkit.judges.vlm.findings import located, merged, with_target
from evalkit.judges.vlm.instruments import Instruments
from evalkit.judges.vlm.journal import FILE, JournalledEndpoint
from evalkit.judges.vlm.pixels import fit
from evalkit.judges.vlm.rubric import CONSISTENCY, ORDER, Rubric, content_digest, read_rubrics, rubrics, why_not
from evalkit.judges.vlm.scale import Coordinates
from evalkit.judges.vlm.source import (
    EndpointSettings,
    check_source,
    coordinates,
    model_id,
    open_endpoint,
    problems,
    seen_at,
    unfit,
)
from evalkit.judges.vlm.ways import Part, Shown, check, prefer, rate

SERVER_LOG = "judge-server.log"
_CONSISTENT = Dimension(
    CONSISTENCY, "share of the questions asked twice that were answered alike: 1 - flip rate", of_picture=False
)
_ORDER = Dimension(ORDER, "share of the pairs of which the model says the same in both orders", of_picture=False)


class VlmJudge:
    """Asks a vision-language model: levels of rubrics, yes/no questions, and blind pairs of student and teacher."""

    class Settings(EndpointSettings):
        """Settings of the VLM judge."""

        rubrics: tuple[str, ...] = Field(default_factory=lambda: tuple(rubrics()))
        """What is asked, by name; every one of them by default."""
        rubric_files: tuple[ResolvedPath, ...] = ()
        """Rubrics of your own that are asked as well."""
        aspects: bool = True
        """Also rate the aspects of edits one by one: five or six calls more for each edit."""
        repeats: float = Field(0.05, ge=0, le=1)
        """Share of the questions that are asked twice, for the flip rate."""
        crops_from_px: int = Field(256, ge=1)
        """Texts are also asked about on cut-outs where the picture's longer side has at least so many px."""
        check_with_instruments: bool = True
        """Have grain and text that the model points at confirmed or refuted by the exact instruments."""
        check_text: bool = True
        """Have text read for that: it loads the reader of the typography judge."""
        pictures_at_once: int = Field(8, ge=1, le=256)

        @field_validator("rubrics")
        @classmethod
        def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
            wrong = [name for name in names if name not in rubrics() or names.count(name) > 1]
            if wrong:
                raise ValueError(f"{wrong[0]!r}: name each of {', '.join(rubrics())} at most once")
            return names

        @model_validator(mode="after")
        def _something(self) -> Self:
            if not (self.rubrics or self.rubric_files):
                raise ValueError("rubrics: none, so that nothing is asked")
            return self

    name = "vlm"
    version = "2"

    def __init__(self, settings: Settings | None = None, endpoint: Endpoint | None = None) -> None:
        self.settings = settings or self.Settings()
        own = read_rubrics(self.settings.rubric_files, rubrics())
        self._rubrics = [*(rubrics()[name] for name in self.settings.rubrics), *own.values()]
        self._paired = any(not (rubric.levels or rubric.questions) for rubric in self._rubrics)
        of_asking = (_CONSISTENT, _ORDER) if self._paired else (_CONSISTENT,)
        self.dimensions = (*(Dimension(r.dimension, r.description) for r in self._rubrics), *of_asking)
        self.concurrency = self.settings.pictures_at_once
        self.after_generation = self.settings.share_gpu != "none" and not self.settings.replay
        check_source(self.settings)
        self._given = endpoint
        self._unfit = {} if endpoint else unfit(self.settings, own)
        self._folder: Path | None = None
        self._endpoint: Endpoint | None = None
        self._opening = threading.Lock()
        self._loop = BackgroundLoop()
        self._stack = contextlib.ExitStack()
        self._instruments = Instruments(read=self.settings.check_text)

    def release_device(self) -> None:
        """Free the GPU for the generators."""
        if self.settings.share_gpu == "sleep":
            from evalkit.judges.vlm.serving import sleep

            sleep(self.settings.url)

    def check(self) -> list[tuple[str, str]]:
        """For `evalkit doctor`: what is missing, each with what to do."""
        return [] if self._given or self.settings.replay else problems(self.settings)

    @classmethod
    def journal_files(cls) -> Sequence[str]:
        """The journal of calls."""
        return (FILE,)

    @classmethod
    def replay_settings(cls) -> Mapping[str, JSON]:
        """Answer every call from the journal."""
        return {"replay": True}

    def attach(self, folder: Path) -> None:
        """Keep the journal of calls, and the log of a server, in this folder of the run."""
        self._folder = folder

    def fingerprint(self) -> str:
        settings = self.settings
        model = self._given.model if self._given else model_id(settings)
        own = [rubric.model_dump(mode="json") for rubric in self._rubrics if rubric.name not in rubrics()]
        asked = [list(settings.rubrics), own, settings.aspects, settings.repeats, settings.crops_from_px]
        seen = [settings.max_pixels, coordinates(settings)]
        checked = [settings.check_with_instruments, settings.check_text, instruments.VERSION]
        return digest(self.name, self.version, content_digest(), model, asked, seen, checked)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        reasons = {
            rubric.name: why_not(rubric, case, twin=twin is not None) or self._unfit.get(rubric.name, "")
            for rubric in self._rubrics
        }
        asked = [rubric for rubric in self._rubrics if not reasons[rubric.name]]
        shown = self._shown(picture, case, twin)
        asker = Asker(self._open(), self.settings.repeats)
        parts = self._loop.run(self._ask_all(asker, asked, shown)) if asked else []
        by_name = dict(zip((rubric.name for rubric in asked), parts, strict=True))
        scores = [_score(rubric, by_name.get(rubric.name), reasons[rubric.name]) for rubric in self._rubrics]
        size, sent = picture.pixels.shape[1::-1], (shown.picture.width, shown.picture.height)
        told = _told(asked, parts, shown.coordinates, size, seen_at(self.settings, sent))
        found = [self._finished(finding, shown) for finding in merged(told.findings)]
        levels = [row for part in parts for row in part.levels]
        evidence: dict[str, JSON] = {"model": asker.endpoint.model, "levels": levels}
        for part in parts:
            evidence |= part.evidence
        evidence |= {"asked_twice": len(asker.same), "flips": asker.same.count(False)}
        if told.dropped:
            evidence["dropped_findings"] = told.dropped
        if asker.unusable:
            # replies come in any order, and a replay must give the same report
            evidence["unusable_replies"] = sorted(asker.unusable, key=lambda one: str(one["about"]))
        if sent != size:
            evidence["sent_at"] = list(sent)
        scores.append(_agreed(CONSISTENCY, asker.same, "none of the questions about this picture was asked twice"))
        if self._paired:
            same = [part.consistent for part in parts if part.consistent is not None]
            scores.append(_agreed(ORDER, same, "no pair was asked about in both orders"))
        return Verdict(self.name, tuple(scores), tuple(found), evidence)

    def controls(self) -> Iterable[Control]:
        return controls(self, [name for name in self.settings.rubrics if name not in self._unfit])

    def close(self) -> None:
        """End calls, journal and server. May be called twice."""
        with self._opening:
            if self._endpoint is not None:
                self._loop.run(self._endpoint.close())
            self._endpoint = None
            self._loop.close()
            self._stack.close()
            self._instruments.close()

    # ---------------------------------------------------------------------------------------------------- one look

    def _shown(self, picture: Picture, case: Case, twin: Picture | None) -> Shown:
        limit, pixels = self.settings.max_pixels, picture.pixels
        edited = case.task is Task.EDIT and case.source is not None
        places = self._places(case, pixels) if max(pixels.shape[:2]) >= self.settings.crops_from_px else {}
        return Shown(
            case,
            pixels,
            fit(shot_of(pixels), limit),
            fit(shot_of(source_pixels(case)), limit) if edited else None,
            None if twin is None else fit(shot_of(twin.pixels), limit),
            places,
            coordinates(self.settings),
            limit,
        )

    def _places(self, case: Case, pixels: Pixels) -> dict[int, Box]:
        """Where the texts are to be looked at closely: where the case says, else where the reader sees them."""
        told = text_boxes(case, pixels)
        if not any(rubric.questions for rubric in self._rubrics):
            return told
        untold = {i: text.text for i, text in enumerate(case.texts) if i not in told and text.text.split()}
        return dict(sorted((told | self._instruments.places(pixels, untold)).items()))

    async def _ask_all(self, asker: Asker, asked: Sequence[Rubric], shown: Shown) -> list[Part]:
        """Every rubric. The first goes ahead, so that the server has the picture in its cache when the others come."""
        first = await self._ask(asker, asked[0], shown)
        return [first, *await asyncio.gather(*(self._ask(asker, rubric, shown) for rubric in asked[1:]))]

    async def _ask(self, asker: Asker, rubric: Rubric, shown: Shown) -> Part:
        if rubric.levels:
            return await rate(asker, rubric, shown, aspects=self.settings.aspects, unfit=self._unfit)
        if rubric.questions:
            return await check(asker, rubric, shown)
        return await prefer(asker, rubric, shown)

    def _finished(self, finding: Finding, shown: Shown) -> Finding:
        finding = with_target(finding, text_boxes(shown.case, shown.pixels))
        if not self.settings.check_with_instruments:
            return finding
        return self._instruments.check(finding, shown.pixels, shown.case)

    def _open(self) -> Endpoint:
        with self._opening:
            if self._endpoint is None:
                self._endpoint = self._journalled()
            return self._endpoint

    def _journalled(self) -> Endpoint:
        folder, settings = self._folder, self.settings
        model = self._given.model if self._given else model_id(settings)
        if settings.replay:
            if folder is None:
                raise JudgeError("nothing to replay from: there is no run folder", hint="use `evalkit run`")
            return self._loop.run(_open_journal(None, folder / FILE, model))
        log = None if folder is None else folder / SERVER_LOG
        inner = self._given or open_endpoint(settings, log, self._stack)
        return inner if folder is None else self._loop.run(_open_journal(inner, folder / FILE, model))


async def _open_journal(inner: Endpoint | None, path: Path, model: str) -> Endpoint:
    """The journal belongs to the loop it is opened in."""
    return JournalledEndpoint(inner, path, model=model, replay=inner is None)


class _Told(NamedTuple):
    findings: list[Finding]
    dropped: dict[str, JSON]


def _told(
    asked: Sequence[Rubric], parts: Sequence[Part], unit: Coordinates, size: tuple[int, int], seen: tuple[int, int]
) -> _Told:
    """The findings of all rubrics, and how many could not be taken, by reason."""
    found: list[Finding] = []
    broken = contradicting = 0
    for rubric, part in zip(asked, parts, strict=True):
        if part.level is not None:
            one = located(rubric.name, part.stated, part.level, size, seen, unit)
            found += one.findings
            broken, contradicting = broken + one.broken, contradicting + one.contradicting
    dropped: dict[str, JSON] = {"broken_box": broken, "with_the_best_level": contradicting}
    return _Told(found, {reason: n for reason, n in dropped.items() if n})


def _score(rubric: Rubric, part: Part | None, reason: str) -> Score:
    return part.score if part else Score(rubric.dimension, Status.UNSCORED, reason=reason)


def _agreed(dimension: str, same: Sequence[bool], otherwise: str) -> Score:
    """The share of `same`; `otherwise` is the reason where there is none."""
    if not same:
        return Score(dimension, Status.UNSCORED, reason=otherwise)
    return Score(dimension, Status.SCORED, sum(same) / len(same))
