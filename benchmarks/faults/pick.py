"""Selects the text that a fault is put into, by its height."""

from __future__ import annotations

from evalkit.benchmarks.scenes.fonts import cap_height
from evalkit.benchmarks.scenes.scene import TextBlock

NEAR = 0.2
"""A text has about the wanted height if it differs from it by no more than this share."""


def glyph_px(block: TextBlock) -> float:
    """Height of the text's capitals in px."""
    return cap_height(block.face) * block.size


def is_of_height(block: TextBlock, wanted_px: float) -> bool:
    """Whether the text's capitals are about `wanted_px` tall; 0 allows any height."""
    return wanted_px <= 0 or abs(glyph_px(block) - wanted_px) <= NEAR * wanted_px
