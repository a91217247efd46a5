"""Flow matching on the linear path, and the sigma grids of the Qwen-Image family. Pure functions.

    z_σ = (1 - σ)·x0 + σ·ε,   velocity v = ε - x0,   σ falls from 1 (noise) to 0 (picture)

Source: Qwen-Image-Flash (arXiv 2606.03746) eq. 1-2; grids as in diffusers' `FlowMatchEulerDiscreteScheduler`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor

TOKEN_PX = 16
"""Side of the square of the picture that one latent token stands for, px."""


def interpolate(x0: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """z_σ on the linear path; `sigma` (B,), the others (B, …)."""
    sigma = _expand(sigma, x0)
    return (1 - sigma) * x0 + sigma * noise


def velocity_target(x0: Tensor, noise: Tensor) -> Tensor:
    """What the transformer must predict: dz/dσ = ε - x0."""
    return noise - x0


def x0_from_velocity(z: Tensor, velocity: Tensor, sigma: Tensor) -> Tensor:
    """The clean picture that a velocity implies: x0 = z - σ·v; `sigma` (B,)."""
    return z - _expand(sigma, z) * velocity


def velocity_from_x0(z: Tensor, x0: Tensor, sigma: Tensor) -> Tensor:
    """The inverse of `x0_from_velocity`; `sigma` (B,) above 0."""
    return (z - x0) / _expand(sigma, z)


def shifted(sigma: float, shift: float) -> float:
    """Static shift: σ ↦ s·σ / (1 + (s-1)·σ); s > 1 spends more steps at high noise (arXiv 2403.03206, eq. 23)."""
    return shift * sigma / (1 + (shift - 1) * sigma)


def dynamic_shift(tokens: int, base: tuple[int, float], most: tuple[int, float]) -> float:
    """Shift exp(μ) for a sequence of `tokens`, μ linear between `base` and `most` = (tokens, μ)."""
    slope = (most[1] - base[1]) / (most[0] - base[0])
    return math.exp(base[1] + slope * (tokens - base[0]))


def sigma_grid(steps: int, shift: float = 1.0, shift_terminal: float | None = None) -> list[float]:
    """Sigmas of `steps` Euler steps, falling from 1, with the final 0: `steps` + 1 numbers.

    Args:
        steps: number of transformer evaluations without guidance.
        shift: static shift, or `dynamic_shift(…)`.
        shift_terminal: stretch the grid so that its last sigma above 0 has this value. Few-step grids want `None`:
            with the stretch the last step does almost nothing (4 steps of Qwen-Image 2.1: 1, .77, .46, .02).

    Raises:
        ValueError: less than one step, or a stretch of a single step.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    sigmas = [shifted(1 - i / steps, shift) for i in range(steps)]
    if shift_terminal is not None:
        if steps < 2:
            raise ValueError("one step has no last sigma to stretch to: shift_terminal must be None")
        scale = (1 - sigmas[-1]) / (1 - shift_terminal)
        sigmas = [1 - (1 - sigma) / scale for sigma in sigmas]
    return [*sigmas, 0.0]


def explicit_grid(sigmas: Sequence[float]) -> list[float]:
    """A grid of the given sigmas, with the final 0.

    Raises:
        ValueError: they do not fall strictly from at most 1 to above 0.
    """
    grid = [*map(float, sigmas), 0.0]
    if not sigmas or grid[0] > 1 or not all(a > b for a, b in pairwise(grid)):
        raise ValueError(f"sigmas must fall strictly, from at most 1 to above 0: {list(sigmas)}")
    return grid


def sample_sigmas(count: int, mean: float, deviation: float, generator: Generator) -> Tensor:
    """Logit-normal sigmas (count,), as used to train flow-matching models (arXiv 2403.03206, sec. 3.1).

    `mean` and `deviation` are of logit σ; a positive mean trains more at high noise.
    """
    import torch

    return torch.sigmoid(torch.randn(count, generator=generator) * deviation + mean)


def error_weights(sigma: Tensor, floor: float) -> Tensor:
    """Weights (B,) of squared velocity errors: (σ / `floor`)² below σ = `floor`, 1 above.

    An error e of x0 is an error e / σ of the velocity. So below the floor equal errors of x0 have equal weight at every
    σ, and the loss is not dominated by details that only low noise shows. The idea is that of min-SNR weighting (arXiv
    2303.09556).
    """
    return (sigma / floor).clamp(max=1).pow(2) if floor else sigma.new_ones(sigma.shape)


def channel_weights(deviations: Tensor, power: float) -> Tensor:
    """Weights (channels,) of squared errors, of mean 1: the channels' standard deviations to the power 2·`power`.

    Power 0 weights errors as those of normalised latents, 1 as the pixels of a linear codec, where flat colours have
    the largest weight.
    """
    weights = deviations.pow(2 * power)
    return weights / weights.mean()


def _expand(sigma: Tensor, like: Tensor) -> Tensor:
    return sigma.view(-1, *[1] * (like.ndim - 1))
