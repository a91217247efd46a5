"""Draws a scene with its faults and records each of them. The records are exact, because both pictures are drawn."""

from __future__ import annotations

import inspect
import random
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from evalkit.api.errors import GenerationError
from evalkit.api.pictures import Pixels
from evalkit.api.records import JSON
from evalkit.benchmarks.faults.fault import ContentFault, Fault, InkLayer, Mask
from evalkit.benchmarks.faults.lab import to_lab
from evalkit.benchmarks.faults.layer import bounds, hull, inked, scene_layer
from evalkit.benchmarks.faults.pick import glyph_px, is_of_height
from evalkit.benchmarks.faults.registry import CONTENT, FAULTS, LAYER, ON_INK, PICTURE
from evalkit.benchmarks.scenes.draw import Drawing, draw
from evalkit.benchmarks.scenes.recipe import FaultSpec, SceneRecipe
from evalkit.benchmarks.scenes.render import compose
from evalkit.benchmarks.scenes.scene import Scene

HEIGHT, PATCH, RMS_LIGHTNESS = "height_px", "patch", "rms_lightness"
"""Strengths that whole families of faults share. `height_px` (letters, words, strokes) selects a text whose capitals
are about that tall. `patch` confines a fault of the ground to a square whose side is that share of the picture's side
(0: everywhere). `rms_lightness` states an `rms` in L* instead of code values."""
PLACES = 200


class FaultyPicture(NamedTuple):
    """A picture, its faults, and for each fault the (H, W) mask of the pixels that it may have changed."""

    pixels: Pixels
    faults: tuple[Fault, ...]
    masks: tuple[Mask, ...]


def inject(recipe: SceneRecipe) -> FaultyPicture:
    """The picture of `recipe` with its faults: first those of content, then of ink, then of the ground.

    A fault that is impossible in the scene (an overlap in a scene with a single text) is left out.

    Raises:
        GenerationError: an unknown kind of fault, or a strength that it does not have.
    """
    scene = compose(recipe)
    drawing = draw(scene)
    faults, masks = [], []
    for spec in recipe.faults:
        check(spec)
        if spec.kind in CONTENT:
            made = CONTENT[spec.kind](scene, drawing, random.Random(f"{spec.kind} {spec.seed}"), **spec.strength)
            if made is None:
                continue
            after = draw(made.scene)
            faults.append(_located(spec.kind, made, scene.texts[made.text].id, drawing, after))
            masks.append((drawing.pixels != after.pixels).any(axis=2))
            scene, drawing = made.scene, after
    pixels = drawing.pixels
    for spec in recipe.faults:
        if spec.kind in LAYER and (found := _in_ink(spec, scene, drawing, pixels)):
            pixels, fault, mask = found
            faults.append(fault)
            masks.append(mask)
    bare = (pixels == drawing.ground).all(axis=2)
    for spec in recipe.faults:
        if spec.kind in PICTURE and bare.any():
            pixels, fault, mask = on_ground(spec, pixels, bare)
            faults.append(fault)
            masks.append(mask)
    return FaultyPicture(pixels, tuple(faults), tuple(masks))


def check(spec: FaultSpec) -> None:
    """Raise `GenerationError` for an unknown kind of fault, or a strength that it does not have."""
    if spec.kind not in FAULTS:
        raise GenerationError(f"no fault {spec.kind!r}", hint=f"there are {', '.join(FAULTS)}")
    known = strengths(spec.kind)
    if unknown := [name for name in spec.strength if name not in known]:
        hint = f"it has {', '.join(known) or 'none'}"
        raise GenerationError(f"fault {spec.kind!r} has no strength {unknown[0]!r}", hint=hint)


def strengths(kind: str) -> list[str]:
    """Names of the strengths of a kind of fault."""
    function = PICTURE.get(kind) or LAYER.get(kind) or CONTENT[kind]
    own = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    shared = [HEIGHT] if kind in LAYER else [PATCH] if kind in PICTURE else []
    return own + shared + ([RMS_LIGHTNESS] if kind in PICTURE and "rms" in own else [])


def in_layer(
    spec: FaultSpec, layer: InkLayer, pixels: Pixels, target: str, detail: Mapping[str, JSON] | None = None
) -> tuple[Pixels, Fault, Mask] | None:
    """`pixels` with a fault in the ink of `layer`; `None` if the fault is impossible there or would change nothing."""
    strength = _without(spec.strength, HEIGHT)
    made = (LAYER.get(spec.kind) or ON_INK[spec.kind])(layer, np.random.default_rng(spec.seed), **strength)
    if made is None:
        return None
    after = inked(pixels, layer, made.alpha)
    mask = (after != pixels).any(axis=2)
    if not mask.any() or made.size <= 0:
        return None
    drawn = layer.text if made.text is None else made.text
    told = {"expected": layer.text, "drawn": drawn, **strength, **(detail or {})}
    return after, Fault(spec.kind, made.box or bounds(mask), made.size, made.unit, target, told), mask


def on_ground(spec: FaultSpec, pixels: Pixels, bare: Mask) -> tuple[Pixels, Fault, Mask]:
    """`pixels` with a fault where `bare` (H, W) is true; only in a square of it if the strength `patch` is above 0."""
    where = _square(bare, spec.strength.get(PATCH, 0.0), spec.seed)
    strength = _without(spec.strength, PATCH)
    wanted = strength.pop(RMS_LIGHTNESS, None)
    if wanted is not None:
        strength["rms"] = _rms_for(wanted, pixels[where])
    after, mask, size, unit = PICTURE[spec.kind](pixels, where, spec.seed, **strength)
    change = to_lab(after[mask])[:, 0] - to_lab(pixels[mask])[:, 0]
    detail = {**spec.strength, RMS_LIGHTNESS: round(float(np.sqrt(np.mean(change**2))), 4)}
    return after, Fault(spec.kind, bounds(mask), size, unit, "background", detail), mask


def _rms_for(lightness: float, ground: Pixels) -> float:
    """The RMS in code values, equal in R, G and B, that amounts to `lightness` L* on these (N, 3) pixels on average."""
    base = ground.astype(np.float64)
    slope = (to_lab(np.minimum(base + 1, 255)) - to_lab(np.maximum(base - 1, 0)))[:, 0] / 2
    return lightness / float(np.sqrt(np.mean(slope**2)))


def _in_ink(spec: FaultSpec, scene: Scene, drawing: Drawing, pixels: Pixels) -> tuple[Pixels, Fault, Mask] | None:
    order = [i for i, t in enumerate(scene.texts) if is_of_height(t, spec.strength.get(HEIGHT, 0.0))]
    random.Random(f"{spec.kind} {spec.seed}").shuffle(order)
    for index in order:
        layer = scene_layer(scene, drawing, index, pixels)
        height = {HEIGHT: round(glyph_px(scene.texts[index]), 1)}
        if layer and (made := in_layer(spec, layer, pixels, f"text:{index}", height)):
            return made
    return None


def _square(bare: Mask, share: float, seed: int) -> Mask:
    """`bare` inside a square of `share` of the picture's shorter side, placed where most of it is bare."""
    if share <= 0:
        return bare
    height, width = bare.shape
    side = max(round(share * min(height, width)), 1)
    sums = np.pad(np.cumsum(np.cumsum(bare, axis=0), axis=1), ((1, 0), (1, 0)))
    rng = np.random.default_rng(seed)
    ys, xs = rng.integers(0, height - side + 1, PLACES), rng.integers(0, width - side + 1, PLACES)
    inside = sums[ys + side, xs + side] - sums[ys, xs + side] - sums[ys + side, xs] + sums[ys, xs]
    best = int(np.argmax(inside))
    mask = np.zeros_like(bare)
    part = (slice(ys[best], ys[best] + side), slice(xs[best], xs[best] + side))
    mask[part] = bare[part]
    return mask if mask.any() else bare


def _without(strength: Mapping[str, float], name: str) -> dict[str, float]:
    return {key: value for key, value in strength.items() if key != name}


def _located(kind: str, made: ContentFault, text_id: str, before: Drawing, after: Drawing) -> Fault:
    if made.box is not None:
        return Fault(kind, made.box, made.size, made.unit, f"text:{made.text}", made.detail)
    was = next(text.box for text in before.texts if text.id == text_id)
    drawn = next((text for text in after.texts if text.id == text_id), None)
    box = was
    if drawn is not None:
        wrong = [char.box for char in drawn.characters[slice(*made.characters)]]
        box = hull(wrong) if wrong else drawn.box.union(was) if kind == "drop-word" else drawn.box
    return Fault(kind, box, made.size, made.unit, f"text:{made.text}", made.detail)
