"""Training: every loss is there, helpers and patch waves as they should be, an interruption costs nothing."""

import math
from pathlib import Path
from typing import Any

import pytest

from evalkit.protocols import JudgeData
from judges.vlm.mini.local import FILES
from judges.vlm.mini.train import Plan, Trainer


@pytest.fixture(scope="module")
def folder(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("training")
    tokenizer.save_pretrained(made / "tokenizer")
    return made


def steps(trainer: Trainer, count: int) -> list[dict[str, float]]:
    done: list[dict[str, float]] = []
    for figures in trainer.run(lambda: len(done) >= count):
        done.append(figures)  # noqa: PERF402 (the stop looks at it)
    return done


def test_trains_saves_goes_on_and_exports(data: JudgeData, folder: Path) -> None:
    import torch

    trainer = Trainer(data, Plan(pictures=4, seeing=0.0), folder)
    before = {name: p.clone() for name, p in trainer.model.named_parameters()}
    for figures in steps(trainer, 2):
        assert {"choice", "reply", "truth", "tiles"} <= set(figures)
        assert all(math.isfinite(value) for value in figures.values())
    moved = {name for name, p in trainer.model.named_parameters() if not torch.equal(p, before[name])}
    assert "model.visual.blocks.0.attn.qkv.weight" in moved
    assert "model.language_model.layers.3.mlp.up_proj.weight" in moved
    assert not any("patch_embed" in name for name in moved)
    trainer.save()

    again = Trainer(data, Plan(pictures=4, seeing=0.0), folder)
    assert again.load()
    assert again.step == trainer.step
    assert all(torch.equal(a, b) for a, b in zip(trainer.model.parameters(), again.model.parameters(), strict=True))
    model = again.export()
    assert all((model / name).is_file() for name in FILES)
    assert sum(path.stat().st_size for path in model.iterdir()) < 25e6


def test_seeing_comes_first(data: JudgeData, folder: Path) -> None:
    trainer = Trainer(data, Plan(pictures=4, seeing=5.0), folder)
    (figures,) = steps(trainer, 1)
    assert set(figures) == {"step", "minutes", "tiles"}
