"""judge-mini in this process: calls that wait are answered in one batch, and each reply is held to its schema.

Call ─▶ queue ─▶ batch ─▶ pictures seen once ─▶ prefixes read once ─▶ questions ─▶ replies, each under its grammar
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.api.errors import PictureError, UnavailableError
from evalkit.api.install import install_line
from evalkit.api.pictures import Pixels, decode
from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.formats.keys import digest
from evalkit.judges.vlm.call import Call, Reply, ReplyForm, SentImage
from evalkit.judges.vlm.choice import Token, choice_probabilities
from evalkit.judges.vlm.mini.fit import FILE as FIT
from evalkit.judges.vlm.mini.tokens import ASKED, opening

if TYPE_CHECKING:
    import torch

    from evalkit.judges.vlm.mini.decode import ReplyToken, TokenizedCall

WEIGHTS = Path(__file__).parent / "weights"
MOST = 64
"""Calls in one batch, at most."""
KEPT = 256
"""Pictures whose tokens are kept for further questions, at most."""
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


class LocalEndpoint:
    """judge-mini through `transformers`, on the CPU. Questions asked at once about one picture share what they can.

    Args:
        folder: of the model; the shipped weights if none is given.

    Raises:
        UnavailableError: the folder has no weights.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or WEIGHTS
        missing = [name for name in FILES if not (self._folder / name).is_file()]
        if missing:
            raise UnavailableError(f"judge-mini has no {missing[0]}", where=str(self._folder))
        self.model = f"judge-mini:{weights_digest(self._folder)}"
        self._waiting: list[tuple[Call[ReplyForm], asyncio.Future[Reply]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._answerer: _Answerer | None = None

    async def ask(self, call: Call[ReplyForm]) -> Reply:
        """The reply. A picture of another size than the model was trained on is an error of this call."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        if self._worker is None or self._worker.done():
            self._thread = self._thread or ThreadPoolExecutor(1, "judge-mini")
            self._worker = asyncio.create_task(self._work())
        return await future

    async def close(self) -> None:
        """Free the model. Calls that still wait are answered first."""
        if self._worker is not None:
            await self._worker
        if self._thread is not None:
            self._thread.shutdown()
        self._answerer = self._thread = None

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # so that all calls that are made together are in the first batch
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                replies = await loop.run_in_executor(self._thread, self._answer, [call for call, _ in batch])
            except Exception as error:  # each caller of the batch gets the error, and the next batch goes on
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), reply in zip(batch, replies, strict=True):
                if not future.done():
                    future.set_result(reply)

    def _answer(self, calls: Sequence[Call[ReplyForm]]) -> list[Reply]:
        if self._answerer is None:
            self._answerer = _Answerer(self._folder)
        return self._answerer.answer(calls)


def weights_digest(folder: Path) -> str:
    """Digest of every file that determines the replies."""
    names = [*FILES, *([FIT] if (folder / FIT).is_file() else [])]
    return digest("judge-mini", [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names])[:16]


class _Answerer:
    """The loaded model. Use it from one thread."""

    def __init__(self, folder: Path) -> None:
        ensure_torchvision()
        try:
            import torch
            from llguidance.hf import from_tokenizer
            from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration
        except ImportError as error:
            hint = install_line("diffusers", "vllm")
            raise UnavailableError(f"judge-mini can't run: {error}", where=str(folder), hint=hint) from error

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = Qwen3VLForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, use_safetensors=True
        )
        self._model = model.eval()
        vision = self._model.config.vision_config
        self._grid = round(vision.num_position_embeddings**0.5)
        self._side = self._grid * vision.patch_size
        self._grammar_tokens = from_tokenizer(self._tokenizer, n_vocab=self._model.config.text_config.vocab_size)
        self._pictures: OrderedDict[str, tuple[torch.Tensor, list[torch.Tensor]]] = OrderedDict()
        self._matcher = lru_cache(maxsize=64)(self._new_matcher)

    def answer(self, calls: Sequence[Call[ReplyForm]]) -> list[Reply]:
        import torch

        from evalkit.judges.vlm.mini.decode import TokenizedCall, decode_rows

        started = time.perf_counter()
        replies: list[Reply | None] = [self._refused(call) for call in calls]
        with torch.inference_mode():
            fresh = [image for call, no in zip(calls, replies, strict=True) if no is None for image in call.images]
            self._see(fresh)
            groups: dict[tuple[str, int], list[int]] = {}
            for number, call in enumerate(calls):
                if replies[number] is None:
                    groups.setdefault((call.system, len(call.images)), []).append(number)
            for (system, images), numbers in groups.items():
                asked = [
                    TokenizedCall(
                        tuple(image.sha256 for image in calls[n].images),
                        self._question(calls[n].text),
                        self._matcher(json.dumps(calls[n].schema)).deep_copy(),
                        calls[n].max_tokens,
                        bool(calls[n].choice),
                    )
                    for n in numbers
                ]
                prefix = self._prefix(system, images)
                done = decode_rows(self._model, prefix, asked, self._pictures, self._grid // 2)
                for n, one, tokens in zip(numbers, asked, done, strict=True):
                    replies[n] = self._reply(calls[n], one, tokens, len(prefix))
        seconds = (time.perf_counter() - started) / len(calls)
        return [dataclasses.replace(reply, seconds=seconds) for reply in replies if reply is not None]

    def _reply(self, call: Call[ReplyForm], asked: TokenizedCall, tokens: list[ReplyToken], prefix: int) -> Reply:
        ended = bool(tokens) and tokens[-1][0] == self._tokenizer.eos_token_id  # a grammar may end without it
        written = tokens[:-1] if ended else tokens
        text = self._text([token for token, _ in written])
        shares: dict[str, float] = {}
        if call.choice:
            known = [Token(self._bytes(token), tuple((self._bytes(t), p) for t, p in rest)) for token, rest in written]
            shares = choice_probabilities(text, known, call.choice, call.options)
        count = prefix + len(asked.ids)
        return Reply(text, "stop" if asked.matcher.is_stopped() else "length", shares, count, len(tokens))

    def _refused(self, call: Call[ReplyForm]) -> Reply | None:
        """An error for a picture of a size that the model was not made for; else `None`."""
        for image in call.images:
            if (image.width, image.height) != (self._side, self._side):
                size = f"{self._side}x{self._side} px"
                return Reply(error=f"judge-mini sees pictures of {size} only, not of {image.width}x{image.height} px")
        return None

    def _see(self, images: Sequence[SentImage]) -> None:
        import torch

        from evalkit.judges.vlm.mini.fast import see, to_patches

        fresh = {image.sha256: image for image in images if image.sha256 not in self._pictures}
        if fresh:
            pixels = torch.from_numpy(np.stack([_pixels(image, self._side) for image in fresh.values()]))
            seen = see(self._model, to_patches(pixels), self._grid)
            for number, sha256 in enumerate(fresh):
                self._pictures[sha256] = (seen.tokens[number], [deep[number] for deep in seen.deep])
        for image in images:
            self._pictures.move_to_end(image.sha256)
        while len(self._pictures) > max(KEPT, len({image.sha256 for image in images})):
            self._pictures.popitem(last=False)

    def _prefix(self, system: str, images: int) -> list[int]:
        """Tokens of everything that the chat template puts before the question."""
        ids: list[int] = self._tokenizer(opening(_plain(system), images, (self._grid // 2) ** 2)).input_ids
        return ids

    def _question(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(_plain(text) + ASKED).input_ids
        return ids

    def _new_matcher(self, schema: str) -> Any:
        from llguidance import LLMatcher

        spaces: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
        grammar = LLMatcher.grammar_from_json_schema(schema, overrides=spaces)
        return LLMatcher(self._grammar_tokens, grammar)

    def _text(self, ids: list[int]) -> str:
        return b"".join(map(self._bytes, ids)).decode("utf-8", errors="replace")

    def _bytes(self, token: int) -> bytes:
        decoded: bytes = self._grammar_tokens.decode_bytes([token])
        return decoded


def _plain(text: str) -> str:
    """Text in which no part can be read as a mark of the chat template."""
    return text.replace("<|", "< |")


def _pixels(image: SentImage, side: int) -> Pixels:
    """(side, side, 3) pixels. Raises `PictureError` for a picture of another size than its record states."""
    pixels = decode(image.png, where=image.sha256).pixels
    if pixels.shape != (side, side, 3):
        raise PictureError("the picture has another size than its record states", where=image.sha256)
    return pixels
