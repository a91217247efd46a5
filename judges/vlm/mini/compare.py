"""A layer that starts out holding each token of a picture against the same place of the picture before it.

Two heads look at the same place of the earlier picture, two at the token itself; both read the same of what they look
at, and the difference is written where little else is. Nothing but the position decides where they look: queries and
keys start as one constant each, and rotary embedding turns their product into a bump around the distance of two
pictures. Behind them neurons square the difference and add it up by groups: how much has changed of what. It is a
start, not a rule: training moves all of it. Without it judge-mini did not learn to tell what an edit had changed
(docs/judge-mini.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

MARKS_BETWEEN = 2
"""Tokens between two pictures: one ends, the next begins."""
SHARP = 5.0
"""Gain of queries and keys: the neighbours of the place get a percent of the attention."""
WAVES = {1: 20.0, 2: 35.0, 3: 20.0}
"""Energy by frequency of the rotary embedding: rows turn with 1, columns with 2, time with 3 (interleaved)."""
HEADS = 2
"""That look at each of the two places."""
GROUPS = 8
"""Glyph and ink of each of a token's four tiles."""
WRITTEN, FELT, SUMMED = 0.14, 4.3, 0.02
"""Gains: of what is written, in states with a root mean square of 1; of what the neurons feel of it; of their sums."""


class Places(NamedTuple):
    """Directions of the states of picture tokens.

    Args:
        constant: (width,) its product with the normed state of every picture token is above 0.
        content: (2 × head, width) what is compared of a normed state, about 1 between equal ones; groups follow each
            other.
        free: (width, 2 × head) orthonormal, where the difference is written.
        sums: (width, groups) orthonormal, where its squares are written.
    """

    constant: torch.Tensor
    content: torch.Tensor
    free: torch.Tensor
    sums: torch.Tensor


def compare_places(layer: Any, inv_freq: torch.Tensor, apart: int, places: Places) -> None:
    """Sets the weights of a decoder layer of Qwen3-VL; what is not spoken of below adds nothing at first.

    Args:
        layer: at least four heads, as many for keys as for queries.
        inv_freq: (head / 2,) of the rotary embedding.
        apart: distance of the positions of two pictures: tokens along a side, and those between.
        places: what is compared, and where it goes.
    """
    import torch

    attention, mlp, head = layer.self_attn, layer.mlp, layer.self_attn.head_dim
    frequencies = torch.tensor(sorted(WAVES))
    size = torch.tensor([WAVES[int(f)] for f in frequencies]).sqrt()
    count, groups = len(places.content), places.sums.shape[1]
    with torch.no_grad():
        for number in range(attention.q_proj.weight.shape[0] // head):
            rows = slice(number * head, (number + 1) * head)
            away = apart if number < HEADS else 0
            key, query = torch.zeros(head), torch.zeros(head)
            key[frequencies] = size
            turned = -inv_freq[frequencies] * away
            query[frequencies], query[frequencies + head // 2] = size * turned.cos(), size * turned.sin()
            attention.q_proj.weight[rows] = query[:, None] * places.constant
            attention.k_proj.weight[rows] = key[:, None] * places.constant
            part = slice(number % HEADS * head, (number % HEADS + 1) * head)
            sign = -1.0 if number < HEADS else 1.0 if number < 2 * HEADS else 0.0
            attention.v_proj.weight[rows] = places.content[part]
            attention.o_proj.weight[:, rows] = sign * WRITTEN * places.free[:, part]
        for norm in (attention.q_norm, attention.k_norm):
            norm.weight.fill_(SHARP)
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            norm.weight.fill_(1.0)
        mlp.down_proj.weight.zero_()
        for sign, first in ((1.0, 0), (-1.0, count)):
            for matrix in (mlp.gate_proj, mlp.up_proj):
                matrix.weight[first : first + count] = sign * FELT * places.free.T
            by_group = places.sums.repeat_interleave(count // groups, 1)
            mlp.down_proj.weight[:, first : first + count] = SUMMED * by_group


def start_comparing(model: Any, layer: int, side: int) -> None:
    """`compare_places` in a layer of an untrained model: what is read and where it is written are chosen at random.

    The constant is put into every picture's tokens, which have none before training.
    """
    import torch

    text, merger = model.model.language_model, model.model.visual.merger
    width = text.config.hidden_size
    count = HEADS * text.layers[layer].self_attn.head_dim
    turn, constant = torch.linalg.qr(torch.randn(width, width)).Q, torch.ones(width)
    places = Places(constant / width, turn[:count], turn[:, -count:], turn[:, -count - GROUPS : -count])
    with torch.no_grad():
        merger.linear_fc2.bias.copy_(constant)
    compare_places(text.layers[layer], text.rotary_emb.inv_freq, side + MARKS_BETWEEN, places)
