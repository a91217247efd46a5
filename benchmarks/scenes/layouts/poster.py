"""Posters: an icon, a large title, a subtitle, a date and a place."""

from __future__ import annotations

from evalkit.benchmarks.scenes.fonts import depth
from evalkit.benchmarks.scenes.icons import icon, spoken
from evalkit.benchmarks.scenes.page import Page
from evalkit.benchmarks.scenes.scene import Ellipse, Rect
from evalkit.benchmarks.scenes.words import Event


def compose(page: Page) -> None:
    """One of three posters."""
    event = page.pick(page.words.events)
    title = [page.pick(event.firsts), page.pick(event.seconds)]
    if page.detail == 0:
        title = title[1:]
    subject = f"A flat design poster for a {event.subject} on {page.background}."
    page.say(subject)
    page.pick((_centred, _left, _banner))(page, event, title)


def _quoted(page: Page, lines: list[str]) -> str:
    return f'"{page.display(" ".join(lines))}"'


def _date(page: Page) -> str:
    return f"{1 + int(page.rng.random() * 28)} {page.pick(page.words.months)}"


def _centred(page: Page, event: Event, title: list[str]) -> None:
    u, palette = page.u, page.palette
    radius = (18 if page.detail == 0 else 14) * u
    head = page.title(title, 24 if page.detail == 0 else 18, height={0: 40, 1: 36, 2: 30}[page.detail])
    subtitle = page.set([page.pick(event.subtitles)], page.pair.body, 5.2, width=80)
    footer = page.set([f"{_date(page)}, {page.pick(page.words.places)}"], page.pair.strong, 4.2, width=80)
    gap = 7 * u
    height = 2 * radius + gap + head.height + ((gap + subtitle.height) if page.detail else 0)
    top = ((88 if page.detail == 2 else 100) * u - height) / 2
    middle = 50 * u

    disc = Ellipse((middle - radius, top, middle + radius, top + 2 * radius), palette.accent.rgb)
    page.shape("badge", "shape", [disc], palette.accent)
    mark = icon(event.icon, middle, top + radius, radius * 0.56, palette.on_accent.rgb, palette.accent.rgb)
    page.shape("icon", "icon", mark, palette.on_accent)
    placed = page.text("title", head, middle, top + 2 * radius + gap, palette.ink)
    page.relate("inside", "icon", "badge")
    page.relate("above", "badge", "title")
    page.relate("aligned-center", "badge", "title")
    page.say(
        f"At the top, a {palette.on_accent.name} {spoken(event.icon)} icon in a {palette.accent.name} circle. Below "
        f"it, the title {_quoted(page, title)} in large {palette.ink.name} letters, centered."
    )
    page.ask("icon", f"Is there a {spoken(event.icon)} icon above the title?")
    page.ask("badge", f"Does the icon stand in a {palette.accent.name} circle?", depends_on=("icon",))
    if page.detail:
        page.text("subtitle", subtitle, middle, placed.bottom + gap, palette.ink)
        page.relate("above", "title", "subtitle")
        page.relate("aligned-center", "title", "subtitle")
        page.say(f'Under the title, smaller, "{subtitle.lines[0]}".')
    if page.detail == 2:
        page.text("footer", footer, middle, 94 * u - footer.height, palette.ink)
        page.relate("aligned-center", "title", "footer")
        page.say(f'At the bottom, "{footer.lines[0]}".')


def _left(page: Page, event: Event, title: list[str]) -> None:
    u, palette, left = page.u, page.palette, 8 * page.u
    head = page.title(title, 26 if page.detail else 30, width=84, height={0: 50, 1: 42, 2: 31}[page.detail])
    subtitle = page.set([page.pick(event.subtitles)], page.pair.body, 5.2, width=80)
    place = page.set([page.pick(page.words.places)], page.pair.body, 4.4, width=52)
    date = page.set([_date(page)], page.pair.strong, 5.2, width=40)

    radius = 12 * u
    sun = Ellipse((92 * u - 2 * radius, 8 * u, 92 * u, 8 * u + 2 * radius), palette.support.rgb)
    page.shape("circle", "shape", [sun], palette.support)
    mark = icon(event.icon, left + 8 * u, 20 * u, 8 * u, palette.accent.rgb, palette.ground.rgb)
    page.shape("icon", "icon", mark, palette.accent)
    bottom = 90 * u if page.detail < 2 else 78 * u
    tail = (subtitle.height + 8 * u) if page.detail else depth(head.lines[-1], head.face) * head.size
    page.text("title", head, left, bottom - tail - head.height, palette.ink, "left")
    page.relate("above", "circle", "title")
    page.relate("above", "icon", "title")
    page.relate("left-of", "icon", "circle")
    page.say(
        f"A {palette.support.name} circle in the top right corner and a {palette.accent.name} {spoken(event.icon)} "
        f"icon at the top left. Below, the title {_quoted(page, title)} in very large {palette.ink.name} letters, "
        "aligned to the left."
    )
    page.ask("circle", f"Is there a {palette.support.name} circle in the top right corner?")
    page.ask("icon", f"Is there a {spoken(event.icon)} icon at the top left?")
    if page.detail:
        page.text("subtitle", subtitle, left, bottom - subtitle.height, palette.ink, "left")
        page.relate("above", "title", "subtitle")
        page.relate("aligned-left", "title", "subtitle")
        page.say(f'Under the title, smaller, "{subtitle.lines[0]}".')
    if page.detail == 2:
        line = Rect((left, 84 * u, 92 * u, 84.6 * u), palette.ink.rgb)
        page.shape("line", "rule", [line], palette.ink)
        page.text("date", date, left, 93 * u - date.height, palette.ink, "left")
        page.text("place", place, 92 * u, 93 * u - place.height, palette.ink, "right")
        page.relate("above", "line", "date")
        page.relate("left-of", "date", "place")
        page.relate("aligned-left", "title", "line", "date")
        page.say(f'Below a thin line, "{date.lines[0]}" on the left and "{place.lines[0]}" on the right.')


def _banner(page: Page, event: Event, title: list[str]) -> None:
    u, palette, middle = page.u, page.palette, 50 * page.u
    head = page.title(title, 26 if page.detail == 0 else 20, width=80, height=34)
    subtitle = page.set([page.pick(event.subtitles)], page.pair.body, 5.2, width=80)
    date = page.set([_date(page)], page.pair.strong, 5.6, width=60)
    margin = 9 * u
    top = 50 * u - head.height / 2 - margin
    bottom = 50 * u + head.height / 2 + margin
    size = min(11 * u, (top - (10 * u)) / 2.2)
    mark = icon(event.icon, middle, top / 2, size, palette.accent.rgb, palette.ground.rgb)
    page.shape("icon", "icon", mark, palette.accent)
    page.shape("band", "panel", [Rect((0, top, page.size, bottom), palette.accent.rgb)], palette.accent)
    page.text("title", head, middle, top + margin, palette.on_accent)
    page.relate("above", "icon", "band")
    page.relate("inside", "title", "band")
    page.say(
        f"A wide {palette.accent.name} band across the middle holds the title {_quoted(page, title)} in large "
        f"{palette.on_accent.name} letters, centered. Above the band, a {palette.accent.name} "
        f"{spoken(event.icon)} icon."
    )
    page.ask("band", f"Does a {palette.accent.name} band run across the middle?")
    page.ask("title-in-band", "Does the title stand inside the band?", depends_on=("band",))
    if page.detail:
        space = 100 * u - bottom
        block = subtitle.height + ((5.5 * u + date.height) if page.detail == 2 else 0)
        start = bottom + (space - block) / 2
        placed = page.text("subtitle", subtitle, middle, start, palette.ink)
        page.relate("above", "band", "subtitle")
        page.relate("aligned-center", "title", "subtitle")
        page.say(f'Under the band, "{subtitle.lines[0]}".')
        if page.detail == 2:
            page.text("date", date, middle, placed.bottom + 5.5 * u, palette.ink)
            page.relate("above", "subtitle", "date")
            page.relate("aligned-center", "subtitle", "date")
            page.say(f'Below that, in bold, "{date.lines[0]}".')
