"""The fast forward pass gives the same numbers as `transformers`."""

import random
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.training import JudgeData
from evalkit.judges.vlm.mini.batch import make_batch
from evalkit.judges.vlm.mini.fast import Past, read_prefix, read_rows, see, to_patches
from evalkit.judges.vlm.mini.lessons import Coder, rows
from evalkit.judges.vlm.mini.prompts import system

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["compliance", "pairwise"])
def test_same_logits_as_transformers(tiny: Path, coder: Coder, data: JudgeData, kind: str) -> None:
    import torch
    from PIL import Image
    from transformers import AutoProcessor, Qwen3VLForConditionalGeneration

    model = Qwen3VLForConditionalGeneration.from_pretrained(tiny, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(tiny)
    rng = random.Random(3)
    while True:
        judged = data.judged(rng, task="t2i")
        row = next((row for row in rows(judged) if row.kind == kind), None)
        if row:
            break
    known = {"picture": judged.picture, "twin": judged.twin.picture if judged.twin else None, "source": judged.source}
    pictures = [known[name] for name in row.images]
    turns = [
        {"role": "system", "content": system()},
        {"role": "user", "content": [*({"type": "image"} for _ in pictures), {"type": "text", "text": row.asked}]},
    ]
    text = processor.apply_chat_template(turns, add_generation_prompt=True) + row.reply + "<|im_end|>"
    given = processor(text=[text], images=[Image.fromarray(p) for p in pictures], return_tensors="pt")
    with torch.inference_mode():
        theirs = model(**given).logits[0]
        batch = make_batch([judged], [[row]], coder)
        seen = see(model, to_patches(batch.pictures), 8)
        (group,) = batch.groups
        prefix_ids = torch.tensor(coder.prefix(len(pictures), 16))
        prefix = read_prefix(model, prefix_ids, seen, group.shown, 4)
        (chunk,) = group.chunks
        states, _ = read_rows(model, prefix, chunk.of, chunk.ids)
        ours = model.lm_head(states)[0]
    assert given["input_ids"][0].tolist() == [*prefix_ids.tolist(), *chunk.ids[0].tolist()]
    assert np.allclose(ours, theirs[len(prefix_ids) :], atol=2e-4)


def test_rows_read_in_two_parts_give_the_same_states(tiny: Path, coder: Coder, data: JudgeData) -> None:
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    model = Qwen3VLForConditionalGeneration.from_pretrained(tiny, dtype=torch.float32).eval()
    rng = random.Random(4)
    judged = data.judged(rng, task="t2i", category="text")
    two = [row for row in rows(judged) if row.kind in ("compliance", "quality") and not row.other]
    with torch.inference_mode():
        batch = make_batch([judged], [two], coder)
        seen = see(model, to_patches(batch.pictures), 8)
        prefix = read_prefix(model, torch.tensor(coder.prefix(1, 16)), seen, torch.tensor([[0]]), 4)
        (chunk,) = batch.groups[0].chunks
        whole, _ = read_rows(model, prefix, chunk.of, chunk.ids)
        first = torch.tensor([5, 9])  # rows are cut at different places and padded
        ids = chunk.ids.clone()[:, :9]
        _, cache = read_rows(model, prefix, chunk.of, ids)
        past = Past(cache, torch.arange(9)[None] < first[:, None], first)
        rest = torch.stack([row[n : n + 6] for row, n in zip(chunk.ids, first.tolist(), strict=True)])
        states, _ = read_rows(model, prefix, chunk.of, rest, past)
    for row, n in enumerate(first.tolist()):
        # sharp attention of random weights blows rounding in another order up to 2e-4
        assert np.allclose(states[row], whole[row, n : n + 6], atol=1e-3)
