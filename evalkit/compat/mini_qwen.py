"""What the small models of Qwen's architecture have in common: marks, tokenizer, processor (ground floor).

The generators of `student/mini/` and the judge of `judges/vlm/mini/` differ in how they cut text and in their chat
template; the rest is what makes `transformers`, diffusers and vLLM load their files by Qwen's own classes.
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
        corpus: text to learn merges from.
        cuts: regular expressions; no merge is learnt across the edge of what one of them matches.
        vocabulary: most words, marks and `whole` not counted.
        chat_template: goes into its files.
        whole: texts that are one token each, numbered after the marks in the order given.
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
    """A `tokenizers.Tokenizer` that has the marks, as `transformers` loads it from a folder that names Qwen's class."""
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
    """A `Qwen3VLProcessor` that leaves pictures of `side`×`side` px as they are: 16 px to a patch, 2×2 to a token."""
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    patches = {"patch_size": 16, "temporal_patch_size": 2, "merge_size": 2}
    sizes = {"size": {"shortest_edge": side * side, "longest_edge": side * side}}
    return Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**patches, **sizes, image_mean=[0.5] * 3, image_std=[0.5] * 3),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**patches),
        chat_template=chat_template,
    )
