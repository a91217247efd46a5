"""Palettes: named colours that go together and have enough contrast for reading."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.api.records import RGB


@dataclass(frozen=True, slots=True)
class Color:
    """A colour and its name in plain words."""

    name: str
    rgb: RGB


@dataclass(frozen=True, slots=True)
class Palette:
    """One colour scheme. `ground_end` ends the ground's gradient, `ink` is for text on it, `on_x` for text on `x`."""

    ground: Color
    ground_end: Color
    ink: Color
    accent: Color
    on_accent: Color
    support: Color
    surface: Color
    on_surface: Color


def _palette(*colors: tuple[str, RGB]) -> Palette:
    return Palette(*(Color(name, rgb) for name, rgb in colors))


_NAVY = ("navy blue", (24, 37, 66))
_WHITE = ("white", (253, 253, 252))
_CREAM = ("cream", (255, 244, 226))
_IVORY = ("ivory", (251, 246, 233))

PALETTES: tuple[Palette, ...] = (
    _palette(
        ("cream", (250, 242, 222)), ("peach", (252, 220, 192)), _NAVY, ("coral red", (205, 66, 46)), _WHITE,
        ("mustard yellow", (233, 177, 52)), ("ivory", (255, 253, 247)), _NAVY,
    ),
    _palette(
        ("midnight blue", (18, 24, 52)), ("indigo", (54, 44, 108)), _IVORY, ("golden yellow", (250, 190, 60)),
        ("midnight blue", (18, 24, 52)), ("coral", (240, 110, 90)), ("slate blue", (40, 48, 88)), _IVORY,
    ),
    _palette(
        ("mint green", (212, 239, 225)), ("pale aqua", (196, 230, 240)), ("forest green", (20, 62, 50)),
        ("emerald green", (16, 116, 86)), _WHITE, ("orange", (245, 148, 68)), _WHITE, ("forest green", (20, 62, 50)),
    ),
    _palette(
        ("terracotta", (168, 70, 46)), ("dark brick red", (132, 46, 42)), _CREAM, ("sand", (244, 205, 150)),
        ("dark brown", (66, 28, 20)), ("dark brown", (84, 36, 26)), _CREAM, ("dark brown", (66, 28, 20)),
    ),
    _palette(
        ("lavender", (226, 220, 247)), ("pale pink", (250, 219, 235)), ("deep purple", (58, 28, 94)),
        ("violet", (108, 62, 186)), _WHITE, ("hot pink", (230, 80, 140)), _WHITE, ("deep purple", (58, 28, 94)),
    ),
    _palette(
        ("sky blue", (188, 222, 247)), ("pale lilac", (222, 216, 250)), ("navy blue", (18, 40, 84)),
        ("royal blue", (34, 84, 196)), _WHITE, ("sunny yellow", (252, 200, 60)), _WHITE, ("navy blue", (18, 40, 84)),
    ),
    _palette(
        ("charcoal", (33, 35, 40)), ("graphite gray", (62, 66, 75)), ("off-white", (242, 242, 237)),
        ("lime green", (188, 224, 70)), ("charcoal", (33, 35, 40)), ("steel gray", (128, 138, 150)),
        ("dark gray", (50, 53, 61)), ("off-white", (242, 242, 237)),
    ),
    _palette(
        ("blush pink", (250, 223, 218)), ("cream", (252, 239, 216)), ("burgundy", (98, 22, 44)),
        ("crimson", (182, 30, 64)), _WHITE, ("peach", (244, 160, 124)), _WHITE, ("burgundy", (98, 22, 44)),
    ),
    _palette(
        ("deep teal", (10, 72, 80)), ("dark ocean blue", (9, 46, 80)), ("pale mint", (234, 248, 240)),
        ("bright orange", (255, 158, 72)), ("dark green", (12, 40, 44)), ("aqua", (104, 198, 194)),
        ("pale mint", (234, 248, 240)), ("dark green", (12, 50, 56)),
    ),
    _palette(
        ("sunny yellow", (252, 208, 72)), ("apricot", (252, 184, 96)), ("black", (34, 29, 25)),
        ("vermilion", (200, 54, 32)), ("warm white", (255, 250, 240)), ("white", (255, 249, 232)),
        ("warm white", (255, 249, 232)), ("black", (34, 29, 25)),
    ),
    _palette(
        ("sage green", (194, 209, 184)), ("pale sand", (231, 223, 201)), ("dark olive", (40, 50, 30)),
        ("rust", (158, 66, 36)), _CREAM, ("olive green", (108, 124, 74)), _CREAM, ("dark olive", (40, 50, 30)),
    ),
    _palette(
        ("crimson", (170, 26, 46)), ("plum", (108, 22, 72)), _CREAM, ("gold", (246, 198, 98)),
        ("dark maroon", (70, 8, 24)), ("pink", (246, 164, 164)), _CREAM, ("dark maroon", (70, 8, 24)),
    ),
    _palette(
        ("off-white", (245, 245, 243)), ("light gray", (222, 227, 234)), ("near black", (26, 26, 29)),
        ("cobalt blue", (30, 78, 214)), _WHITE, ("light blue", (150, 186, 240)), ("white", (255, 255, 255)),
        ("near black", (26, 26, 29)),
    ),
    _palette(
        ("forest green", (22, 62, 46)), ("moss green", (46, 84, 46)), _CREAM, ("gold", (236, 188, 92)),
        ("dark green", (16, 46, 34)), ("sage green", (150, 186, 150)), _CREAM, ("dark green", (16, 46, 34)),
    ),
)  # fmt: skip


def contrast(one: RGB, other: RGB) -> float:
    """WCAG 2.2 contrast ratio of two sRGB colours, from 1 (equal) to 21 (black on white)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: RGB) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
