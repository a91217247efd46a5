"""judge-mini in this process, with random weights: every reply fits its schema, whatever calls are batched."""

import asyncio
import hashlib
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import Pixels, encode_png
from evalkit.api.training import Judged, JudgeData
from evalkit.judges.vlm.call import Call, Reply, SentImage
from evalkit.judges.vlm.checklist import question_call, read_call
from evalkit.judges.vlm.mini.fit import unfit
from evalkit.judges.vlm.mini.local import WEIGHTS, LocalEndpoint
from evalkit.judges.vlm.pairwise import pairwise_calls
from evalkit.judges.vlm.reply import ParsedReply, parse
from evalkit.judges.vlm.rubric import rubrics
from evalkit.judges.vlm.scale import scale_call


def shot(pixels: Pixels) -> SentImage:
    png = encode_png(pixels)
    return SentImage(png, hashlib.sha256(png).hexdigest(), pixels.shape[1], pixels.shape[0])


def asks_about(judged: Judged) -> list[Call]:
    picture, case = shot(judged.picture), judged.case
    made = [scale_call(rubrics()[name], case, [picture]) for name in ("compliance", "quality", "text")]
    made += [question_call(rubrics()["checklist"], question.text, picture) for question, _ in judged.answers]
    made += pairwise_calls(rubrics()["preference"], case, picture, shot(judged.picture[::-1].copy()), None)
    return [*made, read_call(picture)]


def answers(folder: Path, asks: list[Call], *, together: bool) -> list[Reply]:
    async def run() -> list[Reply]:
        endpoint = LocalEndpoint(folder)
        try:
            if together:
                return list(await asyncio.gather(*map(endpoint.ask, asks)))
            return [await endpoint.ask(ask) for ask in asks]
        finally:
            await endpoint.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def asks(data: JudgeData) -> list[Call]:
    rng = random.Random(11)
    pictures = [data.judged(rng, task="t2i", category="text") for _ in range(3)]
    return [ask for judged in pictures for ask in asks_about(judged)]


@pytest.fixture(scope="module")
def replies(tiny: Path, asks: list[Call]) -> list[Reply]:
    return answers(tiny, asks, together=True)


def test_every_reply_fits_its_schema(asks: list[Call], replies: list[Reply]) -> None:
    for ask, reply in zip(asks, replies, strict=True):
        if ask.name == "transcription" and reply.finish == "length":
            continue  # untrained, it never closes the string
        parsed = parse(ask, reply)
        assert isinstance(parsed, ParsedReply), (reply, parsed)
        assert not parsed.repaired


def test_choices_come_with_raw_probabilities(asks: list[Call], replies: list[Reply]) -> None:
    for ask, reply in zip(asks, replies, strict=True):
        if not ask.choice:
            assert not reply.probabilities
            continue
        assert set(reply.probabilities) <= {json.dumps(option) for option in ask.options}
        assert 0 <= sum(reply.probabilities.values()) < 0.9, "untrained, most of the mass lies outside the options"


def test_replies_are_the_same_alone_and_in_a_batch(tiny: Path, asks: list[Call], replies: list[Reply]) -> None:
    for alone, together in zip(answers(tiny, asks[:8], together=False), replies, strict=False):
        assert alone.text == together.text
        assert alone.probabilities == pytest.approx(together.probabilities, abs=1e-5)


def test_counts_tokens_as_a_server_does(replies: list[Reply]) -> None:
    assert all(reply.prompt_tokens and reply.completion_tokens for reply in replies)
    assert max(reply.prompt_tokens or 0 for reply in replies) < 200


def test_another_size_is_an_error_of_the_call(tiny: Path, asks: list[Call]) -> None:
    large = shot(np.zeros((64, 64, 3), np.uint8))
    good, bad = answers(tiny, [asks[0], read_call(large)], together=True)
    assert good.text
    assert not good.error
    assert "128x128 px only" in bad.error


def test_the_name_follows_from_the_files(tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    assert LocalEndpoint(copy).model == LocalEndpoint(tiny).model
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert LocalEndpoint(copy).model != LocalEndpoint(tiny).model


def test_a_folder_without_weights_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"has no config\.json"):
        LocalEndpoint(tmp_path)


def test_the_shipped_weights_answer_the_rubrics_they_are_fit_for(data: JudgeData) -> None:
    """This does not test their accuracy (see the card), but that files, tokenizer and code belong together."""
    rng = random.Random("shipped")
    scores: dict[bool, list[float]] = {True: [], False: []}
    pictures = [data.judged(rng, fault, 4.0, task="t2i", category="shapes") for fault in ("", "grain") * 4]
    asks = [scale_call(rubrics()["background"], judged.case, [shot(judged.picture)]) for judged in pictures]
    for judged, reply in zip(pictures, answers(WEIGHTS, asks, together=True), strict=True):
        assert not reply.error
        assert sum(reply.probabilities.values()) > 0.9
        level = sum(int(option) * share for option, share in reply.probabilities.items())
        scores[judged.fault == ""].append(level)
    assert min(scores[True]) > 3.5
    assert sum(scores[False]) / 4 < 2.8
    assert "background" not in unfit(WEIGHTS)
