"""Draws pictures that Pillow can't draw in one call."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Picture, Pixels


def on_circle(text: str, *, side: int = 512, radius: float = 190.0, size: int = 34) -> Pixels:
    """`text` clockwise along the upper part of a circle, feet inwards."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=size)
    image = Image.new("RGB", (side, side), (240, 240, 235))
    widths = [font.getlength(character) for character in text]
    angle = -sum(widths) / radius / 2
    for character, width in zip(text, widths, strict=True):
        middle = angle + width / radius / 2
        layer = Image.new("L", (side, side))
        ImageDraw.Draw(layer).text((side / 2, side / 2 - radius), character, font=font, fill=255, anchor="ms")
        turned = layer.rotate(-np.degrees(middle), resample=Image.Resampling.BICUBIC)
        image.paste((25, 35, 80), mask=turned)
        angle += width / radius
    return np.asarray(image)


def capitals(lines: list[str], *, side: int = 128) -> Picture:
    """Bold monospaced capitals, 16 px apart and 20 px high, as the mini models draw them."""
    import fontpkg
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(fontpkg.path("jetbrains-mono", 700, nearest=True)), 27)
    font.set_variation_by_axes([700])
    image = Image.new("RGB", (side, side), (236, 222, 180))
    for row, line in enumerate(lines):
        at = ((side - 16 * len(line)) / 2, 20 + 45 * row)
        ImageDraw.Draw(image).text(at, line, font=font, fill=(40, 30, 70))
    return Picture.from_pixels(np.asarray(image))
