"""Writes judge-mini as a folder that `transformers` and vLLM load unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evalkit.mini_qwen import MARKS
from evalkit.torchvision_cpu import ensure_torchvision
from judges.vlm.mini.prompts import segments
from judges.vlm.mini.tokens import CHAT_TEMPLATE, build_processor


def export(model: Any, tokenizer: Any, side: int, folder: Path) -> Path:
    """bfloat16 safetensors, config, tokenizer and processor.

    Raises:
        ValueError: the rubrics' prompts are no longer those the tokenizer was made for.
    """
    ensure_torchvision()
    import copy

    import torch

    stale = stale_segments(tokenizer)
    if stale:
        raise ValueError(f"the prompt {stale[0]!r} is not the one that was learnt: `retitle` the tokenizer first")
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.chat_template = CHAT_TEMPLATE
    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(folder)
    build_processor(tokenizer, side).save_pretrained(folder)
    return folder


def stale_segments(tokenizer: Any) -> list[str]:
    """Names of constant stretches of prompts that are not one token."""
    return [name for name, text in segments().items() if len(tokenizer(text).input_ids) != 1]


def retitle(tokenizer_json: Path) -> list[str]:
    """Give each constant stretch of the prompts the words it has today; what was learnt of its token stays.

    Returns:
        The names of those that changed.
    """
    core = json.loads(tokenizer_json.read_text(encoding="utf-8"))
    known = segments()
    places = [token for token in core["added_tokens"] if token["content"] not in MARKS]
    if len(places) != len(known):
        raise ValueError(f"{len(known)} stretches of prompts, {len(places)} were learnt: train again")
    changed = []
    for token, (name, text) in zip(places, known.items(), strict=True):
        if token["content"] != text:
            changed.append(name)
            token["content"] = text
    tokenizer_json.write_text(json.dumps(core, ensure_ascii=False), encoding="utf-8")
    return changed
