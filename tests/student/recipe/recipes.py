"""Recipe files for the tests: small, quick, and complete."""

from pathlib import Path

import yaml

from evalkit.student.recipe.config import Recipe

MIXTURE = {
    "t2i": {"edit_share": 0.0, "t2i": {"dark": 1, "light": 1}},
    "edit": {"edit_share": 1.0, "t2i": {"dark": 1}, "edit": {"dark": 1, "light": 1}},
    "both": {"edit_share": 0.5, "t2i": {"dark": 1, "light": 1}, "edit": {"dark": 1, "light": 1}},
}
COMMON = {
    "data": "flat",
    "batch_size": 2,
    "autocast": False,
    "warmup": 1,
    "decay": 2,
    "lr": 1e-3,
    "samples_every": 1000,
}


def distillation(base, mixture="both", **rest) -> dict:
    grid = {"nfe": 4, "shift": 3.0}
    given = {
        "kind": "distill",
        "base": str(base),
        "mixture": MIXTURE[mixture],
        "steps": 4,
        "grid": grid,
        "guidance": 2.0,
    }
    return {**COMMON, **given, **rest}


def teaching(base, mixture="both", **rest) -> dict:
    given = {"kind": "teach", "base": str(base), "mixture": MIXTURE[mixture], "steps": 4, "train_text_encoder": True}
    return {**COMMON, **given, **rest}


def checked(recipe: dict) -> Recipe:
    """The recipe that a file with these keys would give."""
    return Recipe.model_validate(recipe)


def write(folder: Path, recipe: dict, name: str = "recipe") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path
