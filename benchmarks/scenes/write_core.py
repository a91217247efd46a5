"""Writes the built-in suite `scenes-core`: `python -m evalkit.benchmarks.scenes.write_core [FOLDER]`.

24 scenes of 512 px. For each kind it takes the first seeds whose scenes have the grounds that are still needed, so that
every kind appears on solid grounds and on gradients. The files follow from this module alone; a test compares them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from evalkit.api.records import Case
from evalkit.benchmarks.scenes.case import scene_case
from evalkit.benchmarks.scenes.recipe import LAYOUT, SceneRecipe
from evalkit.benchmarks.suite import CORE, SuiteHeader, write_suite

SIZE = 512
FIRST_SEED = 1000
WANTED = {
    "poster": (3, 2),
    "card": (3, 2),
    "label": (3, 2),
    "infographic": (3, 2),
    "portrait": (2, 2),
}
"""Kind -> number of scenes on a solid ground, and on a gradient."""
HEADER = SuiteHeader(
    name="scenes-core",
    version=str(LAYOUT),
    description="24 flat designs (posters, UI cards, labels, infographics, portraits) with exact text and layout.",
    licence="Apache-2.0",
)


def core_cases() -> Iterator[Case]:
    """The cases of the suite, in order."""
    for kind, (solid, gradient) in WANTED.items():
        left = {"solid": solid, "gradient": gradient}
        number, seed = 0, FIRST_SEED
        while any(left.values()):
            case = scene_case(SceneRecipe(kind, seed, SIZE), f"core/{kind}-{number + 1}")
            if left[case.background.kind]:
                left[case.background.kind] -= 1
                number += 1
                yield case
            seed += 1


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORE
    write_suite(folder, HEADER, core_cases())
    print(folder)
