"""Posters drawn with real defects, and where each word ended up."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evalkit.api.records import Box

WIDTH, HEIGHT = 512, 640


class Design(NamedTuple):
    title: str
    lines: tuple[str, ...]
    button: str
    ground: tuple[int, int, int]
    ink: tuple[int, int, int]
    accent: tuple[int, int, int]


DESIGNS = (
    Design(
        "HARBOUR JAZZ",
        ("Friday 14 August", "Doors open 19:30", "Warehouse No. 6"),
        "Book a seat",
        (18, 44, 66),
        (240, 236, 224),
        (232, 126, 62),
    ),
    Design(
        "FRESH BREAD",
        ("Sourdough from 6 am", "Rye and spelt loaves", "Closed on Mondays"),
        "See the oven",
        (246, 238, 222),
        (74, 48, 30),
        (190, 88, 40),
    ),
    Design(
        "NIGHT TRAINS",
        ("Vienna to Paris", "Sleeper departs 21:08", "Breakfast included"),
        "Reserve",
        (34, 30, 62),
        (232, 230, 248),
        (250, 200, 80),
    ),
    Design(
        "OPEN STUDIO",
        ("Ceramics and print", "Saturday and Sunday", "Residents welcome"),
        "Get directions",
        (228, 236, 230),
        (24, 58, 48),
        (42, 132, 104),
    ),
)
TYPOS = {
    "HARBOUR": "HARB0UR",
    "Warehouse": "Warehuose",
    "Sourdough": "Sourdoughh",
    "Sleeper": "Sleper",
    "Residents": "Residlents",
}


class Drawn(NamedTuple):
    """A poster, and what is on it: (word asked for, word drawn, its box)."""

    png: bytes
    words: list[tuple[str, str, Box]]
    button: Box


def draw_poster(design: Design, *, typos: dict[str, str], grain: Box | None = None, button_y: int = 548) -> Drawn:
    image = Image.new("RGB", (WIDTH, HEIGHT), design.ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((WIDTH - 190, 40, WIDTH + 70, 300), fill=design.accent)
    draw.rectangle((40, 300, 48, 500), fill=design.accent)
    words: list[tuple[str, str, Box]] = []

    def write(text: str, x: float, y: float, size: int) -> None:
        font = ImageFont.load_default(size)
        for asked in text.split():
            drawn = typos.get(asked, asked)
            draw.text((x, y), drawn, font=font, fill=design.ink)
            x0, y0, x1, y1 = draw.textbbox((x, y), drawn, font=font)
            words.append((asked, drawn, Box(x0, y0, x1, y1)))
            x = x1 + size * 0.3

    for row, word in enumerate(design.title.split()):
        write(word, 40, 130 + 66 * row, 62)
    for row, line in enumerate(design.lines):
        write(line, 68, 310 + 64 * row, 32)
    button = Box(40, button_y, 260, button_y + 54)
    draw.rounded_rectangle((button.x0, button.y0, button.x1, button.y1), 10, fill=design.accent)
    draw.text((62, button_y + 12), design.button, font=ImageFont.load_default(25), fill=design.ground)
    pixels = np.asarray(image).astype(np.int16)
    if grain:
        area = (slice(int(grain.y0), int(grain.y1)), slice(int(grain.x0), int(grain.x1)))
        noise = np.random.default_rng(7).normal(0, 16, (*pixels[area].shape[:2], 1))
        pixels[area] = pixels[area] + noise.astype(np.int16)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return Drawn(buffer.getvalue(), words, button)
