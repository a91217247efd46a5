"""Chooses the member of the Qwen-Image family that a loaded pipeline is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalkit.api.errors import ConfigError
from evalkit.student.recipe.family import Family
from evalkit.student.recipe.qwen_image import QwenImage
from evalkit.student.recipe.qwen_image_21 import QwenImage21

FAMILIES: Mapping[str, Callable[[Any], Family]] = {
    "QwenImage21Pipeline": QwenImage21,
    "QwenImagePipeline": QwenImage,
    "QwenImageEditPlusPipeline": QwenImage,
}


def family_of(pipe: Any) -> Family:
    """The family member that a loaded pipeline is.

    Raises:
        ConfigError: a pipeline that no recipe can train.
    """
    name = type(pipe).__name__
    if name not in FAMILIES:
        raise ConfigError(f"no recipe can train a {name}", hint=f"pipelines that can be trained: {', '.join(FAMILIES)}")
    return FAMILIES[name](pipe)
