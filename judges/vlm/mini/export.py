"""Writes judge-mini as a folder that `transformers` and vLLM load unchanged."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.judges.vlm.mini.prompts import segments
from evalkit.judges.vlm.mini.tokens import CHAT_TEMPLATE, build_processor


def export(model: Any, tokenizer: Any, side: int, folder: Path) -> Path:
    """Write bfloat16 safetensors, config, tokenizer and processor into `folder`.

    Raises:
        ValueError: the rubrics' prompts are no longer those the tokenizer was made for.
    """
    ensure_torchvision()
    import torch

    stale = stale_segments(tokenizer)
    if stale:
        raise ValueError(f"the prompt {stale[0]!r} is not the one that was learnt: see judges/vlm/mini/retitle.py")
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.chat_template = CHAT_TEMPLATE
    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(folder)
    build_processor(tokenizer, side).save_pretrained(folder)
    return folder


def stale_segments(tokenizer: Any) -> list[str]:
    """Names of the constant stretches of prompts that are not one token in this tokenizer."""
    return [name for name, text in segments().items() if len(tokenizer(text).input_ids) != 1]
