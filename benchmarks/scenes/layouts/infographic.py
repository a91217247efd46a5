"""Infographics: columns of figures, a bar chart, a ring chart."""

from __future__ import annotations

from evalkit.benchmarks.scenes.fonts import cap_height
from evalkit.benchmarks.scenes.icons import icon, spoken
from evalkit.benchmarks.scenes.page import Page, PlacedText
from evalkit.benchmarks.scenes.palette import Color
from evalkit.benchmarks.scenes.scene import Ellipse, Rect, Sector
from evalkit.benchmarks.scenes.words import Topic


def compose(page: Page) -> None:
    """One of three infographics; only the ring chart below 192 px."""
    topic = page.pick(page.words.topics)
    kind = page.pick((_columns, _bars, _ring))
    (kind if page.detail else _ring)(page, topic)


def _heading(page: Page, topic: Topic, what: str) -> PlacedText:
    u, palette = page.u, page.palette
    title = page.title([page.pick(topic.titles)], 11, width=84)
    page.say(
        f'A simple flat infographic on {page.background}. At the top, the title "{title.lines[0]}" in large '
        f"{palette.ink.name} letters, centered. {what}"
    )
    return page.text("title", title, 50 * u, 10 * u, palette.ink)


def _columns(page: Page, topic: Topic) -> None:
    u, palette = page.u, page.palette
    count = 3 if page.detail == 2 else 2
    chosen = page.some(topic.captions, count)
    placed = _heading(
        page, topic, f"Below, {count} columns side by side, each with an icon in a circle, a figure and a caption:"
    )
    width = 84 / count
    values = [f"{page.pick((24, 36, 48, 57, 62, 75, 81, 90))}%" for _ in chosen]
    size = min(page.set([value], page.pair.display, 13, width=width - 5).size for value in values) / u
    radius = (10.5 if page.detail == 2 else 12) * u
    block = 2 * radius + 12 * u + cap_height(page.pair.display) * size * u + cap_height(page.pair.body) * 5 * u
    top = (placed.bottom + 96 * u - block) / 2
    said, floor = [], 0.0
    for i, (caption, mark) in enumerate(chosen):
        x = (8 + width * (i + 0.5)) * u
        disc = Ellipse((x - radius, top, x + radius, top + 2 * radius), palette.accent.rgb)
        page.shape(f"badge-{i}", "shape", [disc], palette.accent)
        art = icon(mark, x, top + radius, radius * 0.55, palette.on_accent.rgb, palette.accent.rgb)
        page.shape(f"icon-{i}", "icon", art, palette.on_accent)
        value = page.set([values[i]], page.pair.display, size, width=width - 5)
        floor = max(floor, page.text(f"value-{i}", value, x, top + 2 * radius + 7 * u, palette.ink).bottom)
        page.relate("above", f"badge-{i}", f"value-{i}")
        page.relate("above", f"value-{i}", f"caption-{i}")
        page.relate("aligned-center", f"badge-{i}", f"value-{i}", f"caption-{i}")
        said.append(f'a {spoken(mark)} icon with "{values[i]}" and "{caption}"')
    for i, (caption, _) in enumerate(
        chosen
    ):  # texts are listed in reading order: first the row of figures, then the row of captions
        name = page.set([caption], page.pair.body, 5, width=width - 5)
        page.text(f"caption-{i}", name, (8 + width * (i + 0.5)) * u, floor + 5 * u, palette.ink)
    badges = tuple(f"badge-{i}" for i in range(count))
    page.relate("aligned-top", *badges)
    page.relate("above", "title", "badge-0")
    if count > 2:
        page.relate("evenly-spaced", *badges)
    page.say("; ".join(said) + f". The circles are {palette.accent.name}.")
    page.ask("columns", f"Are there exactly {count} icons in circles?")
    page.ask("circles", f"Are the circles {palette.accent.name}?", depends_on=("columns",))


def _bars(page: Page, topic: Topic) -> None:
    u, palette = page.u, page.palette
    count = 4 if page.detail == 2 else 3
    names = [caption for caption, _ in page.some(topic.captions, count)]
    values = page.some(range(20, 100, 5), count)
    placed = _heading(
        page, topic, f"Below, {count} horizontal bars under each other, each with its caption and its value:"
    )
    start = placed.bottom + 10 * u
    pitch = (94 * u - start) / count
    height = 0.3 * pitch
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        y = start + i * pitch
        color = palette.accent if value == max(values) else palette.support
        caption = page.set([name], page.pair.strong, 4.8, width=50)
        figure = page.set([f"{value}%"], page.pair.body, 4.8, width=30)
        below = page.text(f"caption-{i}", caption, 8 * u, y, palette.ink, "left")
        page.text(f"value-{i}", figure, 92 * u, y, palette.ink, "right")
        top = below.baseline + 0.16 * pitch
        bar = Rect((8 * u, top, (8 + 84 * value / 100) * u, top + height), color.rgb, height / 2)
        page.shape(f"bar-{i}", "shape", [bar], color)
        page.relate("left-of", f"caption-{i}", f"value-{i}")
        page.relate("above", f"caption-{i}", f"bar-{i}")
    page.relate("aligned-left", *(f"bar-{i}" for i in range(count)))
    page.relate("evenly-spaced", *(f"bar-{i}" for i in range(count)))
    page.relate("aligned-right", *(f"value-{i}" for i in range(count)))
    page.relate("above", "title", "caption-0")
    page.say(", ".join(f'"{name}" with "{value}%"' for name, value in zip(names, values, strict=True)) + ".")
    page.say(f"The longest bar is {palette.accent.name}, the others are {palette.support.name}.")
    page.ask("bars", f"Are there exactly {count} bars?")
    page.ask("longest", f"Is the longest bar {palette.accent.name}?", depends_on=("bars",))


def _ring(page: Page, topic: Topic) -> None:
    u, palette, middle = page.u, page.palette, 50 * page.u
    percent = 5 * (3 + int(page.rng.random() * 15))
    caption, _ = page.pick(topic.captions)
    title = page.title([caption], 13 if page.detail else 16, width=84)
    value = page.set([f"{percent}%"], page.pair.display, 17, width=28)
    note = page.set([page.pick(topic.titles)], page.pair.body, 5, width=80)
    page.say(
        f'A simple flat infographic on {page.background}. At the top, the title "{title.lines[0]}" in large '
        f"{palette.ink.name} letters, centered."
    )
    placed = page.text("title", title, middle, (9 if page.detail else 8) * u, palette.ink)
    low = 100 * u - (16 * u if page.detail == 2 else 7 * u)
    radius = min((low - placed.bottom - 9 * u) / 2, 32 * u)
    y = (placed.bottom + 9 * u + low) / 2
    bounds = (middle - radius, y - radius, middle + radius, y + radius)
    rest = Sector(bounds, 0, 360, 0.7, _rest(page).rgb)
    page.shape("ring", "shape", [rest], _rest(page))
    turn = 360 * percent / 100
    page.shape("arc", "shape", [Sector(bounds, -90, turn - 90, 0.7, palette.accent.rgb)], palette.accent)
    page.text("value", value, middle, y - value.height / 2, palette.ink)
    page.relate("above", "title", "ring")
    page.relate("inside", "arc", "ring")
    page.relate("inside", "value", "ring")
    page.relate("aligned-center", "title", "value")
    page.say(
        f"Below, a large ring chart of which {percent} percent are {palette.accent.name}, "
        f'with "{percent}%" in its centre.'
    )
    page.ask("ring", "Is there a ring chart?")
    page.ask("figure", "Does a figure stand in the centre of the ring?", depends_on=("ring",))
    if page.detail == 2:
        page.text("note", note, middle, 94 * u - note.height, palette.ink)
        page.relate("above", "ring", "note")
        page.relate("aligned-center", "value", "note")
        page.say(f'At the bottom, small, "{note.lines[0]}".')


def _rest(page: Page) -> Color:
    """The colour of the rest of the ring: the ground, moved one fifth of the way to the ink."""
    ground, ink = page.palette.ground.rgb, page.palette.ink.rgb
    r, g, b = (round(0.8 * x + 0.2 * y) for x, y in zip(ground, ink, strict=True))
    return Color("muted", (r, g, b))
