"""Makes an untrained mini pipeline: codec and tokenizer are fitted to training data, the weights are random."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evalkit.api.records import Task
from evalkit.api.training import TrainingData
from evalkit.student.mini.build import MiniSize, build_pipeline
from evalkit.student.recipe.save import save_pipeline

CODEC_PICTURES = 4000
CODEC_CHANNELS = 96
"""Few, so that the noise does not fill the width of the transformer (168), see docs/recipe.md."""
CODEC_POWER = 0.5
CODEC_SCALE = 0.7
SHIFT = 3.0
FRAME = "system user assistant\nComprehend and analyze the provided prompt."
"""Words of the pipeline's prompt template, for the tokenizer."""


def new_pipeline(data: TrainingData, weights: Mapping[str, float], out: Path, seed: int = 0) -> Path:
    """Write an untrained pipeline to the folder `out`.

    Args:
        data: the training data.
        weights: of the categories among the pictures that the codec is fitted to.
        out: replaced if it exists.
        seed: of the initial weights.
    """
    import torch

    from evalkit.student.mini.codec import fit_codec

    rng = random.Random(1)
    names, shares = list(weights), list(weights.values())
    drawn = [data.example(rng, Task.T2I, rng.choices(names, shares)[0]).picture() for _ in range(CODEC_PICTURES)]
    pictures = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 127.5 - 1
    codec = fit_codec(pictures, CODEC_CHANNELS, CODEC_POWER, CODEC_SCALE)
    corpus = [*data.corpus(), *[FRAME] * 2000]
    save_pipeline(build_pipeline(codec, corpus, MiniSize(picture=data.size[0]), SHIFT, seed), out)
    return out
