"""The tokenizer of judge-mini: byte-level, capitals and digits one by one, each constant stretch of a prompt one token.

A prompt of our rubrics is two constant stretches around what the case says. Each stretch is an added token, so that a
question is a few dozen tokens long and not five hundred. Any other text is spelt in smaller pieces.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MARKS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
CHAT_TEMPLATE = (
    "{%- for turn in messages -%}{{ '<|im_start|>' + turn.role + '\\n' }}"
    "{%- if turn.content is string -%}{{ turn.content }}{%- else -%}{%- for part in turn.content -%}"
    "{%- if part.type in ('image', 'image_url') -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}{{ '<|im_end|>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""How Qwen's tokenizer class cuts text before merging; it is set by the class, not by its file."""
CAPITALS = r"\p{Lu}"
"""No merge is learnt across a capital, so words to be drawn are spelt letter by letter."""
VOCABULARY = 640


def train_tokenizer(corpus: Iterable[str], segments: Mapping[str, str]) -> Any:
    """A byte-level BPE tokenizer of the Qwen2 class; `segments` become tokens in the order given."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN), "isolated"),
            pre_tokenizers.Split(Regex(CAPITALS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    core.train_from_iterator(corpus, trainer)
    core.add_special_tokens(list(MARKS))
    core.add_tokens([AddedToken(text, normalized=False, special=False) for text in segments.values()])
    with tempfile.TemporaryDirectory() as folder:
        fast = PreTrainedTokenizerFast(
            tokenizer_object=core,
            eos_token="<|im_end|>",
            pad_token="<|endoftext|>",
            chat_template=CHAT_TEMPLATE,
            model_max_length=4096,
        )
        fast.save_pretrained(folder)
        config = Path(folder) / "tokenizer_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"tokenizer_class": "Qwen2Tokenizer"}))
        return AutoTokenizer.from_pretrained(folder)


def build_processor(tokenizer: Any, side: int) -> Any:
    """The processor: pictures in native pixels, if they have the size the model was trained on."""
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    area = side * side
    patches = {"patch_size": 16, "temporal_patch_size": 2, "merge_size": 2}
    sizes = {"size": {"shortest_edge": area, "longest_edge": area}}
    return Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**patches, **sizes, image_mean=[0.5] * 3, image_std=[0.5] * 3),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**patches),
        chat_template=CHAT_TEMPLATE,
    )
