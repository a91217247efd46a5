"""Greedy decoding of many replies at once, each under its own grammar; tokens that a grammar forces cost no step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evalkit.judges.vlm.mini.fast import Past, PictureTokens, read_prefix, read_rows

if TYPE_CHECKING:
    import torch

TOP = 20
"""Alternatives that are reported for each token, as servers do, besides those that its grammar allows."""
ReplyToken = tuple[int, list[tuple[int, float]]]
"""A token, and its likeliest alternatives (token, logarithm of the raw probability); none where it was forced."""


class TokenizedCall(NamedTuple):
    """A call as tokens.

    Args:
        images: SHA-256 of its pictures.
        ids: tokens of the question.
        matcher: its grammar, an `llguidance.LLMatcher`.
        max_tokens: of the reply.
        wants_alternatives: whether the alternatives of its tokens are wanted.
    """

    images: tuple[str, ...]
    ids: list[int]
    matcher: Any
    max_tokens: int
    wants_alternatives: bool


def decode_rows(
    model: Any,
    prefix_ids: list[int],
    asked: Sequence[TokenizedCall],
    pictures: Mapping[str, tuple[torch.Tensor, list[torch.Tensor]]],
    side: int,
) -> list[list[ReplyToken]]:
    """The tokens of the replies. All calls show the same number of pictures and have the prefix `prefix_ids`."""
    import torch

    names = list(dict.fromkeys(name for one in asked for name in one.images))
    keys = list(dict.fromkeys(one.images for one in asked))
    deep = [torch.stack([pictures[name][1][i] for name in names]) for i in range(len(pictures[names[0]][1]))]
    tokens = torch.stack([pictures[name][0] for name in names])
    shown = torch.tensor([[names.index(name) for name in key] for key in keys])
    prefix = read_prefix(model, torch.tensor(prefix_ids), PictureTokens(tokens, deep), shown, side)
    replies: list[list[ReplyToken]] = [[] for _ in asked]
    fresh = [[*one.ids, *_forced(one, reply)] for one, reply in zip(asked, replies, strict=True)]
    running = list(range(len(asked)))
    past: Past | None = None
    of = torch.tensor([keys.index(one.images) for one in asked])
    while running:
        ids, lengths = _padded(fresh)
        states, cache = read_rows(model, prefix, of, ids, past)
        last = states[torch.arange(len(running)), lengths - 1]
        logits = model.lm_head(last).float()
        alive = torch.arange(ids.shape[1])[None] < lengths[:, None]
        past = Past(
            cache,
            torch.cat((past.alive, alive), 1) if past else alive,
            past.lengths + lengths if past else lengths,
        )
        fresh = _next(logits, [asked[n] for n in running], [replies[n] for n in running])
        going = [i for i, new in enumerate(fresh) if new]
        if len(going) < len(running):
            at = torch.tensor(going, dtype=torch.long)
            past = Past([(k[at], v[at]) for k, v in past.cache], past.alive[at], past.lengths[at])
            of, running, fresh = of[at], [running[i] for i in going], [fresh[i] for i in going]
    return replies


def _next(logits: torch.Tensor, asked: Sequence[TokenizedCall], replies: Sequence[list[ReplyToken]]) -> list[list[int]]:
    """Choose a token for each row and add the tokens that must follow it; empty for rows that are done."""
    import torch

    masks = np.stack([_allowed(one.matcher, logits.shape[1]) for one in asked])
    raw = logits.log_softmax(-1)
    best = raw.masked_fill(~torch.from_numpy(masks), float("-inf")).argmax(-1).tolist()
    top = raw.topk(min(TOP, raw.shape[1]), -1)
    values, indices = top.values.tolist(), top.indices.tolist()
    fresh: list[list[int]] = []
    for row, (one, reply, token) in enumerate(zip(asked, replies, best, strict=True)):
        alternatives = dict(zip(indices[row], values[row], strict=True)) if one.wants_alternatives else {}
        allowed = np.flatnonzero(masks[row])
        if (
            one.wants_alternatives and len(allowed) <= TOP
        ):  # every token that may be chosen is reported, however unlikely
            alternatives |= {int(each): float(raw[row, each]) for each in allowed}
        reply.append((token, list(alternatives.items())))
        one.matcher.consume_token(token)
        forced = _forced(one, reply)
        fresh.append([] if one.matcher.is_stopped() or len(reply) >= one.max_tokens else [token, *forced])
    return fresh


def _forced(one: TokenizedCall, reply: list[ReplyToken]) -> list[int]:
    """The next tokens as long as only one is allowed; they are consumed and put into the reply."""
    made: list[int] = []
    while not one.matcher.is_stopped() and len(reply) < one.max_tokens:
        allowed = np.flatnonzero(_allowed(one.matcher))
        if len(allowed) != 1:
            break
        token = int(allowed[0])
        one.matcher.consume_token(token)
        reply.append((token, []))
        made.append(token)
    return made


def _allowed(matcher: Any, size: int | None = None) -> np.ndarray[Any, np.dtype[np.bool_]]:
    bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")
    return bits[:size].astype(bool)


def _padded(rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    lengths = [len(row) for row in rows]
    ids = np.zeros((len(rows), max(lengths)), np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
    return torch.from_numpy(ids), torch.tensor(lengths)
