"""The VLM judge: one look at a picture asks every rubric that applies and combines the answers into a verdict."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from evalkit.api.errors import JudgeError, UnavailableError
from evalkit.api.hooks import RunPictures
from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import JSON, Box, Case, Dimension, Finding, Score, Status, Task, Verdict
from evalkit.api.results import ControlResult
from evalkit.api.settings import ResolvedPath
from evalkit.formats.keys import digest
from evalkit.judges.edit.judge import source_pixels
from evalkit.judges.vlm import instruments
from evalkit.judges.vlm.background import BackgroundLoop
from evalkit.judges.vlm.call import Endpoint
from evalkit.judges.vlm.checklist import NOTHING_TO_ASK, check, checklist_items
from evalkit.judges.vlm.controls import controls, is_shipped
from evalkit.judges.vlm.findings import LocatedFindings, located, merged, with_target
from evalkit.judges.vlm.identity import identity, unasked
from evalkit.judges.vlm.instruments import Instruments
from evalkit.judges.vlm.journal import FILE, JournalledEndpoint
from evalkit.judges.vlm.kinds import kinds_of_rubrics
from evalkit.judges.vlm.look import Look, RubricResult
from evalkit.judges.vlm.pairwise import prefer
from evalkit.judges.vlm.pixels import fit, sent_image, text_boxes
from evalkit.judges.vlm.reply import Asker
from evalkit.judges.vlm.rubric import CONSISTENCY, ORDER, Rubric, content_digest, read_rubrics, rubrics, why_not
from evalkit.judges.vlm.run_controls import check_verdicts, try_on_run
from evalkit.judges.vlm.scale import rate
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

SERVER_LOG = "judge-server.log"
_CONSISTENT = Dimension(
    CONSISTENCY, "share of the questions asked twice that were answered alike: 1 - flip rate", of_picture=False
)
_ORDER = Dimension(
    ORDER, "share of the pairs for which the model gives the same answer in both orders", of_picture=False
)


class VlmJudge:
    """Asks a vision-language model: levels of rubrics, yes/no questions, and blind pairs of student and teacher."""

    class Settings(EndpointSettings):
        """Settings of the VLM judge."""

        rubrics: tuple[str, ...] = Field(default_factory=lambda: tuple(rubrics()))
        """Names of the built-in rubrics that are asked; all of them by default."""
        rubric_files: tuple[ResolvedPath, ...] = ()
        """Files with rubrics of your own, which are asked as well."""
        aspects: bool = True
        """Rate the aspects of edits one by one as well: five or six more calls for each edit."""
        repeats: float = Field(0.05, ge=0, le=1)
        """Share of the questions that are asked twice, for the flip rate."""
        crops_from_px: int = Field(256, ge=1)
        """Ask about texts on cut-outs as well, where the picture's longer side has at least so many px."""
        check_with_instruments: bool = True
        """Let the exact instruments confirm or refute the findings of grain and text."""
        check_text: bool = True
        """Read text for that check; this loads the reader of the typography judge."""
        pictures_at_once: int = Field(8, ge=1, le=256)
        """Pictures that are judged at the same time, at most."""

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
                raise ValueError("rubrics: none, so nothing is asked")
            return self

    name = "vlm"
    version = "3"

    def __init__(self, settings: Settings | None = None, endpoint: Endpoint | None = None) -> None:
        self.settings = settings or self.Settings()
        own = read_rubrics(self.settings.rubric_files, rubrics())
        self._rubrics = [*(rubrics()[name] for name in self.settings.rubrics), *own.values()]
        self._paired = any(map(_is_pair, self._rubrics))
        of_answers = (_CONSISTENT, _ORDER) if self._paired else (_CONSISTENT,)
        self.dimensions = (*(Dimension(r.dimension, r.description) for r in self._rubrics), *of_answers)
        self.kinds = kinds_of_rubrics(self._rubrics)
        self.concurrency = self.settings.pictures_at_once
        self.after_generation = self.settings.share_gpu != "none" and not self.settings.replay
        check_source(self.settings)
        self._given = endpoint
        self._unfit = {} if endpoint else unfit(self.settings, own)
        self._identity = ""
        self._folder: Path | None = None
        self._endpoint: Endpoint | None = None
        self._opening = threading.Lock()
        self._loop = BackgroundLoop()
        self._stack = contextlib.ExitStack()
        self._instruments = Instruments(read=self.settings.check_text)

    def release_device(self) -> None:
        """Free the GPU for the generators."""
        if self.settings.share_gpu == "sleep":
            from evalkit.judges.vlm.client import key_for
            from evalkit.judges.vlm.serving import sleep

            sleep(self.settings.url, key_for(self.settings.url))

    def check(self) -> list[tuple[str, str]]:
        """For `evalkit doctor`: what is missing, each with what to do about it."""
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
        """Keep the journal of calls and the log of a server in this folder of the run."""
        self._folder = folder

    def fingerprint(self) -> str:
        settings = self.settings
        model = self._given.model if self._given else self._model()
        own = [rubric.model_dump(mode="json") for rubric in self._rubrics if rubric.name not in rubrics()]
        asked = [list(settings.rubrics), own, settings.aspects, settings.repeats, settings.crops_from_px]
        seen = [settings.max_pixels, coordinates(settings)]
        checked = [settings.check_with_instruments, settings.check_text, instruments.VERSION]
        return digest(self.name, self.version, content_digest(), model, asked, seen, checked)

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        """Rubrics that are not asked of the case, and what is said of answers where none is."""
        reasons = self._not_asked(case, has_twin=has_twin)
        outside = {rubric.dimension: reasons[rubric.name] for rubric in self._rubrics if reasons[rubric.name]}
        asked = [rubric for rubric in self._rubrics if not reasons[rubric.name]]
        if not asked or not self.settings.repeats:
            outside[CONSISTENCY] = "no question is asked twice" if asked else "nothing is asked about the picture"
        if self._paired and not any(_is_pair(rubric) for rubric in asked):
            outside[ORDER] = "no pair is asked about"
        return outside

    def identify(self, known: str) -> str:
        """Which model is asked: one question to a server; `known` where it does not answer, and for a replay."""
        if self.settings.replay and not self._given:
            self._identity = known or unasked(self.settings)
        elif not self._given:
            found = identity(self.settings)
            if not (found.reached or known):
                raise UnavailableError(
                    "no connection to the judge's server",
                    where=self.settings.url,
                    hint="`evalkit judge serve` starts one; `url:` of the judge says where it is",
                )
            self._identity = found.text if found.reached else known
        return self._identity

    def _model(self) -> str:
        """What names the model in the fingerprint."""
        if not self._identity:
            self._identity = unasked(self.settings) if self.settings.replay else identity(self.settings).text
        return self._identity

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        reasons = self._not_asked(case, has_twin=twin is not None)
        asked = [rubric for rubric in self._rubrics if not reasons[rubric.name]]
        look = self._look(picture, case, twin)
        asker = Asker(self._endpoint_for(case), self.settings.repeats)
        results = self._loop.run(self._ask_all(asker, asked, look)) if asked else []
        by_name = dict(zip((rubric.name for rubric in asked), results, strict=True))
        scores = [_score(rubric, by_name.get(rubric.name), reasons[rubric.name]) for rubric in self._rubrics]
        located_by_rubric = self._located(by_name, look)
        stated = merged([finding for one in located_by_rubric for finding in one.findings])
        findings = [self._checked(finding, look) for finding in stated]
        rows = [row for result in results for row in result.rows]
        evidence: dict[str, JSON] = {"model": asker.endpoint.model, "levels": rows}
        for result in results:
            evidence |= result.evidence
        evidence |= {"asked_twice": len(asker.same), "flips": asker.same.count(False)}
        if dropped := _dropped(located_by_rubric):
            evidence["dropped_findings"] = dropped
        if asker.unusable:
            # replies come in any order, and a replay must give the same report
            evidence["unusable_replies"] = sorted(asker.unusable, key=lambda one: str(one["about"]))
        if (sent := [look.picture.width, look.picture.height]) != [*picture.pixels.shape[1::-1]]:
            evidence["sent_at"] = sent
        scores.append(_agreement(CONSISTENCY, asker.same, "none of the questions about this picture was asked twice"))
        if self._paired:
            same = [result.consistent for result in results if result.consistent is not None]
            scores.append(_agreement(ORDER, same, "no pair was asked about in both orders"))
        return Verdict(self.name, tuple(scores), tuple(findings), evidence)

    def controls(self) -> Iterable[Control]:
        return controls(self, [name for name in self.settings.rubrics if name not in self._unfit])

    def try_on_run(self, pictures: RunPictures) -> Iterable[ControlResult]:
        """What came of controls made from the pictures of the run, for each rubric that the model is asked."""
        fit = [rubric for rubric in self._rubrics if rubric.name not in self._unfit]
        parts: dict[str, VlmJudge] = {}
        opening = threading.Lock()

        def ask(rubric: Rubric, case: Case, picture: Picture, twin: Picture | None) -> Verdict:
            with opening:
                part = parts.get(rubric.name) or parts.setdefault(rubric.name, self._part(rubric.name))
            return part.judge(picture, case, twin)

        return try_on_run(self.name, fit, pictures, ask)

    def check_verdicts(self, verdicts: Iterable[Verdict]) -> Iterable[ControlResult]:
        """Whether the answers hold when the order changes and when a question is asked again."""
        paired = [rubric.dimension for rubric in self._rubrics if not (rubric.levels or rubric.questions)]
        return check_verdicts(self.name, verdicts, paired)

    def _part(self, rubric: str) -> VlmJudge:
        """This judge with one rubric alone, nothing asked twice, and the same model and journal. It is not closed."""
        alone = {"rubrics": (rubric,), "rubric_files": (), "aspects": False, "repeats": 0.0, "replay": False}
        settings = self.settings.model_copy(update={**alone, "check_with_instruments": False})
        part = VlmJudge(settings, self._open())
        part._loop, part._instruments = self._loop, self._instruments
        return part

    def close(self) -> None:
        """End calls, journal and server. May be called twice."""
        with self._opening:
            if self._endpoint is not None:
                self._loop.run(self._endpoint.close())
            self._endpoint = None
            self._loop.close()
            self._stack.close()
            self._instruments.close()

    def _not_asked(self, case: Case, *, has_twin: bool) -> dict[str, str]:
        """Rubric -> why it is not asked; empty where it is."""
        return {
            rubric.name: why_not(rubric, case, twin=has_twin)
            or (NOTHING_TO_ASK if rubric.questions and not checklist_items(rubric, case) else "")
            or self._unfit.get(rubric.name, "")
            for rubric in self._rubrics
        }

    # ---------------------------------------------------------------------------------------------------- one look

    def _look(self, picture: Picture, case: Case, twin: Picture | None) -> Look:
        limit, pixels = self.settings.max_pixels, picture.pixels
        edited = case.task is Task.EDIT and case.source is not None
        boxes = self._text_boxes(case, pixels) if max(pixels.shape[:2]) >= self.settings.crops_from_px else {}
        return Look(
            case,
            pixels,
            fit(sent_image(pixels), limit),
            fit(sent_image(source_pixels(case)), limit) if edited else None,
            None if twin is None else fit(sent_image(twin.pixels), limit),
            boxes,
            coordinates(self.settings),
            limit,
        )

    def _text_boxes(self, case: Case, pixels: Pixels) -> dict[int, Box]:
        """Where the texts are: in the boxes that the case declares, else where the reader finds them."""
        declared = text_boxes(case, pixels)
        if not any(rubric.questions for rubric in self._rubrics):
            return declared
        others = {i: text.text for i, text in enumerate(case.texts) if i not in declared and text.text.split()}
        return dict(sorted((declared | self._instruments.places(pixels, others)).items()))

    async def _ask_all(self, asker: Asker, asked: Sequence[Rubric], look: Look) -> list[RubricResult]:
        """Asks every rubric. The first one goes ahead, so that the others find the picture in the server's cache."""
        first = await self._ask(asker, asked[0], look)
        return [first, *await asyncio.gather(*(self._ask(asker, rubric, look) for rubric in asked[1:]))]

    async def _ask(self, asker: Asker, rubric: Rubric, look: Look) -> RubricResult:
        if rubric.levels:
            return await rate(asker, rubric, look, aspects=self.settings.aspects, unfit=self._unfit)
        if rubric.questions:
            return await check(asker, rubric, look)
        return await prefer(asker, rubric, look)

    def _located(self, results: Mapping[str, RubricResult], look: Look) -> list[LocatedFindings]:
        """The findings of each rubric that asks for a level, in pixels of the picture."""
        rubrics_by_name = {rubric.name: rubric for rubric in self._rubrics}
        size = (look.pixels.shape[1], look.pixels.shape[0])
        seen = seen_at(self.settings, (look.picture.width, look.picture.height))
        return [
            located(rubrics_by_name[name], result.findings, result.level, size, seen, look.coordinates)
            for name, result in results.items()
            if result.level is not None
        ]

    def _checked(self, finding: Finding, look: Look) -> Finding:
        """The finding with its target, and with what the exact instruments say of it."""
        finding = with_target(finding, text_boxes(look.case, look.pixels))
        if not self.settings.check_with_instruments:
            return finding
        return self._instruments.check(finding, look.pixels, look.case)

    def _open(self) -> Endpoint:
        with self._opening:
            if self._endpoint is None:
                self._endpoint = self._journalled()
            return self._endpoint

    def _endpoint_for(self, case: Case) -> Endpoint:
        """The endpoint; a shipped control is not answered from the journal of an earlier session."""
        endpoint = self._open()
        if isinstance(endpoint, JournalledEndpoint) and is_shipped(case):
            return endpoint.this_session()
        return endpoint

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
    """Opens the journal inside the loop, to which it then belongs."""
    return JournalledEndpoint(inner, path, model=model, replay=inner is None)


def _dropped(located_by_rubric: Sequence[LocatedFindings]) -> dict[str, JSON]:
    """How many findings were dropped, by reason."""
    counts: dict[str, JSON] = {
        "broken_box": sum(one.broken for one in located_by_rubric),
        "with_the_best_level": sum(one.contradicting for one in located_by_rubric),
    }
    return {reason: count for reason, count in counts.items() if count}


def _is_pair(rubric: Rubric) -> bool:
    return not (rubric.levels or rubric.questions)


def _score(rubric: Rubric, result: RubricResult | None, reason: str) -> Score:
    return result.score if result else Score(rubric.dimension, Status.UNSCORED, reason=reason)


def _agreement(dimension: str, same: Sequence[bool], otherwise: str) -> Score:
    """The share of `same` that is true; `otherwise` is the reason where there is none."""
    if not same:
        return Score(dimension, Status.UNSCORED, reason=otherwise)
    return Score(dimension, Status.SCORED, sum(same) / len(same))
