"""The forward pass of a small Qwen3-VL model for many questions about few pictures of one size.

It uses the same weights as the model of `transformers` and gives the same numbers up to rounding
(tests/judges/vlm/mini/test_fast.py). Pictures are encoded in one batch. What stands before the question (system message
and pictures) is read once for all questions about the same pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

    Tensor = torch.Tensor


class PictureTokens(NamedTuple):
    """N encoded pictures: tokens (N, tokens, width), and as many for each deepstack layer."""

    tokens: Tensor
    deep: list[Tensor]


class Prefix(NamedTuple):
    """P prefixes of equal length that were read: keys and values (P, heads, length, head) of each layer."""

    cache: list[tuple[Tensor, Tensor]]
    next_position: int


class Past(NamedTuple):
    """R rows that were read: keys and values, which slots hold a token (R, slots), and how many do (R,)."""

    cache: list[tuple[Tensor, Tensor]]
    alive: Tensor
    lengths: Tensor


def to_patches(pictures: Tensor, patch: int = 16, merge: int = 2) -> Tensor:
    """RGB uint8 (N, H, W, 3) as patches (N, patches, 3 × patch²) in [−1, 1], in merge order; one frame, not two."""
    n, height, width, _ = pictures.shape
    rows, columns = height // (patch * merge), width // (patch * merge)
    cut = (
        pictures.float().div(127.5).sub(1).permute(0, 3, 1, 2).reshape(n, 3, rows, merge, patch, columns, merge, patch)
    )
    return cut.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(n, rows * columns * merge * merge, 3 * patch * patch)


def see(model: Any, patches: Tensor, grid: int) -> PictureTokens:
    """Encode pictures of grid × grid patches, the number of entries of the position table."""
    import torch
    from torch.nn import functional as F

    visual = model.model.visual
    proj = visual.patch_embed.proj
    dtype = visual.blocks[0].attn.qkv.weight.dtype
    h = F.linear(patches.to(dtype), proj.weight.sum(2).flatten(1).to(dtype), proj.bias)
    rows, columns = _merge_order(grid)
    h = h + visual.pos_embed.weight[rows * grid + columns].to(h.dtype)
    freqs = torch.stack((rows, columns))[..., None].float() * visual.rotary_pos_emb.inv_freq.float()
    angles = torch.cat((freqs[0], freqs[1]), -1)
    cos, sin = angles.cos().repeat(1, 2).to(h.dtype), angles.sin().repeat(1, 2).to(h.dtype)
    deep: list[Tensor] = []
    n, length, width = h.shape
    for number, block in enumerate(visual.blocks):
        heads = block.attn.num_heads
        qkv = block.attn.qkv(block.norm1(h)).view(n, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        q, k = _turn(qkv[0], cos, sin), _turn(qkv[1], cos, sin)
        out = _attend(q, k, qkv[2], None)
        h = h + block.attn.proj(out.transpose(1, 2).reshape(n, length, width))
        h = h + block.mlp(block.norm2(h))
        if number in visual.deepstack_visual_indexes:
            place = list(visual.deepstack_visual_indexes).index(number)
            deep.append(visual.deepstack_merger_list[place](h).view(n, length // 4, -1))
    return PictureTokens(visual.merger(h).view(n, length // 4, -1), deep)


def read_prefix(
    model: Any, ids: Tensor, seen: PictureTokens, shown: Tensor, side: int, taps: list[Tensor] | None = None
) -> Prefix:
    """Read P prefixes that differ only in their pictures.

    Args:
        model: a `Qwen3VLForConditionalGeneration`.
        ids: (length,) tokens; pictures are runs of the image token.
        seen: all pictures, encoded.
        shown: (P, pictures) which of `seen` each prefix shows, in order.
        side: tokens along a side of a picture.
        taps: gets the states (P, length, width) after each layer but the last.
    """
    import torch

    text = model.model.language_model
    is_image = ids == model.config.image_token_id
    h = _embedded(text, ids)[None].expand(len(shown), -1, -1)
    at = is_image.nonzero()[:, 0]
    h = h.index_copy(1, at, seen.tokens[shown].flatten(1, 2).to(h.dtype))
    positions, after = _positions(ids, is_image, side)
    cos, sin = rotary(text, positions, h.dtype)
    mask = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    cache: list[tuple[Tensor, Tensor]] = []
    for number, layer in enumerate(text.layers):
        last = number == len(text.layers) - 1
        h, keys, values = _layer(layer, h, cos, sin, None, mask, only_keys=last)
        cache.append((keys, values))
        if taps is not None and not last:
            taps.append(h)
        if number < len(seen.deep):
            h = h.index_add(1, at, seen.deep[number][shown].flatten(1, 2).to(h.dtype))
    return Prefix(cache, after)


def read_rows(
    model: Any, prefix: Prefix, of: Tensor, ids: Tensor, past: Past | None = None, taps: list[Tensor] | None = None
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Hidden states (R, length, width) of rows that follow prefixes, and the rows' own keys and values after `past`.

    Args:
        model: a `Qwen3VLForConditionalGeneration`.
        prefix: the prefixes.
        of: (R,) number of the prefix of each row.
        ids: (R, length) tokens, padded on the right: later tokens never change earlier ones.
        past: the part of these rows that was read before.
        taps: gets the states after each layer.
    """
    import torch

    text = model.model.language_model
    h = _embedded(text, ids)
    rows, length = ids.shape
    shared = prefix.cache[0][0].shape[2]
    before = shared + (past.alive.shape[1] if past else 0)
    mask = torch.ones(length, before + length, dtype=torch.bool).tril(before)
    positions = torch.arange(length)[None] + prefix.next_position
    if past:
        positions = positions + past.lengths[:, None]
        alive = torch.cat(
            (torch.ones(rows, shared, dtype=torch.bool), past.alive, torch.ones_like(ids, dtype=torch.bool)), 1
        )
        mask = (mask[None] & alive[:, None])[:, None]
    cos, sin = rotary(text, positions[None].expand(3, -1, -1), h.dtype)
    made: list[tuple[Tensor, Tensor]] = []
    for number, layer in enumerate(text.layers):
        keys, values = (each[of] for each in prefix.cache[number])
        if past:
            keys, values = torch.cat((keys, past.cache[number][0]), 2), torch.cat((values, past.cache[number][1]), 2)
        h, own_keys, own_values = _layer(layer, h, cos[:, None], sin[:, None], (keys, values), mask)
        made.append((own_keys, own_values))
        if taps is not None:
            taps.append(h)
    if past:
        made = [(torch.cat((a, c), 2), torch.cat((b, d), 2)) for (a, b), (c, d) in zip(past.cache, made, strict=True)]
    return _norm(text.norm, h), made


def rotary(text: Any, positions: Tensor, dtype: Any) -> tuple[Tensor, Tensor]:
    """Cosines and sines (…, head) of (3, …) positions: time, row and column, interleaved."""
    import torch

    freqs = positions[..., None].float() * text.rotary_emb.inv_freq.float()
    turned = freqs[0].clone()
    for axis in (1, 2):
        places = slice(axis, text.rotary_emb.mrope_section[axis] * 3, 3)
        turned[..., places] = freqs[axis][..., places]
    angles = torch.cat((turned, turned), -1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def _layer(
    layer: Any,
    h: Tensor,
    cos: Tensor,
    sin: Tensor,
    before: tuple[Tensor, Tensor] | None,
    mask: Tensor,
    only_keys: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    import torch

    n, length, _ = h.shape
    attention, normed = layer.self_attn, _norm(layer.input_layernorm, h)
    shape = (n, length, -1, attention.head_dim)
    k = _turn(_norm(attention.k_norm, attention.k_proj(normed).view(shape)).transpose(1, 2), cos, sin)
    v = attention.v_proj(normed).view(shape).transpose(1, 2)
    if only_keys:
        return h, k, v
    q = _turn(_norm(attention.q_norm, attention.q_proj(normed).view(shape)).transpose(1, 2), cos, sin)
    keys, values = (torch.cat((before[0], k), 2), torch.cat((before[1], v), 2)) if before else (k, v)
    out = _attend(q, keys, values, mask)
    h = h + attention.o_proj(out.transpose(1, 2).reshape(n, length, -1))
    return h + layer.mlp(_norm(layer.post_attention_layernorm, h)), k, v


def _embedded(text: Any, ids: Tensor) -> Tensor:
    """The embeddings of tokens; under autocast in its type, so that everything between the matrices has it as well."""
    import torch

    h: Tensor = text.embed_tokens(ids)
    return h.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else h


def _norm(norm: Any, x: Tensor) -> Tensor:
    """RMS norm in float32, its result in the type of `x`."""
    import torch

    wide = x.float()
    wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + norm.variance_epsilon)
    made: Tensor = norm.weight.to(x.dtype) * wide.to(x.dtype)
    return made


def _attend(q: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Plain attention: for so few tokens the backward pass of the fused kernel is slower on a CPU."""
    scores = (q * q.shape[-1] ** -0.5) @ keys.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    out: Tensor = scores.softmax(-1).to(values.dtype) @ values
    return out


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    import torch

    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


def _merge_order(grid: int) -> tuple[Tensor, Tensor]:
    import torch

    at = torch.arange(grid * grid).view(grid // 2, 2, grid // 2, 2).permute(0, 2, 1, 3).flatten()
    return at // grid, at % grid


def _positions(ids: Tensor, is_image: Tensor, side: int) -> tuple[Tensor, int]:
    """(3, length) positions of a prefix with pictures of side × side tokens, and the position that comes next."""
    import torch

    made, now, i = torch.zeros(3, len(ids), dtype=torch.long), 0, 0
    while i < len(ids):
        if not is_image[i]:
            made[:, i] = now
            now, i = now + 1, i + 1
            continue
        block = torch.arange(side * side)
        made[0, i : i + side * side] = now
        made[1, i : i + side * side] = now + block // side
        made[2, i : i + side * side] = now + block % side
        now, i = now + side, i + side * side
    return made, now
