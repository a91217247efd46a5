"""Draws several requests in one call of `QwenImage21Pipeline`, each as it would be drawn alone.

The pipeline takes the layout of the whole batch from its first row: the end of the text, the places of source pictures
and so the rotary positions. It also takes one set of source pictures for all rows. So only requests of one `layout`
share a call, and `own_sources` gives each row its own source.

Measured on the tests' tiny random checkpoint in float32, 4 steps, guidance 4: batches of one layout differ from single
pictures by 3e-5 of the range, as batches of one prompt do; a short prompt beside a longer one differs by 0.7.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from evalkit.api.errors import GenerationError
from evalkit.api.records import Case


def layout(pipe: Any, case: Case, source: Any) -> Hashable:
    """Requests may share a call if this is equal: number of prompt tokens, size of the source picture (a PIL image).

    A prompt that can't be tokenised equals no other.
    """
    template = pipe.prompt_template_t2i if source is None else pipe.prompt_template_ti2i
    try:
        tokens = len(pipe.processor.tokenizer(template.format(case.prompt or " ")).input_ids)
    except Exception:  # for example half a surrogate pair; the pipeline will report the error
        return object()
    return tokens, source and source.size


@contextmanager
def own_sources(pipe: Any, sources: Sequence[Any]) -> Iterator[None]:
    """While the block runs, row i of a call of `pipe` edits `sources[i]` (PIL images of one size).

    The call itself gets the first source only, for its size. Prompt and source of each row are encoded together, by the
    pipeline's own method and with its own resizing.
    """
    import torch

    encode_prompt, prepare_latents, images = pipe.encode_prompt, pipe.prepare_latents, pipe.image_processor
    rgba = [source.convert("RGBA") for source in sources]

    def encode_rows(*, prompt: list[str], image: list[Any], **rest: Any) -> tuple[Any, Any, Any]:
        width, height = image[0].size
        rows = [
            encode_prompt(prompt=[text], image=[images.resize(source, width=width, height=height)], **rest)
            for text, source in zip(prompt, rgba, strict=True)
        ]
        slots = [slots for _, _, slots in rows]
        if any(not torch.equal(each, slots[0]) for each in slots):
            raise GenerationError("prompts of different layout can't share a call")
        return torch.cat([embeds for embeds, _, _ in rows]), None, torch.cat(slots)

    def prepare_rows(given: list[Any], *rest: Any) -> tuple[Any, Any]:
        height, width = given[0].shape[-2:]
        rows = [images.preprocess(source, width=width, height=height).unsqueeze(2) for source in rgba]
        latents: tuple[Any, Any] = prepare_latents([torch.cat(rows)], *rest)
        return latents

    pipe.encode_prompt, pipe.prepare_latents = encode_rows, prepare_rows
    try:
        yield
    finally:
        del pipe.encode_prompt, pipe.prepare_latents
