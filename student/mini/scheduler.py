"""The family's Euler scheduler for a transformer that predicts the clean picture instead of the velocity.

A narrow transformer can't carry the noise of a hundred channels a token through itself, as predicting ε - x0 asks for;
the pictures lie on a far smaller manifold (arXiv 2511.13720). Everything else of the pipeline stays as it is.
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
