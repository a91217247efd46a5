"""Turns a recipe into a scene and into a drawing."""

from __future__ import annotations

from evalkit.benchmarks.scenes.draw import Drawing, draw
from evalkit.benchmarks.scenes.layouts import LAYOUTS
from evalkit.benchmarks.scenes.page import Page
from evalkit.benchmarks.scenes.recipe import SceneRecipe
from evalkit.benchmarks.scenes.scene import Scene


def compose(recipe: SceneRecipe) -> Scene:
    """The scene of a recipe, without its faults."""
    page = Page(recipe)
    LAYOUTS[recipe.kind](page)
    return page.scene()


def render(recipe: SceneRecipe) -> Drawing:
    """The drawing of a recipe, without its faults."""
    return draw(compose(recipe))
