"""A tiny untrained judge-mini with the real tokenizer and prompts."""

import random
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.training import JudgeData
from evalkit.judges.vlm.mini.build import JudgeSize, build_model
from evalkit.judges.vlm.mini.lessons import Coder, corpus
from evalkit.judges.vlm.mini.prompts import segments
from evalkit.judges.vlm.mini.tokens import build_processor, train_tokenizer
from evalkit.plugins.registry import PluginSpec, create

TINY = JudgeSize(vision_width=64, vision_layers=2, deepstack=(0,), width=128, layers=2)


@pytest.fixture(scope="session")
def data() -> JudgeData:
    made: JudgeData = create("judge_data", PluginSpec("tiles"))
    return made


@pytest.fixture(scope="session")
def tokenizer(data: JudgeData) -> Any:
    rng = random.Random(0)
    return train_tokenizer(corpus([data.judged(rng) for _ in range(60)]), segments())


@pytest.fixture(scope="session")
def coder(tokenizer: Any) -> Coder:
    return Coder(tokenizer)


@pytest.fixture(scope="session")
def tiny(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of a training, with random weights."""
    import torch

    folder = tmp_path_factory.mktemp("tiny-judge")
    model = build_model(tokenizer, TINY)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    build_processor(tokenizer, TINY.side).save_pretrained(folder)
    return folder
