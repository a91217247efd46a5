"""Real vLLM (the CPU build of `make vllm`) serves judge-mini, and answers the built-in questions over HTTP."""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import Case, Request, Role, Task
from evalkit.benchmarks.tiles.benchmark import TilesBenchmark
from evalkit.benchmarks.tiles.generator import TileGenerator
from evalkit.cli import main
from evalkit.formats.keys import noise_seed
from evalkit.judges.edit.judge import source_pixels
from evalkit.judges.vlm.call import Call, Reply
from evalkit.judges.vlm.checklist import checklist_items, question_call
from evalkit.judges.vlm.client import OpenAIEndpoint
from evalkit.judges.vlm.pairwise import pairwise_calls
from evalkit.judges.vlm.pixels import sent_image
from evalkit.judges.vlm.reply import ParsedReply, parse
from evalkit.judges.vlm.rubric import Rubric, rubrics, why_not
from evalkit.judges.vlm.scale import scale_call
from evalkit.judges.vlm.serving import Server, profile, serve
from evalkit.judges.vlm.serving.environment import find
from evalkit.judges.vlm.serving.machine import Machine
from evalkit.judges.vlm.wire import read_completion, request_fields
from evalkit.store.run_reader import RunReader
from tests.judges.vlm.in_process import InProcess

pytestmark = pytest.mark.vllm

SAME = 1e-3
"""Largest difference of a probability, HTTP against transformers, both in float32; measured: 2e-7 over 204 tokens."""
TOLERANCE = 0.01
"""The same against judge-mini's endpoint in this process, which has its own forward pass."""
MASKED = -1000.0
"""Logarithms below this are tokens that the reply's grammar forbids (vLLM gives -9999)."""
WEIGHTS = Path(profile("judge-mini").where())
START_SECONDS = 400


def vllm_or_skip() -> None:
    try:
        find(None)
    except UnavailableError as error:
        pytest.skip(f"{error}; {error.hint}")


class Asked(NamedTuple):
    asks: list[Call]
    replies: list[Reply]
    again: list[Reply]


def questions(count: int = 6) -> list[Call]:
    """Every built-in question about the right pictures of a few cases: levels, yes/no, pairs."""
    generator = TileGenerator(TileGenerator.Settings())
    known, found = rubrics(), []
    for case in TilesBenchmark(TilesBenchmark.Settings(count=count)).cases():
        drawn = generator.generate([Request(case, 0, noise_seed(case.id, 0))])[0]
        picture = drawn.image
        pixels = picture.pixels if isinstance(picture, Picture) else picture
        found += asks_about(case, pixels, known)
    return found


def asks_about(case: Case, pixels: Pixels, known: Mapping[str, Rubric]) -> list[Call]:
    shot = sent_image(pixels)
    source = sent_image(source_pixels(case)) if case.task is Task.EDIT else None
    given = {"picture": shot, "source": source, "twin": shot}
    found = []
    for rubric in known.values():
        if why_not(rubric, case, twin=True):
            continue
        if rubric.levels:
            found.append(scale_call(rubric, case, [given[name] for name in rubric.shows]))
        elif rubric.questions:
            found += [question_call(rubric, item.question.text, shot) for item in checklist_items(rubric, case)[:3]]
        else:
            found += pairwise_calls(rubric, case, shot, shot, source)
    return found


@pytest.fixture(scope="module")
def asks() -> list[Call]:
    vllm_or_skip()
    return questions()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    vllm_or_skip()
    log = tmp_path_factory.mktemp("log") / "vllm.log"
    before = below(os.getpid())  # processes that other tests left
    # planned for a CPU, wherever the tests run
    with serve("judge-mini", on=Machine(), timeout=START_SECONDS, log=log) as started:
        running = [pid for pid in below(os.getpid()) if pid not in before]
        assert len(running) >= 3  # supervisor, API server, engine
        yield started
    assert [pid for pid in running if Path(f"/proc/{pid}").exists()] == []


def below(parent: int) -> set[int]:
    """All processes below this one."""
    found = set()
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found |= {child} | below(child)
    return found


@pytest.fixture(scope="module")
def asked(server: Server, asks: list[Call]) -> Asked:
    async def all_of_them() -> Asked:
        endpoint = OpenAIEndpoint(server.url, server.model, api_key=server.api_key)
        try:
            replies = list(await asyncio.gather(*map(endpoint.ask, asks)))
            return Asked(asks, replies, [await endpoint.ask(ask) for ask in asks[:6]])
        finally:
            await endpoint.close()

    return asyncio.run(all_of_them())


def test_every_reply_fits_its_schema(asked: Asked) -> None:
    kinds = {ask.choice for ask in asked.asks}
    assert kinds == {"score", "answer", "better"}
    wrong = [
        f"{ask.choice}: {found}: {reply.text[:80]!r}"
        for ask, reply in zip(asked.asks, asked.replies, strict=True)
        if not isinstance(found := parse(ask, reply), ParsedReply) or found.repaired
    ]
    assert wrong == []
    assert all(reply.attempts == 1 for reply in asked.replies)


def test_the_pictures_are_in_the_prompt(asked: Asked) -> None:
    """More pictures have more tokens: no picture is lost."""
    by_images: dict[int, list[int]] = {}
    for ask, reply in zip(asked.asks, asked.replies, strict=True):
        assert reply.prompt_tokens
        by_images.setdefault(len(ask.images), []).append(reply.prompt_tokens)
    assert len(by_images) >= 2


def test_it_is_the_same_model_as_in_this_process(asked: Asked, server: Server) -> None:
    """Compared token by token on the server's reply: pictures, prompt and weights are the same as in transformers."""
    model = InProcess(WEIGHTS)
    worst, tokens = 0.0, 0
    for ask in asked.asks[::5]:
        fields = {**request_fields(ask, server.model), "return_token_ids": True}
        headers = {"Authorization": f"Bearer {server.api_key}"}
        body = httpx.post(
            f"{server.url}/chat/completions", json=fields, headers=headers, timeout=300, trust_env=False
        ).content
        ids = json.loads(body)["choices"][0]["token_ids"]
        named = [
            {data.decode(errors="replace"): math.exp(p) for data, p in token.alternatives if p > MASKED}
            for token in read_completion(body).tokens
        ]
        found = model.distances(ask, ids[: len(named)], named)
        worst, tokens = max(worst, *found), tokens + len(found)
    print(f"largest difference {worst:.2g} over {tokens} tokens")
    assert tokens >= 50
    assert worst <= SAME


def test_answers_are_those_of_the_endpoint_in_process(asked: Asked) -> None:
    from evalkit.judges.vlm.mini.local import LocalEndpoint

    async def in_process() -> list[Reply]:
        endpoint = LocalEndpoint(WEIGHTS)
        try:
            return list(await asyncio.gather(*map(endpoint.ask, asked.asks)))
        finally:
            await endpoint.close()

    for ask, theirs, ours in zip(asked.asks, asked.replies, asyncio.run(in_process()), strict=True):
        here, there = (normalised(reply) for reply in (ours, theirs))
        assert there == pytest.approx(here, abs=TOLERANCE), ask.text[-200:]
        if (ranked := sorted(here.values()))[-1] - ranked[-2] > 2 * TOLERANCE:  # no tie that rounding may break
            one, other = (parse(ask, reply) for reply in (ours, theirs))
            assert isinstance(one, ParsedReply)
            assert isinstance(other, ParsedReply)
            assert getattr(one.value, ask.choice) == getattr(other.value, ask.choice)


def normalised(reply: Reply) -> dict[str, float]:
    total = sum(reply.probabilities.values())
    return {option: p / total for option, p in reply.probabilities.items()}


def test_a_call_made_alone_gets_the_same_answer_as_among_many(asked: Asked) -> None:
    for crowd, alone in zip(asked.replies, asked.again, strict=False):
        assert alone.text == crowd.text
        assert alone.probabilities == pytest.approx(crowd.probabilities, abs=SAME)


@pytest.mark.nightly
def test_the_built_in_suite_gets_the_same_verdicts_over_http(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`evalkit run` on minis-core, every case, once with judge-mini on the server and once in process."""
    assert server.api_key
    monkeypatch.setenv("EVALKIT_JUDGE_API_KEY", server.api_key)
    here, there = (
        judged_suite(tmp_path / name, where)
        for name, where in (("here", {}), ("there", {"url": server.url, "model": server.model}))
    )
    assert len(here) > 100
    assert there == pytest.approx(here, abs=TOLERANCE)


def judged_suite(folder: Path, where: dict[str, str]) -> dict[tuple[str, str], float]:
    """Every score of the student's pictures, by dimension and case."""
    judge = {"use": "vlm", **where, "repeats": 0, "check_text": False}
    config = {"student": "flash-mini", "teacher": None, "judges": [judge], "exporters": ["verdict"], "cache": False}
    folder.mkdir()
    (folder / "run.yaml").write_text(json.dumps(config))
    assert main(["run", str(folder / "run.yaml"), "--out", str(folder / "run")]) == 0
    with RunReader(folder / "run") as reader:
        return {
            (name, case): score for name in rubrics() for case, _, score in reader.scores(Role.STUDENT, f"vlm.{name}")
        }
