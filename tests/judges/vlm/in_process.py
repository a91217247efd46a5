"""Runs the model of a Qwen3-VL folder in this process, through transformers alone, as a reference for servers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.judges.vlm.call import Call


class InProcess:
    """The model of a folder, in float32."""

    def __init__(self, folder: Path) -> None:
        ensure_torchvision()
        from transformers import AutoProcessor, Qwen3VLForConditionalGeneration

        self._processor = AutoProcessor.from_pretrained(folder)
        self._model = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype="float32").eval()
        tokenizer = self._processor.tokenizer
        self._ids = {tokenizer.decode([i]): i for i in reversed(range(len(tokenizer)))}

    def distances(self, ask: Call, reply: Sequence[int], theirs: Sequence[dict[str, float]]) -> list[float]:
        """For each token of a reply: the largest difference between their probability of one of the alternatives
        they name (text -> probability, of those the reply's grammar allows) and ours, both normalised over these."""
        import torch

        pictures = [{"type": "image"} for _ in ask.images]
        messages = [
            {"role": "system", "content": [{"type": "text", "text": ask.system}]},
            {"role": "user", "content": [*pictures, {"type": "text", "text": ask.text}]},
        ]
        prompt = self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        images = [Image.open(io.BytesIO(shot.png)).convert("RGB") for shot in ask.images]
        inputs = dict(self._processor(text=[prompt], images=images, return_tensors="pt"))
        length = inputs["input_ids"].shape[1]
        more = torch.tensor([reply])
        filled = {"input_ids": more, "attention_mask": torch.ones_like(more)}
        for name, value in inputs.items():
            if value.shape == (1, length):
                inputs[name] = torch.cat([value, filled.get(name, torch.zeros_like(more)).to(value.dtype)], 1)
        with torch.inference_mode():
            logits = self._model(**inputs).logits[0, length - 1 : -1]
        found = []
        for row, named in zip(logits, theirs, strict=True):
            known = {self._ids[text]: p for text, p in named.items() if text in self._ids}
            ours = row[list(known)].softmax(-1)
            given = torch.tensor(list(known.values()))
            found.append(float((ours - given / given.sum()).abs().max()))
        return found
