"""Cartoon portraits from simple shapes, with the person's name under them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from evalkit.api.records import RGB
from evalkit.benchmarks.scenes.fonts import depth
from evalkit.benchmarks.scenes.icons import arc_points
from evalkit.benchmarks.scenes.page import Page
from evalkit.benchmarks.scenes.palette import Color, contrast
from evalkit.benchmarks.scenes.scene import Ellipse, Polygon, Primitive, Rect, Stroke

SKINS = (
    Color("light", (248, 208, 176)),
    Color("tan", (226, 172, 128)),
    Color("brown", (176, 116, 76)),
    Color("dark brown", (118, 74, 50)),
)
HAIRS = (
    Color("black", (38, 32, 36)),
    Color("dark brown", (84, 52, 36)),
    Color("ginger", (190, 92, 40)),
    Color("blond", (228, 180, 92)),
    Color("gray", (150, 150, 156)),
)
FEATURES: RGB = (44, 32, 32)


class Head(NamedTuple):
    """A head: its centre, half width and half height in px."""

    x: float
    y: float
    rx: float
    ry: float

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """Bounds in px from units of half the head."""
        return (self.x + x0 * self.rx, self.y + y0 * self.ry, self.x + x1 * self.rx, self.y + y1 * self.ry)

    def points(self, points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        """Points in px from units of half the head."""
        return tuple((self.x + x * self.rx, self.y + y * self.ry) for x, y in points)


def compose(page: Page) -> None:
    """A head and shoulders over a name, and over a job where there is room."""
    u, palette, middle = page.u, page.palette, 50 * page.u
    skin = page.pick(SKINS)
    hair = page.pick([hair for hair in HAIRS if contrast(hair.rgb, skin.rgb) >= 1.5])
    style = page.pick(tuple(STYLES))
    glasses = page.rng.random() < 0.4
    name_text = page.pick(page.words.names)
    name = page.title([name_text], 15 if page.detail else 19, width=84)
    job = page.set([page.pick(page.words.jobs)], page.pair.body, 5.4, width=70)
    room = (
        name.height
        + depth(name.lines[0], name.face) * name.size
        + ((5 * u + job.height) if page.detail == 2 else 0)
        + 16 * u
    )
    floor = 100 * u - room
    k = floor / 100
    head = Head(middle, 42 * k, 19 * k, 23 * k)

    back, front = STYLES[style](head, hair.rgb)
    if back:
        page.shape("hair-back", "portrait", back, hair)
    cloth = palette.accent
    page.shape("clothes", "portrait", _shoulders(middle, floor, k, cloth.rgb), cloth)
    page.shape("neck", "portrait", _neck(head, floor, k, skin.rgb), skin)
    page.shape("face", "portrait", _face(head, skin.rgb), skin)
    page.shape("hair", "portrait", front, hair)
    page.shape("eyes", "portrait", _eyes(head), Color("black", FEATURES))
    page.shape("mouth", "portrait", _mouth(head), Color("black", FEATURES))
    if glasses:
        page.shape("glasses", "portrait", _glasses(head), Color("black", FEATURES))
    page.shape("floor", "rule", [Rect((0, floor, page.size, floor + max(0.8 * u, 1)), palette.ink.rgb)], palette.ink)
    placed = page.text("name", name, middle, floor + 8 * u, palette.ink)
    page.relate("above", "eyes", "mouth")
    page.relate("inside", "eyes", "face")
    page.relate("inside", "mouth", "face")
    page.relate("above", "face", "name")
    page.relate("aligned-center", "face", "name")
    worn = f", round glasses and a {cloth.name} sweater" if glasses else f" and a {cloth.name} sweater"
    page.say(
        f"A flat cartoon portrait of a smiling person with {skin.name} skin, {style} {hair.name} hair{worn}, head and "
        f"shoulders, centered on {page.background}. The portrait stands on a thin {palette.ink.name} line."
    )
    page.say(f'Below the line, the name "{name.lines[0]}" in large {palette.ink.name} letters, centered.')
    page.ask("person", "Is there exactly one person, shown from the shoulders up?")
    page.ask("hair", f"Is the person's hair {hair.name}?", depends_on=("person",))
    page.ask("glasses", "Does the person wear glasses?", expected=glasses, depends_on=("person",))
    if page.detail == 2:
        page.text("job", job, middle, placed.bottom + 5 * u, palette.ink)
        page.relate("above", "name", "job")
        page.relate("aligned-center", "name", "job")
        page.say(f'Under the name, small, "{job.lines[0]}".')


def _shoulders(x: float, floor: float, k: float, color: RGB) -> list[Primitive]:
    arc = arc_points(x, floor, 36 * k, 30 * k, 180, 360, 48)
    return [Polygon(tuple(arc), color)]


def _neck(head: Head, floor: float, k: float, skin: RGB) -> list[Primitive]:
    shade = (round(skin[0] * 0.9), round(skin[1] * 0.86), round(skin[2] * 0.84))
    top, low = head.y + 0.6 * head.ry, floor - 24 * k
    return [
        Rect((head.x - 7.5 * k, top, head.x + 7.5 * k, low), shade),
        Ellipse((head.x - 10 * k, low - 8 * k, head.x + 10 * k, low + 6 * k), shade),
    ]


def _face(head: Head, skin: RGB) -> list[Primitive]:
    ears: list[Primitive] = [Ellipse(head.box(s - 0.16, -0.12, s + 0.16, 0.26), skin) for s in (-1.0, 1.0)]
    return [*ears, Ellipse(head.box(-1, -1, 1, 1), skin)]


def _eyes(head: Head) -> list[Primitive]:
    return [Ellipse(head.box(s - 0.1, -0.12, s + 0.1, 0.06), FEATURES) for s in (-0.38, 0.38)]


def _mouth(head: Head) -> list[Primitive]:
    smile = arc_points(0, 0.34, 0.34, 0.2, 20, 160)
    return [Stroke(head.points(smile), 0.075 * head.rx, FEATURES)]


def _glasses(head: Head) -> list[Primitive]:
    parts: list[Primitive] = []
    for s in (-0.38, 0.38):
        ring = [(s + 0.27 * x, -0.03 + 0.24 * y) for x, y in arc_points(0, 0, 1, 1, 0, 360, 48)]
        parts.append(Stroke(head.points(ring), 0.06 * head.rx, FEATURES))
    parts.append(Stroke(head.points([(-0.11, -0.05), (0.11, -0.05)]), 0.06 * head.rx, FEATURES))
    return parts


def _short(head: Head, color: RGB) -> tuple[list[Primitive], list[Primitive]]:
    outside = arc_points(0, -0.12, 1.06, 0.98, 172, 368, 40)
    inside = [
        (0.92, -0.2),
        (0.7, -0.46),
        *arc_points(0.2, -0.72, 0.72, 0.26, 40, 170, 20),
        (-0.78, -0.42),
        (-0.92, -0.2),
    ]
    return [], [Polygon(head.points([*outside, *inside]), color)]


def _long(head: Head, color: RGB) -> tuple[list[Primitive], list[Primitive]]:
    bounds = head.box(-1.22, -1.12, 1.22, 1.55)
    back: list[Primitive] = [Rect(bounds, color, 1.15 * head.rx)]
    outside = arc_points(0, -0.1, 1.06, 1.02, 180, 360, 40)
    inside = arc_points(0, -0.1, 0.92, 0.5, 360, 180, 30)
    return back, [Polygon(head.points([*outside, *inside]), color)]


def _bun(head: Head, color: RGB) -> tuple[list[Primitive], list[Primitive]]:
    back: list[Primitive] = [Ellipse(head.box(-0.42, -1.6, 0.42, -0.9), color)]
    outside = arc_points(0, -0.1, 1.05, 0.98, 184, 356, 40)
    inside = arc_points(0, -0.2, 0.96, 0.42, 356, 184, 30)
    return back, [Polygon(head.points([*outside, *inside]), color)]


def _curly(head: Head, color: RGB) -> tuple[list[Primitive], list[Primitive]]:
    curls = arc_points(0, -0.28, 0.92, 0.72, 172, 368, 9)
    return [], [Ellipse(head.box(x - 0.34, y - 0.28, x + 0.34, y + 0.28), color) for x, y in curls]


STYLES: dict[str, Callable[[Head, RGB], tuple[list[Primitive], list[Primitive]]]] = {
    "short": _short,
    "long": _long,
    "tied-up": _bun,
    "curly": _curly,
}
