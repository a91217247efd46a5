"""The judge's client against vLLM's own benchmark client and a sequential one, on one server with the same prompts.

Two workloads: one question to each picture of 512 px, asked of a tiny random Qwen3-VL (yes/no, and a score with a
finding), and what `evalkit run` asks: the judge itself on tile pictures, with judge-mini (levels, findings, checklists,
several questions to each picture). Both are served by `.venv-vllm` (`make vllm`); EVALKIT_BENCH_URL and _MODEL name a
server that runs, its key is in EVALKIT_JUDGE_API_KEY. Prints requests per second and their ratios; every arm has
pictures of its own, so that none profits from another's cache, and arms take turns, so that a change of load meets all
of them.
"""

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evalkit.api.pictures import Picture, encode_png
from evalkit.api.records import Case, Request, Status
from evalkit.benchmarks.tiles.benchmark import TilesBenchmark
from evalkit.benchmarks.tiles.generator import TileGenerator
from evalkit.formats.keys import noise_seed
from evalkit.judges.vlm.call import Call, Reply, SentImage
from evalkit.judges.vlm.checklist import YesNoForm
from evalkit.judges.vlm.client import Limits, OpenAIEndpoint
from evalkit.judges.vlm.judge import VlmJudge
from evalkit.judges.vlm.serving import serve
from evalkit.judges.vlm.serving.environment import clean_environment, find
from evalkit.judges.vlm.wire import request_fields

REQUESTS, ROUNDS, SIDE, CONCURRENCY = 32, 3, 512, 64
PICTURES = 16
"""Of a run, in one arm."""
YES_OR_NO, SCORE = 8, 32
"""Tokens of a reply: of a yes or no, and of a score with a finding."""
_seed = iter(range(1_000_000))


class Target(NamedTuple):
    url: str
    model: str
    key: str


def picture() -> SentImage:
    """A picture that was never sent before: blocks of random colour, which PNG can't shrink to nothing."""
    seed = next(_seed)
    blocks = np.random.default_rng(seed).integers(0, 256, (SIDE // 4, SIDE // 4, 3), np.uint8)
    png = encode_png(np.kron(blocks, np.ones((4, 4, 1), np.uint8)))
    return SentImage(png, f"bench-{seed}", SIDE, SIDE)


def asks(count: int, *, one_picture: bool = False, tokens: int = YES_OR_NO) -> list[Call]:
    same = picture()
    return [
        Call(
            "",
            (same if one_picture else picture(),),
            f"Question {number}: does the picture show what was asked for?",
            YesNoForm,
            max_tokens=tokens,  # random weights write until the limit
        )
        for number in range(count)
    ]


def ours(target: Target, questions: list[Call], concurrency: int) -> float:
    """Requests per second through the judge's client."""

    async def run() -> float:
        limits = Limits(concurrency=concurrency)
        endpoint = OpenAIEndpoint(target.url, target.model, api_key=target.key, limits=limits)
        await endpoint.ask(asks(1)[0])  # connection and imports, as vLLM's client has its warm-up
        started = time.perf_counter()
        replies = await asyncio.gather(*map(endpoint.ask, questions))
        seconds = time.perf_counter() - started
        await endpoint.close()
        # random weights end at the limit, not by themselves: the same work in every arm
        if failed := [reply.error for reply in replies if reply.error]:
            raise SystemExit(f"{len(failed)} calls failed: {failed[0]}")
        return len(questions) / seconds

    return asyncio.run(run())


class Counted(OpenAIEndpoint):
    """The client, and how many calls it has answered."""

    calls = 0

    async def ask(self, call: Call) -> Reply:
        reply = await super().ask(call)
        self.calls += 1
        return reply


def tiles(count: int) -> list[tuple[Case, Picture]]:
    """Tile scenes and edits that were never shown before, drawn as they should be."""
    generator, found = TileGenerator(TileGenerator.Settings()), []
    for case in TilesBenchmark(TilesBenchmark.Settings(count=count, seed=next(_seed))).cases():
        image = generator.generate([Request(case, 0, noise_seed(case.id, 0))])[0].image
        assert image is not None
        found.append((case, Picture("", image if isinstance(image, bytes) else encode_png(image))))
    return found


def judged(target: Target, looks: list[tuple[Case, Picture]], *, concurrency: int, at_once: int) -> float:
    """Requests per second of the judge as `evalkit run` has it, its instruments left out: they ask no server."""
    endpoint = Counted(target.url, target.model, api_key=target.key, limits=Limits(concurrency=concurrency))
    judge = VlmJudge(VlmJudge.Settings(check_with_instruments=False), endpoint)
    [(case, picture)] = tiles(1)
    judge.judge(picture, case, None)  # connection and imports
    endpoint.calls, started = 0, time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        verdicts = list(threads.map(lambda look: judge.judge(look[1], look[0], None), looks))
    seconds = time.perf_counter() - started
    judge.close()
    if failed := [score.reason for v in verdicts for score in v.scores if score.status is Status.ERROR]:
        raise SystemExit(f"{len(failed)} scores failed: {failed[0]}")
    return endpoint.calls / seconds


def theirs(target: Target, questions: list[Call], python: Path, work: Path) -> float:
    """Requests per second through `vllm bench serve`, all at once, with the same bodies but streamed."""
    fields = request_fields(questions[0], target.model)
    body: dict[str, Any] = {key: value for key, value in fields.items() if key not in ("model", "messages")}
    body["max_completion_tokens"] = body.pop("max_tokens")
    lines = [json.dumps({"content": request_fields(q, "")["messages"][-1]["content"]}) for q in questions]
    (work / "prompts.jsonl").write_text("\n".join(lines))
    base, _, _ = target.url.rpartition("/v1")
    command = [
        *(python, "-m", "vllm.entrypoints.cli.main", "bench", "serve", "--backend", "openai-chat"),
        *("--base-url", base, "--endpoint", "/v1/chat/completions", "--model", target.model),
        *("--dataset-name", "custom_image", "--dataset-path", work / "prompts.jsonl", "--skip-tokenizer-init"),
        *("--num-prompts", str(len(questions)), "--num-warmups", "1", "--extra-body", json.dumps(body)),
        *("--save-result", "--result-dir", work, "--result-filename", "result.json", "--disable-tqdm"),
    ]
    variables = clean_environment(OPENAI_API_KEY=target.key, HF_HUB_OFFLINE="1", VLLM_NO_USAGE_STATS="1")
    done = subprocess.run(list(map(str, command)), env=variables, capture_output=True, text=True, cwd=work, check=False)
    if done.returncode != 0:
        raise SystemExit(f"vllm bench serve failed:\n{done.stderr[-3000:]}")
    result = json.loads((work / "result.json").read_text())
    if result["completed"] != len(questions):
        raise SystemExit(f"vllm bench serve completed {result['completed']} of {len(questions)}")
    return float(result["request_throughput"])


@contextlib.contextmanager
def server(work: Path, model: str = "") -> Iterator[Target]:
    """The one of the environment, or judge-mini's profile with the model in that folder (judge-mini, if none)."""
    if url := os.environ.get("EVALKIT_BENCH_URL"):
        named, key = os.environ.get("EVALKIT_BENCH_MODEL", "judge-mini"), os.environ.get("EVALKIT_JUDGE_API_KEY", "")
        yield Target(url, named, key)
        return
    with serve("judge-mini", model, log=work / "server.log") as running:
        yield Target(running.url, running.model, running.api_key)


def measured(arms: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Requests per second of every arm, in rounds."""
    rates: dict[str, list[float]] = {arm: [] for arm in arms}
    for _ in range(ROUNDS):
        for arm, rate in arms.items():
            rates[arm].append(rate())
            print(f"{arm}: {rates[arm][-1]:.2f} requests/s", file=sys.stderr, flush=True)
    return rates


def single_questions(target: Target, work: Path) -> dict[str, list[float]]:
    python = find(None).path
    ours(target, asks(4), 4)  # the first requests of a server take longest
    return measured(
        {
            "ours": lambda: ours(target, asks(REQUESTS), CONCURRENCY),
            "vllm_bench": lambda: theirs(target, asks(REQUESTS), python, work),
            "sequential": lambda: ours(target, asks(REQUESTS // 2), 1),
            "ours_score": lambda: ours(target, asks(REQUESTS, tokens=SCORE), CONCURRENCY),
            "sequential_score": lambda: ours(target, asks(REQUESTS // 2, tokens=SCORE), 1),
            "one_picture": lambda: ours(target, asks(REQUESTS, one_picture=True), CONCURRENCY),
        }
    )


def run(target: Target) -> dict[str, list[float]]:
    """The judge as a run has it, and the same judge with one call at a time."""
    at_once = VlmJudge.Settings().pictures_at_once
    return measured(
        {
            "run": lambda: judged(target, tiles(PICTURES), concurrency=CONCURRENCY, at_once=at_once),
            "sequential_run": lambda: judged(target, tiles(PICTURES // 4), concurrency=1, at_once=1),
        }
    )


def main() -> None:
    from tests.judges.vlm.tiny import build

    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tiny = build(work / "tiny", [ask.text for ask in asks(8)])
        with server(work, str(tiny)) as target:
            rates = single_questions(target, work)
        with server(work) as target:
            rates |= run(target)
    typical = {arm: statistics.median(found) for arm, found in rates.items()}
    figures = {
        "requests_per_s": {arm: [round(rate, 2) for rate in found] for arm, found in rates.items()},
        "ours_over_vllm_bench": round(typical["ours"] / typical["vllm_bench"], 2),
        "ours_over_sequential": round(typical["ours"] / typical["sequential"], 2),
        "ours_over_sequential_score": round(typical["ours_score"] / typical["sequential_score"], 2),
        "run_over_sequential": round(typical["run"] / typical["sequential_run"], 2),
        "one_picture_over_different": round(typical["one_picture"] / typical["ours"], 2),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
