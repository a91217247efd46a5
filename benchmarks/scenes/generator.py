"""Generators that render scenes. They are not models; they stand in for models and give a known answer."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Sequence
from functools import partial

from pydantic import Field, field_validator

from evalkit.api import settings as base
from evalkit.api.errors import GenerationError
from evalkit.api.protocols import GeneratorInfo
from evalkit.api.records import Case, Generated, Request
from evalkit.benchmarks.faults.inject import FaultyPicture, inject
from evalkit.benchmarks.faults.registry import FAULTS
from evalkit.benchmarks.scenes.case import recipe_of
from evalkit.benchmarks.scenes.provenance import renderer_version
from evalkit.benchmarks.scenes.recipe import FaultSpec, SceneRecipe
from evalkit.formats.keys import digest, to_json


class SceneGenerator:
    """A renderer, not a model: draws exactly the scene that the case was made from.

    This is the perfect answer to the cases of `scenes` and `scenes-core`, the same for every noise seed. It stands in
    for a model when the harness itself is tried out. A case without a scene gets an error.
    """

    batch_size = 8

    class Settings(base.Settings):
        """No settings: the recipe is in the case."""

    def __init__(self, settings: Settings) -> None:
        pass

    def info(self) -> GeneratorInfo:
        """Describes this generator as a renderer."""
        return GeneratorInfo("scene renderer (no model)", "Apache-2.0", "CPU")

    def fingerprint(self, case: Case) -> str:
        """The renderer, its fonts and libraries; the recipe is part of the case."""
        return digest("scenes", renderer_version())

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        """One picture per request. `nfe` is `None`, because no network is evaluated."""
        return [_generated(request, inject) for request in requests]

    def close(self) -> None:
        """Nothing is held."""


class FaultySceneGenerator:
    """A renderer with known defects, not a model: draws the scene of the case, with a fault in some of the pictures.

    It stands in for a student and gives the ground truth for measuring judges. The noise seed determines which pictures
    are faulty and how; the picture's notes (`faults`) record it.
    """

    batch_size = 8

    class Settings(base.Settings):
        """Settings. `rate`: share of pictures with a fault. `kinds`: kinds of faults (see `benchmarks.faults`)."""

        rate: float = Field(default=0.5, ge=0.0, le=1.0)
        kinds: tuple[str, ...] = Field(default=tuple(FAULTS), min_length=1)

        @field_validator("kinds")
        @classmethod
        def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
            if unknown := [kind for kind in kinds if kind not in FAULTS]:
                raise ValueError(f"no fault {unknown[0]!r}; there are {', '.join(FAULTS)}")
            return kinds

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def info(self) -> GeneratorInfo:
        """Describes this generator as a renderer with known defects."""
        settings = self._settings.model_dump(mode="json")
        return GeneratorInfo("scene renderer with known defects (no model)", "Apache-2.0", "CPU", settings)

    def fingerprint(self, case: Case) -> str:
        """The renderer and the settings."""
        return digest("scenes-faulty", renderer_version(), self._settings.model_dump(mode="json"))

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        """One picture per request. The noise seed decides whether it is faulty."""
        return [_generated(request, partial(self._faulty, request.noise_seed)) for request in requests]

    def close(self) -> None:
        """Nothing is held."""

    def _faulty(self, noise_seed: int, recipe: SceneRecipe) -> FaultyPicture:
        rng = random.Random(f"faults {noise_seed}")
        if rng.random() < self._settings.rate:
            kinds = rng.sample(self._settings.kinds, len(self._settings.kinds))
            seed = rng.getrandbits(32)
            for kind in kinds:  # not every fault is possible in every scene: a single text can't overlap another
                specs = (*recipe.faults, FaultSpec(kind, seed))
                made = inject(dataclasses.replace(recipe, faults=specs))
                if len(made.faults) == len(specs):
                    return made
        return inject(recipe)


def _generated(request: Request, make: Callable[[SceneRecipe], FaultyPicture]) -> Generated:
    started = time.perf_counter()
    try:
        made = make(recipe_of(request.case))
    except GenerationError as error:
        return Generated(error=f"{error}; {error.hint}" if error.hint else str(error))
    seconds = time.perf_counter() - started
    notes = {"faults": [to_json(fault) for fault in made.faults]}
    return Generated(made.pixels, seconds=seconds, batch_invariant=True, notes=notes)
