"""A generator that renders tile scenes. It is not a model; it stands in for one and gives the right answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from evalkit.api import settings as base
from evalkit.api.errors import GenerationError
from evalkit.api.protocols import GeneratorInfo
from evalkit.api.records import Case, Generated, Request
from evalkit.benchmarks.tiles.case import scene_of
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.benchmarks.tiles.provenance import tiles_version
from evalkit.formats.keys import digest


class TileGenerator:
    """A renderer, not a model: draws exactly the tile scene that the case asks for, edits included.

    This is the perfect answer to the cases of `tiles` and `minis-core`, the same for every noise seed. A case without a
    tile scene gets an error.
    """

    batch_size = 16

    class Settings(base.Settings):
        """No settings: the scene is in the case."""

    def __init__(self, settings: Settings) -> None:
        pass

    def info(self) -> GeneratorInfo:
        """Describes this generator as a renderer."""
        return GeneratorInfo("tile renderer (no model)", "Apache-2.0", "CPU")

    def fingerprint(self, case: Case) -> str:
        """The renderer, its font and libraries; the scene is part of the case."""
        return digest("tiles", tiles_version())

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        """One picture per request. `nfe` is `None`, because no network is evaluated."""
        return [_generated(request.case) for request in requests]

    def close(self) -> None:
        """Nothing is held."""


def _generated(case: Case) -> Generated:
    started = time.perf_counter()
    try:
        pixels = draw_tiles(scene_of(case))
    except GenerationError as error:
        return Generated(error=f"{error}; {error.hint}" if error.hint else str(error))
    return Generated(pixels, seconds=time.perf_counter() - started, batch_invariant=True)
