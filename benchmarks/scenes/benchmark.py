"""A benchmark of any number of procedural scenes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from evalkit.api import settings as base
from evalkit.api.protocols import BenchmarkInfo
from evalkit.api.records import Case
from evalkit.benchmarks.scenes.case import scene_case
from evalkit.benchmarks.scenes.provenance import renderer_version
from evalkit.benchmarks.scenes.recipe import KINDS, LAYOUT, MAX_SIZE, MIN_SIZE, Kind, SceneRecipe
from evalkit.formats.keys import digest


class ScenesBenchmark:
    """Procedural flat designs with exact text, layout and background, as many as you like."""

    class Settings(base.Settings):
        """Settings. `size`: side in px. `start`: number of the first scene, so that a run can be split."""

        primary: ClassVar[str] = "count"
        count: int = Field(default=100, ge=1)
        size: int = Field(default=512, ge=MIN_SIZE, le=MAX_SIZE)
        seed: int = 0
        kinds: tuple[Kind, ...] = Field(default=KINDS, min_length=1)
        start: int = Field(default=0, ge=0)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def info(self) -> BenchmarkInfo:
        """`digest` covers the settings and the renderer, which determine every case."""
        content = digest("scenes", self._settings.model_dump(mode="json"), renderer_version())
        return BenchmarkInfo("scenes", str(LAYOUT), content, "Procedural flat designs.", "Apache-2.0")

    def cases(self) -> Iterator[Case]:
        """The scenes in order; the kinds take turns. Scene number n does not depend on `start` and `count`."""
        settings = self._settings
        for number in range(settings.start, settings.start + settings.count):
            kind = settings.kinds[number % len(settings.kinds)]
            yield scene_case(
                SceneRecipe(kind, scene_seed(settings.seed, number), settings.size), f"{kind}-{number:06d}"
            )


def scene_seed(seed: int, number: int) -> int:
    """The seed of scene `number` of a series, in [0, 2^32)."""
    return int(digest("scene", seed, number)[:8], 16)
