"""judge-mini in this process: asks that wait are answered in one batch, each reply held to its schema.

Ask ─▶ queue ─▶ batch ─▶ pictures seen once ─▶ prefixes read once ─▶ questions ─▶ replies, each under its grammar
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
from evalkit.judges.vlm.ask import Ask, Reply, Shot
from evalkit.judges.vlm.choice import Token, choice_probabilities
from evalkit.judges.vlm.mini.fit import FILE as FIT
from evalkit.judges.vlm.mini.tokens import ASKED, opening

if TYPE_CHECKING:
    import torch

    from evalkit.judges.vlm.mini.decode import Asked

WEIGHTS = Path(__file__).parent / "weights"
MOST = 64
"""Asks in one batch."""
KEPT = 256
"""Pictures whose tokens are kept for further questions."""
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


class LocalEndpoint:
    """judge-mini through `transformers`, on the CPU. Questions asked at once about one picture share what they can.

    Args:
        folder: of the model; the shipped weights if none is given.

    Raises:
        UnavailableError: no weights there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or WEIGHTS
        missing = [name for name in FILES if not (self._folder / name).is_file()]
        if missing:
            raise UnavailableError(f"judge-mini has no {missing[0]}", where=str(self._folder))
        self.model = f"judge-mini:{weights_digest(self._folder)}"
        self._waiting: list[tuple[Ask, asyncio.Future[Reply]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._answerer: _Answerer | None = None

    async def ask(self, ask: Ask) -> Reply:
        """The reply. A picture of another size than the model was trained on is an error of this call."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, future))
        if self._worker is None or self._worker.done():
            self._thread = self._thread or ThreadPoolExecutor(1, "judge-mini")
            self._worker = asyncio.create_task(self._work())
        return await future

    async def close(self) -> None:
        """Free the model. Asks still waiting are answered first."""
        if self._worker is not None:
            await self._worker
        if self._thread is not None:
            self._thread.shutdown()
        self._answerer = self._thread = None

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # so that whoever asks several questions at once has asked them all
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                replies = await loop.run_in_executor(self._thread, self._answer, [ask for ask, _ in batch])
            except Exception as error:  # whatever it is, it is told to each who asked, and the next batch goes on
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), reply in zip(batch, replies, strict=True):
                if not future.done():
                    future.set_result(reply)

    def _answer(self, asks: Sequence[Ask]) -> list[Reply]:
        if self._answerer is None:
            self._answerer = _Answerer(self._folder)
        return self._answerer.answer(asks)


def weights_digest(folder: Path) -> str:
    """Digest of every file that determines a reply."""
    names = [*FILES, *([FIT] if (folder / FIT).is_file() else [])]
    return digest("judge-mini", [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names])[:16]


class _Answerer:
    """The loaded model. Used from one thread."""

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

    def answer(self, asks: Sequence[Ask]) -> list[Reply]:
        import torch

        from evalkit.judges.vlm.mini.decode import Asked, decode_rows

        started = time.perf_counter()
        replies: list[Reply | None] = [self._refused(ask) for ask in asks]
        with torch.inference_mode():
            fresh = [shot for ask, no in zip(asks, replies, strict=True) if no is None for shot in ask.images]
            self._see(fresh)
            groups: dict[tuple[str, int], list[int]] = {}
            for number, ask in enumerate(asks):
                if replies[number] is None:
                    groups.setdefault((ask.system, len(ask.images)), []).append(number)
            for (system, images), numbers in groups.items():
                asked = [
                    Asked(
                        tuple(shot.sha256 for shot in asks[n].images),
                        self._question(asks[n].text),
                        self._matcher(json.dumps(asks[n].schema)).deep_copy(),
                        asks[n].max_tokens,
                        bool(asks[n].choice),
                    )
                    for n in numbers
                ]
                prefix = self._prefix(system, images)
                done = decode_rows(self._model, prefix, asked, self._pictures, self._grid // 2)
                for n, one, tokens in zip(numbers, asked, done, strict=True):
                    replies[n] = self._reply(asks[n], one, tokens, len(prefix))
        seconds = (time.perf_counter() - started) / len(asks)
        return [dataclasses.replace(reply, seconds=seconds) for reply in replies if reply is not None]

    def _reply(self, ask: Ask, asked: Asked, tokens: list[tuple[int, list[tuple[int, float]]]], prefix: int) -> Reply:
        ended = bool(tokens) and tokens[-1][0] == self._tokenizer.eos_token_id  # a grammar may end without it
        said = tokens[:-1] if ended else tokens
        text = self._text([token for token, _ in said])
        shares: dict[str, float] = {}
        if ask.choice:
            known = [Token(self._bytes(token), tuple((self._bytes(t), p) for t, p in rest)) for token, rest in said]
            shares = choice_probabilities(text, known, ask.choice, ask.options)
        count = prefix + len(asked.ids)
        return Reply(text, "stop" if asked.matcher.is_stopped() else "length", shares, count, len(tokens))

    def _refused(self, ask: Ask) -> Reply | None:
        """An error for what the model was not made to see."""
        for shot in ask.images:
            if (shot.width, shot.height) != (self._side, self._side):
                size = f"{self._side}x{self._side} px"
                return Reply(error=f"judge-mini sees pictures of {size} only, not of {shot.width}x{shot.height} px")
        return None

    def _see(self, shots: Sequence[Shot]) -> None:
        import torch

        from evalkit.judges.vlm.mini.fast import see, to_patches

        fresh = {shot.sha256: shot for shot in shots if shot.sha256 not in self._pictures}
        if fresh:
            pixels = torch.from_numpy(np.stack([_pixels(shot, self._side) for shot in fresh.values()]))
            seen = see(self._model, to_patches(pixels), self._grid)
            for number, sha256 in enumerate(fresh):
                self._pictures[sha256] = (seen.tokens[number], [deep[number] for deep in seen.deep])
        for shot in shots:
            self._pictures.move_to_end(shot.sha256)
        while len(self._pictures) > max(KEPT, len({shot.sha256 for shot in shots})):
            self._pictures.popitem(last=False)

    def _prefix(self, system: str, images: int) -> list[int]:
        """Everything the chat template puts before the question."""
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
    """Text that can't be taken for a mark of the chat template."""
    return text.replace("<|", "< |")


def _pixels(shot: Shot, side: int) -> Pixels:
    """Raises `PictureError` for a picture that is not what its shot says."""
    pixels = decode(shot.png, where=shot.sha256).pixels
    if pixels.shape != (side, side, 3):
        raise PictureError("the picture has not the size its shot says", where=shot.sha256)
    return pixels
