"""Tokenizer and processor of the small models with Qwen's architecture.

The generators of `student/mini/` and the judge of `judges/vlm/mini/` share them; they differ only in how they split
text and in their chat template. Made this way, their files load with Qwen's own classes in `transformers`, diffusers
and vLLM.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
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


def train_bpe(
    corpus: Iterable[str], cuts: Sequence[str], vocabulary: int, chat_template: str, whole: Iterable[str] = ()
) -> Any:
    """A byte-level BPE tokenizer of the Qwen2 class.

    Args:
        corpus: texts from which the merges are learnt.
        cuts: regular expressions; no merge crosses the edge of a match.
        vocabulary: largest number of tokens, not counting the marks and `whole`.
        chat_template: written into the tokenizer's files.
        whole: texts that become one token each, numbered after the marks in the order given.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE())
    pieces = [pre_tokenizers.Split(Regex(cut), "isolated") for cut in cuts]
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.pre_tokenizer = pre_tokenizers.Sequence([*pieces, to_bytes])
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    core.train_from_iterator(corpus, trainer)
    core.add_special_tokens(list(MARKS))
    core.add_tokens([AddedToken(text, normalized=False, special=False) for text in whole])
    return qwen_tokenizer(core, chat_template)


def qwen_tokenizer(core: Any, chat_template: str) -> Any:
    """Turn a `tokenizers.Tokenizer` with the marks into the tokenizer that `transformers` loads by Qwen's class."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    with tempfile.TemporaryDirectory() as folder:
        fast = PreTrainedTokenizerFast(
            tokenizer_object=core,
            eos_token="<|im_end|>",
            pad_token="<|endoftext|>",
            chat_template=chat_template,
            model_max_length=4096,
        )
        fast.save_pretrained(folder)
        config = Path(folder) / "tokenizer_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"tokenizer_class": "Qwen2Tokenizer"}))
        return AutoTokenizer.from_pretrained(folder)


def native_processor(tokenizer: Any, side: int, chat_template: str) -> Any:
    """A `Qwen3VLProcessor` that keeps the size of `side`×`side` px pictures: 16 px per patch, 2×2 patches per token."""
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    patches = {"patch_size": 16, "temporal_patch_size": 2, "merge_size": 2}
    sizes = {"size": {"shortest_edge": side * side, "longest_edge": side * side}}
    return Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**patches, **sizes, image_mean=[0.5] * 3, image_std=[0.5] * 3),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**patches),
        chat_template=chat_template,
    )
