"""From a recipe to a scene, and to its drawing."""

from __future__ import annotations

from benchmarks.scenes.draw import Drawing, draw
from benchmarks.scenes.layouts import LAYOUTS
from benchmarks.scenes.page import Page
from benchmarks.scenes.recipe import SceneRecipe
from benchmarks.scenes.scene import Scene


def compose(recipe: SceneRecipe) -> Scene:
    """The scene of a recipe, without its faults."""
    page = Page(recipe)
    LAYOUTS[recipe.kind](page)
    return page.scene()


def render(recipe: SceneRecipe) -> Drawing:
    """The drawing of a recipe, without its faults."""
    return draw(compose(recipe))
