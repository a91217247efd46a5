"""Builds an untrained judge-mini: Qwen3-VL's own classes at a small size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.judges.vlm.mini.compare import start_comparing


@dataclass(frozen=True, slots=True)
class JudgeSize:
    """Sizes of the model. It sees pictures at native pixels, 16 px to a patch, 2×2 patches to a token.

    `comparing` is the number of the layer that is initialised as in `compare.py`.
    """

    side: int = 128
    patch: int = 16
    vision_width: int = 192
    vision_layers: int = 4
    deepstack: tuple[int, ...] = (1,)
    width: int = 192
    layers: int = 6
    comparing: int = 1
    head: int = 32

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.side // self.patch


def build_model(tokenizer: Any, size: JudgeSize, seed: int = 0) -> Any:
    """An untrained `Qwen3VLForConditionalGeneration` in float32."""
    ensure_torchvision()
    import torch
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    torch.manual_seed(seed)
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in _MARKS}
    heads = size.width // size.head
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": math.ceil(len(tokenizer) / 64) * 64,
            "hidden_size": size.width,
            "intermediate_size": 3 * size.width,
            "num_hidden_layers": size.layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "head_dim": size.head,
            "max_position_embeddings": 4096,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e3,
                "mrope_section": [6, 5, 5],
                "mrope_interleaved": True,
            },
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": size.vision_layers,
            "hidden_size": size.vision_width,
            "intermediate_size": 4 * size.vision_width,
            "num_heads": size.vision_width // size.head,
            "out_hidden_size": size.width,
            "patch_size": size.patch,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "num_position_embeddings": size.grid**2,
            "deepstack_visual_indexes": list(size.deepstack),
        },
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
        tie_word_embeddings=True,
    )
    model = Qwen3VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    _see_waves(model.model.visual.patch_embed.proj)
    start_comparing(model, size.comparing, size.grid // 2)
    return model


_MARKS = ("image_pad", "video_pad", "vision_start", "vision_end")


def _see_waves(proj: Any) -> None:
    """Initialise the patch embedding with cosine waves, the fine ones amplified, so that faint grain can be seen.

    The first channels see brightness, in zigzag order; the last sixth of them sees colour.
    """
    import torch

    width, _, frames, side, _ = proj.weight.shape
    colors = width // 6
    luma = np.full(3, 1 / 3)
    waves = [(wave, luma) for wave in _zigzag(side)[: width - colors]]
    chroma = (np.array([1.0, -1.0, 0.0]) / 2, np.array([0.5, 0.5, -1.0]) / 2)
    waves += [(wave, tone) for wave in _zigzag(side)[: (colors + 1) // 2] for tone in chroma][:colors]
    made = np.zeros((width, 3, side, side))
    ys = (np.arange(side) + 0.5) * np.pi / side
    for channel, ((v, u), tone) in enumerate(waves):
        wave = np.cos(v * ys)[:, None] * np.cos(u * ys)[None]
        wave /= np.sqrt((wave**2).sum())
        gain = 0.35 * (1 + 0.6 * (u + v))
        made[channel] = tone[:, None, None] * wave * gain * min(1.0, 0.3 + 0.25 * (u + v))
    with torch.no_grad():
        proj.weight.copy_(
            torch.tensor(made, dtype=proj.weight.dtype)[:, :, None].expand(-1, -1, frames, -1, -1) / frames
        )
        proj.bias.zero_()


def _zigzag(side: int) -> list[tuple[int, int]]:
    return sorted(((v, u) for v in range(side) for u in range(side)), key=lambda w: (w[0] + w[1], w))
