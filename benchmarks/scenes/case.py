"""Turns a scene into a case: the prompt, and everything that must be true of the picture."""

from __future__ import annotations

from pydantic import ValidationError

from evalkit.api.errors import GenerationError
from evalkit.api.records import Case, TextTarget
from evalkit.benchmarks.scenes.draw import draw
from evalkit.benchmarks.scenes.recipe import SceneRecipe
from evalkit.benchmarks.scenes.render import compose
from evalkit.benchmarks.scenes.truth import truth
from evalkit.formats.keys import from_json, to_json

EXTRA = "scene"
"""The key of `Case.extra` that holds the recipe."""


def scene_case(recipe: SceneRecipe, id: str) -> Case:
    """The case that asks for the scene of `recipe` (without its faults)."""
    scene = compose(recipe)
    known = truth(scene, draw(scene))
    return Case(
        id,
        scene.prompt,
        width=recipe.size,
        height=recipe.size,
        category=recipe.kind,
        texts=tuple(TextTarget(text.text, text.box, text.role) for text in known.texts),
        elements=known.elements,
        relations=known.relations,
        background=known.background,
        checklist=scene.questions,
        tags=("scene", recipe.language, known.background.kind),
        extra={EXTRA: to_json(recipe)},
    )


def recipe_of(case: Case) -> SceneRecipe:
    """The recipe a case was made from.

    Raises:
        GenerationError: the case has no scene, or its scene can't be read or has another size than the case.
    """
    if EXTRA not in case.extra:
        hint = "use a benchmark of scenes (`scenes-core`, `scenes`), or another generator"
        raise GenerationError("the case has no scene to render", where=case.id, hint=hint)
    try:
        recipe = from_json(SceneRecipe, case.extra[EXTRA])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        what = f"the scene can't be read: {place + ': ' if place else ''}{first['msg']}"
        raise GenerationError(what, where=case.id, hint="write the suite again") from error
    if (case.width, case.height) != (recipe.size, recipe.size):
        what = f"the case is {case.width}x{case.height} px, its scene {recipe.size}x{recipe.size}"
        raise GenerationError(what, where=case.id, hint="write the suite again")
    return recipe
