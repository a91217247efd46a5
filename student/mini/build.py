"""Builds an untrained mini pipeline: the real classes at a small size, around a linear codec.

It has every part of the real `QwenImage21Pipeline`: a Qwen3-VL text encoder that also reads the source picture of an
edit, its processor with a byte-level tokenizer, the block-causal transformer, and the flow-matching scheduler.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.compat.mini_qwen import native_processor, train_bpe
from evalkit.compat.torchvision_cpu import ensure_torchvision

if TYPE_CHECKING:
    from evalkit.student.mini.codec import LinearCodec

CHAT_TEMPLATE = (
    "{%- for turn in messages -%}<|im_start|>{{ turn.role }}\n"
    "{%- if turn.content is string -%}{{ turn.content }}{%- else -%}{%- for part in turn.content -%}"
    "{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}<|im_end|>\n{% endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant\n{% endif -%}"
)
PIECES = r"""\p{Lu}|[^\r\n\p{L}\p{N}]?\p{Ll}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"""
"""How text is split before byte-pair merging: capitals stay single, so that words to be drawn are spelt by letters."""
VOCABULARY = 512


@dataclass(frozen=True, slots=True)
class MiniSize:
    """Sizes of a mini pipeline.

    `head_width` is large for so small a model: only rotary frequencies above about .1 rad distinguish the 8 rows of a
    picture, and a head of width 32 has two of them per axis.
    """

    layers: int = 6
    heads: int = 3
    head_width: int = 56
    text_width: int = 128
    text_layers: int = 2
    picture: int = 128


def build_pipeline(codec: LinearCodec, corpus: Iterable[str], size: MiniSize, shift: float, seed: int = 0) -> Any:
    """An untrained `QwenImage21Pipeline` in float32.

    Args:
        codec: takes the place of the VAE.
        corpus: prompts from which the tokenizer learns its words.
        size: of text encoder and transformer.
        shift: static shift of the sigma grid, see `evalkit.student.recipe.flow.shifted`.
        seed: of the initial weights.
    """
    ensure_torchvision()
    import torch
    from diffusers import QwenImage21Pipeline, QwenImage21Transformer2DModel

    from evalkit.student.mini.scheduler import SamplePredictionScheduler

    torch.manual_seed(seed)
    processor = _processor(corpus, size.picture)
    channels = codec.config["z_dim"]
    transformer = QwenImage21Transformer2DModel(
        patch_size=1,
        in_channels=channels,
        out_channels=channels,
        num_layers=size.layers,
        attention_head_dim=size.head_width,
        num_attention_heads=size.heads,
        context_in_dim=size.text_width,
        mlp_ratio=3,
        axes_dims_rope=(size.head_width // 7, *[size.head_width * 3 // 7] * 2),
    )
    return QwenImage21Pipeline(
        scheduler=SamplePredictionScheduler(shift=shift, use_dynamic_shifting=False),
        vae=codec,
        text_encoder=_text_encoder(processor.tokenizer, size),
        processor=processor,
        transformer=transformer,
    )


def _processor(corpus: Iterable[str], picture: int) -> Any:
    tokenizer = train_bpe(corpus, [PIECES], VOCABULARY, CHAT_TEMPLATE)
    return native_processor(tokenizer, picture, CHAT_TEMPLATE)


def _text_encoder(tokenizer: Any, size: MiniSize) -> Any:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    width = size.text_width
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("image_pad", "video_pad", "vision_start")}
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": width,
            "intermediate_size": 3 * width,
            "num_hidden_layers": size.text_layers,
            "num_attention_heads": width // 32,
            "num_key_value_heads": width // 32,
            "head_dim": 32,
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [6, 5, 5]},
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 2,
            "out_hidden_size": width,
            "patch_size": 16,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        tie_word_embeddings=True,
    )
    return Qwen3VLForConditionalGeneration(config)
