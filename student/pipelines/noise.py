"""The initial noise: one CPU generator per picture, so that the noise depends on the request alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.api.records import Request

if TYPE_CHECKING:
    import torch


def noise_generators(requests: Sequence[Request]) -> list[torch.Generator]:
    """One `torch.Generator` on the CPU per request, seeded with its `noise_seed`.

    Given a list of generators, the Qwen-Image pipelines draw the latents of each picture from its own, on the CPU. So
    the noise is the same in every batch and on every device, and also for student and teacher, if their latents have
    the same shape (the same VAE and picture size). In bfloat16 the latents are the float32 ones rounded: measured bit
    for bit with torch 2.13 for (16, 128, 128) and (64, 64, 64) latents. It holds if channels x height x width is a
    multiple of 16, as it always is here.
    """
    import torch

    return [torch.Generator("cpu").manual_seed(request.noise_seed) for request in requests]
