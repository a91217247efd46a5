"""The initial noise: one CPU generator per picture, so that it depends on the request and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.api.records import Request

if TYPE_CHECKING:
    import torch


def noise_generators(requests: Sequence[Request]) -> list[torch.Generator]:
    """One `torch.Generator` on the CPU per request, seeded with its `noise_seed`.

    Given a list of them, the Qwen-Image pipelines draw each picture's latents from its own generator, on the CPU. So
    the noise is the same in every batch, on every device, and for student and teacher, if their latents have the
    same shape (the same VAE and picture size). In bfloat16 the latents are the float32 ones rounded: measured bit for
    bit with torch 2.13 for (16, 128, 128) and (64, 64, 64) latents; it holds where channels x height x width is a
    multiple of 16, as it always is here.
    """
    import torch

    return [torch.Generator("cpu").manual_seed(request.noise_seed) for request in requests]
