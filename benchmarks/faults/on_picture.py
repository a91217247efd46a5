"""Injects faults into any clean picture. The caller says where its texts are and where it is flat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evalkit.api.errors import GenerationError
from evalkit.api.pictures import Pixels
from evalkit.api.records import Box
from evalkit.benchmarks.faults.fault import Fault, Mask
from evalkit.benchmarks.faults.inject import FaultyPicture, check, in_layer, on_ground
from evalkit.benchmarks.faults.layer import picture_layer
from evalkit.benchmarks.faults.registry import LAYER, ON_INK, PICTURE
from evalkit.benchmarks.scenes.recipe import FaultSpec


class TextArea(NamedTuple):
    """A text of a picture: the box of its ink and, if known, the box of each character that leaves ink."""

    text: str
    box: Box
    characters: tuple[Box, ...] = ()


def inject_into(
    pixels: Pixels, specs: Sequence[FaultSpec], *, texts: Sequence[TextArea] = (), flat: Mask | None = None
) -> FaultyPicture:
    """`pixels` (H, W, 3) with faults, one after the other, and the record of each.

    Text is handled as ink of one colour on a ground that is filled in from the rim of its box, so it should stand on a
    plain or softly shaded ground. `flat` (H, W) says where the ground may be changed. A fault that is impossible in the
    picture is left out: no text has the letters that it needs, or there is no flat ground.

    Raises:
        GenerationError: a kind of fault or a strength is unknown, or the fault needs a scene.
    """
    faults: list[Fault] = []
    masks: list[Mask] = []
    for spec in specs:
        check(spec)
        if spec.kind in PICTURE:
            made = on_ground(spec, pixels, flat) if flat is not None and flat.any() else None
        elif spec.kind in ON_INK or spec.kind in LAYER:
            made = _on_text(spec, pixels, texts)
        else:
            raise GenerationError(f"fault {spec.kind!r} needs a scene", hint="use `benchmarks.faults.inject.inject`")
        if made:
            pixels, fault, mask = made
            faults.append(fault)
            masks.append(mask)
    return FaultyPicture(pixels, tuple(faults), tuple(masks))


def _on_text(spec: FaultSpec, pixels: Pixels, texts: Sequence[TextArea]) -> tuple[Pixels, Fault, Mask] | None:
    for number in np.random.default_rng(spec.seed).permutation(len(texts)):
        area = texts[number]
        others = [other.box for other in texts if other is not area]
        layer = picture_layer(pixels, area.text, area.box, area.characters, others)
        if layer and (made := in_layer(spec, layer, pixels, f"text:{number}")):
            return made
    return None
