"""A generator that draws colour gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from evalkit import api


class GradientSettings(api.Settings):
    """Settings of the gradient generator."""

    noise: float = Field(8.0, ge=0, le=64)
    """Standard deviation of the noise that is added, in levels of 255."""


class GradientGenerator:
    """Draws a gradient between two colours that follow from the noise seed; it ignores the prompt."""

    Settings = GradientSettings
    plugin_api = 1

    batch_size = 4

    def __init__(self, settings: GradientSettings) -> None:
        self.settings = settings

    def info(self) -> api.GeneratorInfo:
        """Provenance for the report."""
        return api.GeneratorInfo("gradient", licence="Apache-2.0", hardware="CPU", settings=self.settings.model_dump())

    def fingerprint(self, case: api.Case) -> str:
        """Changes with everything that determines a picture."""
        return api.digest("gradient", 1, self.settings.model_dump(mode="json"))

    def generate(self, requests: Sequence[api.Request]) -> list[api.Generated]:
        """One picture per request, in the same order."""
        return [self._draw(request) for request in requests]

    def close(self) -> None:
        """Nothing to free."""

    def _draw(self, request: api.Request) -> api.Generated:
        if request.case.task is api.Task.EDIT:
            return api.Generated(error="the gradient generator can't edit pictures")
        random = np.random.default_rng(request.noise_seed)
        start, end = random.uniform(0, 255, (2, 3))
        share = np.linspace(0, 1, request.case.width)[None, :, None]
        shape = (request.case.height, request.case.width, 3)
        levels = start + (end - start) * share + random.normal(0, self.settings.noise, shape)
        return api.Generated(image=np.clip(levels, 0, 255).astype(np.uint8), nfe=1, batch_invariant=True)
