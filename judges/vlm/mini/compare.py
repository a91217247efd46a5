"""Initialises a layer so that it compares each token of a picture with the same place of the picture before it.

Two heads look at the same place of the earlier picture, two at the token itself. Both pairs read the same content, and
their difference is written into directions that carry little else. Only the position decides where they look: queries
and keys start as one constant each, and the rotary embedding turns their product into a bump around the distance
between two pictures. Neurons behind them square the difference and sum it by groups: how much of each kind of content
has changed. This is an initialisation only: training changes all of it. Without it judge-mini did not learn to tell
what an edit had changed (docs/judge-mini.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

MARKS_BETWEEN = 2
"""Tokens between two pictures: the end of one and the beginning of the next."""
SHARP = 5.0
"""Gain of queries and keys, at which the neighbours of a place get a percent of the attention."""
WAVES = {1: 20.0, 2: 35.0, 3: 20.0}
"""Energy by frequency of the rotary embedding: rows turn with 1, columns with 2, time with 3 (interleaved)."""
HEADS = 2
"""Heads that look at each of the two places."""
GROUPS = 8
"""Groups of content: glyph and ink of each of the four tiles of a token."""
WRITTEN, FELT, SUMMED = 0.14, 4.3, 0.02
"""Gains, for states with a root mean square of 1: of the difference that is written, of the neurons' input, of their
sums."""


class Places(NamedTuple):
    """Directions of the states of picture tokens.

    Args:
        constant: (width,) a direction in which the normed state of every picture token is positive.
        content: (2 × head, width) the content of a normed state that is compared, scaled to about 1; one group after
            the other.
        free: (width, 2 × head) orthonormal directions into which the difference is written.
        sums: (width, groups) orthonormal directions into which the sums of its squares are written.
    """

    constant: torch.Tensor
    content: torch.Tensor
    free: torch.Tensor
    sums: torch.Tensor


def compare_places(layer: Any, inv_freq: torch.Tensor, apart: int, places: Places) -> None:
    """Set the weights of a decoder layer of Qwen3-VL so that it compares. Its other heads and neurons add nothing.

    Args:
        layer: has at least four heads, as many for keys as for queries.
        inv_freq: (head / 2,) of the rotary embedding.
        apart: distance between the positions of two pictures: tokens along a side, plus those between pictures.
        places: what is compared, and where the result is written.
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
    """Apply `compare_places` to a layer of an untrained model, with random directions for reading and writing.

    The constant is added to the tokens of every picture, which have none before training.
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
