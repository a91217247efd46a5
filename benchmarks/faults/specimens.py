"""Pictures on which judges are measured: held-out scenes with graded faults, and clean pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from pydantic import Field, field_validator, model_validator

from evalkit.api import settings as base
from evalkit.api.ability import Specimen
from evalkit.benchmarks.faults.grades import GRADES, Grades
from evalkit.benchmarks.faults.inject import HEIGHT, inject
from evalkit.benchmarks.faults.negatives import gradients, lettered_photos, photos, wanted_grain
from evalkit.benchmarks.scenes.benchmark import scene_seed
from evalkit.benchmarks.scenes.case import scene_case
from evalkit.benchmarks.scenes.recipe import KINDS, MAX_SIZE, MIN_SIZE, FaultSpec, SceneRecipe

HELD_OUT = 7_000_000
"""Series of scenes that no suite, test, tuning or training uses."""
TRIES = 40
"""Scenes tried for each specimen. After that many, a fault of that size counts as impossible in scenes."""


class SceneSpecimens:
    """Held-out procedural scenes with one known defect each, and clean pictures of several kinds."""

    class Settings(base.Settings):
        """Settings.

        `kinds`: kinds of faults; all by default. `sizes`: sizes to use instead of each kind's own. `count`: pictures
        per size. `clean`: number of clean scenes; each other kind of clean picture comes a fifth as often. `size`:
        side in px. `series`: number of the series of scenes; the series `HELD_OUT` is for measuring only, so give
        another number to try things out. `twin`: show each scene beside its clean version, as a flawless teacher would
        draw it.
        """

        kinds: tuple[str, ...] = Field(default=tuple(GRADES), min_length=1)
        sizes: tuple[float, ...] = ()
        count: int = Field(default=8, ge=1)
        clean: int = Field(default=40, ge=2)
        size: int = Field(default=512, ge=MIN_SIZE, le=MAX_SIZE)
        series: int = HELD_OUT
        twin: bool = False

        @field_validator("kinds")
        @classmethod
        def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
            if unknown := [kind for kind in kinds if kind not in GRADES]:
                raise ValueError(f"no fault {unknown[0]!r}; there are {', '.join(GRADES)}")
            return kinds

        @model_validator(mode="after")
        def _graded(self) -> Self:
            fixed = [kind for kind in self.kinds if not GRADES[kind].strength]
            if self.sizes and fixed:
                raise ValueError(f"`{fixed[0]}` has no sizes to choose from")
            return self

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def faults(self) -> tuple[str, ...]:
        """The kinds of the settings."""
        return self._settings.kinds

    def grows(self, fault: str) -> bool:
        """Whether a larger size of the fault is a worse defect."""
        return GRADES[fault].grows and bool(GRADES[fault].strength)

    def faulty(self, fault: str) -> Iterator[Specimen]:
        """Up to `count` pictures of each size, each of its own scene; fewer if most scenes can't have the fault."""
        grades = GRADES[fault]
        for size in self._settings.sizes or grades.sizes:
            found = 0
            for number in range(TRIES * self._settings.count):
                if found == self._settings.count:
                    break
                made = self._specimen(fault, grades, size, number)
                if made:
                    found += 1
                    yield made

    def clean(self) -> Iterator[Specimen]:
        """Clean scenes, gradients, wanted grain, photos, and photos with text."""
        settings, few = self._settings, max(self._settings.clean // 5, 1)
        for number in range(settings.clean):
            recipe = self._recipe(number)
            pixels = inject(recipe).pixels
            yield Specimen(
                scene_case(recipe, f"scene/{number}"), pixels, "scenes", twin=pixels if settings.twin else None
            )
        for make in (gradients, wanted_grain, photos, lettered_photos):
            yield from make(few, settings.size, settings.series)

    def _recipe(self, number: int, *faults: FaultSpec) -> SceneRecipe:
        settings = self._settings
        seed = scene_seed(settings.series, number)
        return SceneRecipe(KINDS[number % len(KINDS)], seed, settings.size, faults=faults)

    def _specimen(self, fault: str, grades: Grades, size: float, number: int) -> Specimen | None:
        strength = {**grades.fixed, **({grades.strength: size} if grades.strength else {})}
        made = inject(self._recipe(number, FaultSpec(grades.kind, number, strength)))
        if not made.faults or not made.masks[0].any():
            return None
        (found,) = made.faults
        reached = float(found.detail[HEIGHT]) if grades.strength == HEIGHT else found.size
        clean = self._recipe(number)
        case, twin = (
            scene_case(clean, f"{fault}/{size:g}/{number}"),
            inject(clean).pixels if self._settings.twin else None,
        )
        return Specimen(case, made.pixels, fault, reached, size, grades.unit or found.unit, found.box, twin)
