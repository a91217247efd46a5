"""The linear path and the sigma grids, held to diffusers' own scheduler."""

import math

import numpy as np
import pytest

from evalkit.student.recipe.flow import (
    channel_weights,
    dynamic_shift,
    error_weights,
    explicit_grid,
    interpolate,
    sample_sigmas,
    sigma_grid,
    velocity_from_x0,
    velocity_target,
    x0_from_velocity,
)


def scheduler_grid(steps, mu=None, **config):
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler(**config)
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps), mu=mu)
    return scheduler.sigmas.tolist()


@pytest.mark.parametrize("steps", [1, 2, 4, 8, 40])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_static_grids_are_the_schedulers(steps, shift):
    assert sigma_grid(steps, shift) == pytest.approx(scheduler_grid(steps, shift=shift), abs=1e-6)


@pytest.mark.parametrize("steps", [2, 4, 40])
@pytest.mark.parametrize("terminal", [None, 0.02])
def test_dynamic_shift_and_stretch_are_the_schedulers(steps, terminal):
    from evalkit.compat.torchvision_cpu import ensure_torchvision

    ensure_torchvision()
    from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift

    tokens, base, most = 1024, (256, 0.5), (8192, 0.9)
    shift = dynamic_shift(tokens, base, most)
    mu = calculate_shift(tokens, base[0], most[0], base[1], most[1])
    assert shift == pytest.approx(math.exp(mu))
    theirs = scheduler_grid(steps, mu, use_dynamic_shifting=True, shift_terminal=terminal)
    assert sigma_grid(steps, shift, terminal) == pytest.approx(theirs, abs=1e-6)


def test_four_stretched_steps_of_2_1_leave_the_last_almost_nothing():
    shift = dynamic_shift(4096, (256, 0.5), (8192, 0.9))
    assert sigma_grid(4, shift, 0.02)[:4] == pytest.approx([1, 0.77, 0.46, 0.02], abs=0.01)


def test_grids_that_can_not_be():
    with pytest.raises(ValueError, match="at least 1"):
        sigma_grid(0)
    with pytest.raises(ValueError, match="shift_terminal must be None"):
        sigma_grid(1, 1.0, 0.02)
    for sigmas in ([], [1.0, 1.0], [0.5, 0.7], [1.2, 0.5], [1.0, 0.0], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="fall strictly"):
            explicit_grid(sigmas)
    assert explicit_grid([1, 0.5]) == [1.0, 0.5, 0.0]


def test_velocity_x0_and_noise_agree_on_the_path():
    import torch

    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 3, 5, 4, generator=generator, dtype=torch.float64)
    sigma = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    z, velocity = interpolate(x0, noise, sigma), velocity_target(x0, noise)
    torch.testing.assert_close(x0_from_velocity(z, velocity, sigma), x0)
    torch.testing.assert_close(velocity_from_x0(z, x0, sigma), velocity)
    later = sigma + 1e-3  # dz/dσ
    torch.testing.assert_close((interpolate(x0, noise, later) - z) / 1e-3, velocity)


def test_sampled_sigmas_are_logit_normal_and_follow_from_their_generator():
    import torch

    first, again = (sample_sigmas(20_000, 0.5, 1.2, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    logit = torch.logit(first.double())
    assert float(logit.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(logit.std()) == pytest.approx(1.2, abs=0.03)


def test_below_the_floor_an_error_of_x0_counts_the_same_at_every_sigma():
    import torch

    sigma = torch.tensor([0.1, 0.25, 0.5, 0.8])
    error_of_x0 = 0.3
    weighted = (error_of_x0 / sigma).pow(2) * error_weights(sigma, 0.5)
    assert weighted[:3].tolist() == pytest.approx([(error_of_x0 / 0.5) ** 2] * 3)
    assert error_weights(sigma, 0.5)[3] == 1
    assert error_weights(sigma, 0.0).tolist() == [1, 1, 1, 1]


def test_channels_count_as_they_show_in_pixels():
    import torch

    deviations = torch.tensor([1.0, 2.0, 3.0])
    assert channel_weights(deviations, 0.0).tolist() == [1, 1, 1]
    assert channel_weights(deviations, 1.0).tolist() == pytest.approx([3 * d * d / 14 for d in (1, 2, 3)])
