"""A scene drawn with its faults, and the record of each: exact, because both pictures are drawn."""

from __future__ import annotations

import inspect
import random
from typing import NamedTuple

import numpy as np

from benchmarks.faults.fault import ContentFault, Fault, Mask
from benchmarks.faults.registry import CONTENT, FAULTS, PICTURE
from benchmarks.scenes.draw import Drawing, draw
from benchmarks.scenes.recipe import FaultSpec, SceneRecipe
from benchmarks.scenes.render import compose
from evalkit.errors import GenerationError
from evalkit.pictures import Pixels
from evalkit.records import Box


class Faulty(NamedTuple):
    """A picture, the faults that are in it, and the (H, W) mask of the pixels each may have changed."""

    pixels: Pixels
    faults: tuple[Fault, ...]
    masks: tuple[Mask, ...]


def inject(recipe: SceneRecipe) -> Faulty:
    """The picture of `recipe` with its faults: those of content first, whatever their order.

    A fault that the scene can't have (an overlap of a single text) is left out.

    Raises:
        GenerationError: an unknown kind of fault, or a strength that it does not have.
    """
    scene = compose(recipe)
    drawing = draw(scene)
    faults, masks = [], []
    for spec in recipe.faults:
        _check(spec)
        if spec.kind in CONTENT:
            made = CONTENT[spec.kind](scene, drawing, random.Random(f"{spec.kind} {spec.seed}"))
            if made is None:
                continue
            after = draw(made.scene)
            faults.append(_located(spec.kind, made, scene.texts[made.text].id, drawing, after))
            masks.append((drawing.pixels != after.pixels).any(axis=2))
            scene, drawing = made.scene, after
    pixels, bare = drawing.pixels, drawing.bare
    for spec in recipe.faults:
        if spec.kind in PICTURE and bare.any():
            pixels, mask, size, unit = PICTURE[spec.kind](pixels, bare, spec.seed, **spec.strength)
            faults.append(Fault(spec.kind, _bounds(mask), size, unit, "background", dict(spec.strength)))
            masks.append(mask)
    return Faulty(pixels, tuple(faults), tuple(masks))


def _check(spec: FaultSpec) -> None:
    if spec.kind not in FAULTS:
        raise GenerationError(f"no fault {spec.kind!r}", hint=f"there are {', '.join(FAULTS)}")
    function = PICTURE.get(spec.kind) or CONTENT[spec.kind]
    known = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if unknown := [name for name in spec.strength if name not in known]:
        hint = f"it has {', '.join(known) or 'none'}"
        raise GenerationError(f"fault {spec.kind!r} has no strength {unknown[0]!r}", hint=hint)


def _located(kind: str, made: ContentFault, text_id: str, before: Drawing, after: Drawing) -> Fault:
    if made.box is not None:
        return Fault(kind, made.box, made.size, made.unit, f"text:{made.text}", made.detail)
    was = next(text.box for text in before.texts if text.id == text_id)
    drawn = next((text for text in after.texts if text.id == text_id), None)
    box = was
    if drawn is not None:
        wrong = [char.box for char in drawn.characters[slice(*made.characters)]]
        box = _union(wrong) if wrong else drawn.box.union(was) if kind == "drop-word" else drawn.box
    return Fault(kind, box, made.size, made.unit, f"text:{made.text}", made.detail)


def _union(boxes: list[Box]) -> Box:
    result = boxes[0]
    for box in boxes[1:]:
        result = result.union(box)
    return result


def _bounds(mask: Mask) -> Box:
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
