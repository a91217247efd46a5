"""The layouts, one file for each kind; `LAYOUTS` holds them by name."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.benchmarks.scenes.layouts import card, infographic, label, portrait, poster
from evalkit.benchmarks.scenes.page import Page

LAYOUTS: dict[str, Callable[[Page], None]] = {
    "poster": poster.compose,
    "card": card.compose,
    "label": label.compose,
    "infographic": infographic.compose,
    "portrait": portrait.compose,
}
