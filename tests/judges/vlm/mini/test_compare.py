"""An untrained judge-mini already looks at the same place of the picture before it."""

import random
from typing import Any

import pytest

from evalkit.api.training import JudgeData
from evalkit.judges.vlm.mini import fast
from evalkit.judges.vlm.mini.batch import sample_seeing
from evalkit.judges.vlm.mini.build import JudgeSize, build_model
from evalkit.judges.vlm.mini.lessons import Coder

pytestmark = pytest.mark.slow

SIZE = JudgeSize()


def test_the_comparing_layer_looks_at_the_same_place_of_the_picture_before(
    tokenizer: Any, data: JudgeData, coder: Coder, monkeypatch: Any
) -> None:
    import torch

    model = build_model(tokenizer, SIZE).eval()
    attention = []
    plain = fast._attend

    def watched(q: Any, keys: Any, values: Any, mask: Any) -> Any:
        scores = (q * q.shape[-1] ** -0.5) @ keys.transpose(-1, -2)
        if mask is not None:
            attention.append(scores.masked_fill(~mask, float("-inf")).softmax(-1))
        return plain(q, keys, values, mask)

    with torch.inference_mode():
        batch = sample_seeing(data, random.Random(1), 12)
        seen = fast.see(model, fast.to_patches(batch.pictures), SIZE.grid)
        shown = next(group.shown for group in batch.groups if group.shown.shape[1] == 2)
        ids = torch.tensor(coder.prefix(2, 16))
        monkeypatch.setattr(fast, "_attend", watched)
        fast.read_prefix(model, ids, seen, shown, SIZE.grid // 2)
    places = (ids == model.config.image_token_id).nonzero()[:, 0]
    earlier, later = places[:16], places[16:]
    looks = attention[SIZE.comparing][:, :, later]
    same, own = (looks[..., where].diagonal(dim1=-2, dim2=-1) for where in (earlier, later))
    assert same[:, :2].min() > 0.95
    assert own[:, 2:4].min() > 0.95
