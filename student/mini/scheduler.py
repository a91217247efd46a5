"""The family's Euler scheduler for a transformer that predicts the clean picture instead of the velocity.

To predict ε - x0, a transformer must pass the noise of a hundred channels per token through itself, which a narrow one
can't do; the pictures lie on a much smaller manifold (arXiv 2511.13720). The rest of the pipeline is unchanged.
"""

from __future__ import annotations

from typing import Any

from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor


class SamplePredictionScheduler(FlowMatchEulerDiscreteScheduler):  # type: ignore[misc]  # untyped in diffusers
    """`FlowMatchEulerDiscreteScheduler` whose `model_output` is x0: the velocity is (z - x0) / σ."""

    prediction = "sample"

    def step(self, model_output: Tensor, timestep: Any, sample: Tensor, *args: Any, **kwargs: Any) -> Any:
        """One Euler step; guidance has been applied to x0, which is the same as applying it to velocities."""
        if self.step_index is None:
            self._init_step_index(timestep)
        sigma = self.sigmas[self.step_index].to(sample.device)
        return super().step((sample - model_output) / sigma, timestep, sample, *args, **kwargs)
