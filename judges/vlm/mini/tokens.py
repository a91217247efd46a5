"""The tokenizer of judge-mini: byte-level; each capital and digit is a token, and each constant stretch of a prompt.

A prompt of the rubrics is two constant stretches around the words of the case. Each stretch is an added token, so that
a question has fewer than 100 tokens (tests/judges/vlm/mini/test_prompts.py). Other text is split into smaller pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evalkit.compat.mini_qwen import native_processor, train_bpe

CHAT_TEMPLATE = (
    "{%- for turn in messages -%}{{ '<|im_start|>' + turn.role + '\\n' }}"
    "{%- if turn.content is string -%}{{ turn.content }}{%- else -%}{%- for part in turn.content -%}"
    "{%- if part.type in ('image', 'image_url') -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}{{ '<|im_end|>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""How Qwen's tokenizer class splits text before merging; the class sets it, not its file."""
CAPITALS = r"\p{Lu}"
"""No merge is learnt across a capital, so the words to be drawn, which are capitals, are one token for each letter."""
VOCABULARY = 640
ASKED = "<|im_end|>\n<|im_start|>assistant\n"
"""The text that `CHAT_TEMPLATE` puts between a question and its reply."""


def opening(system: str, images: int, tokens: int) -> str:
    """The text that it puts before a question about `images` pictures of `tokens` tokens each."""
    picture = "<|vision_start|>" + "<|image_pad|>" * tokens + "<|vision_end|>"
    return f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{picture * images}"


def train_tokenizer(corpus: Iterable[str], segments: Mapping[str, str]) -> Any:
    """A byte-level BPE tokenizer of the Qwen2 class; `segments` become tokens in the order given."""
    return train_bpe(corpus, [QWEN, CAPITALS], VOCABULARY, CHAT_TEMPLATE, segments.values())


def build_processor(tokenizer: Any, side: int) -> Any:
    """The processor; it keeps native pixels of pictures of the size that the model was trained on."""
    return native_processor(tokenizer, side, CHAT_TEMPLATE)
