"""UI cards on a panel: a notice with a button, a price plan, a progress widget."""

from __future__ import annotations

from evalkit.benchmarks.scenes.icons import icon, spoken
from evalkit.benchmarks.scenes.page import Page, SizedText
from evalkit.benchmarks.scenes.palette import Color, contrast
from evalkit.benchmarks.scenes.scene import Bounds, Ellipse, Rect


def compose(page: Page) -> None:
    """One of three cards."""
    page.pick((_notice, _price, _progress))(page)


def _panel(page: Page, bounds: Bounds, subject: str) -> None:
    panel = Rect(bounds, page.palette.surface.rgb, 5 * page.u)
    page.shape("panel", "panel", [panel], page.palette.surface)
    page.say(
        f"A clean flat UI card for {subject}: a {page.palette.surface.name} panel with rounded corners, centered on "
        f"{page.background}."
    )
    page.ask("panel", "Is there one panel with rounded corners in the middle?")


def _button(page: Page, bounds: Bounds, label: SizedText) -> None:
    u = page.u
    accent, on_accent = page.panel_accent
    x0, y0, x1, y1 = bounds
    page.shape("button", "panel", [Rect(bounds, accent.rgb, 2.5 * u)], accent)
    page.text("label", label, (x0 + x1) / 2, (y0 + y1 - label.height) / 2, on_accent)
    page.relate("inside", "button", "panel")
    page.relate("inside", "label", "button")
    page.say(
        f'At the bottom of the panel, a {accent.name} button with the label "{label.lines[0]}" in {on_accent.name}.'
    )
    page.ask("button", f"Is there a {accent.name} button at the bottom of the panel?", depends_on=("panel",))


def _badge(page: Page, name: str, x: float, y: float, radius: float) -> None:
    accent, on_accent = page.panel_accent
    disc = Ellipse((x - radius, y - radius, x + radius, y + radius), accent.rgb)
    page.shape("badge", "shape", [disc], accent)
    mark = icon(name, x, y, radius * 0.55, on_accent.rgb, accent.rgb)
    page.shape("icon", "icon", mark, on_accent)
    page.relate("inside", "icon", "badge")


def _notice(page: Page) -> None:
    u, palette, notice = page.u, page.palette, page.pick(page.words.notices)
    accent, _ = page.panel_accent
    title = page.set([page.pick(notice.titles)], page.pair.strong, 8.5, width=66)
    body = page.set(page.pick(notice.bodies), page.pair.body, 5, width=66, leading=1.5)
    choice = page.pick(notice.buttons) if page.detail else min(notice.buttons, key=len)
    label = page.set([choice], page.pair.strong, 5 if page.detail else 10, width=56)
    left = 16 * u
    _panel(page, (8 * u, 12 * u, 92 * u, 88 * u), f"a {notice.subject}")
    if page.detail == 0:
        _badge(page, notice.icon, 50 * u, 35 * u, 15 * u)
        page.relate("aligned-center", "badge", "button")
    else:
        _badge(page, notice.icon, left + 7 * u, 25 * u, 7 * u)
    page.say(f"At the top of the panel, a {spoken(notice.icon)} icon in a {accent.name} circle.")
    page.ask("icon", f"Is there a {spoken(notice.icon)} icon on the panel?", depends_on=("panel",))
    if page.detail:
        placed = page.text("title", title, left, (38 if page.detail == 2 else 46) * u, palette.on_surface, "left")
        page.relate("above", "badge", "title")
        page.relate("inside", "title", "panel")
        page.say(f'Below it, the heading "{title.lines[0]}" in bold {palette.on_surface.name}, aligned to the left.')
        if page.detail == 2:
            page.text("body", body, left, placed.baseline + 6 * u, palette.on_surface, "left")
            page.relate("above", "title", "body")
            page.relate("aligned-left", "title", "body")
            page.say(f'Then two lines of small text: "{" ".join(body.lines)}"')
    _button(page, (16 * u, (71 if page.detail else 62) * u, 84 * u, 82 * u), label)
    if page.detail == 1:
        page.relate("above", "title", "button")


def _price(page: Page) -> None:
    u, palette, middle = page.u, page.palette, 50 * page.u
    accent, _ = page.panel_accent
    amount = f"${page.pick((5, 7, 9, 12, 15, 19, 24, 29, 36, 48))}"
    plan = page.set([page.pick(page.words.plans)], page.pair.strong, 6 if page.detail else 13, width=52)
    price = page.title([amount], 18 if page.detail else 28, width=52, height=22)
    label = page.set([page.pick(("Buy now", "Try it", "Get it"))], page.pair.strong, 5, width=46)
    chosen = page.some(page.words.features, 3)
    size = min(page.set([line], page.pair.body, 4.4, width=44).size for line in chosen) / u
    features = [page.set([line], page.pair.body, size, width=44) for line in chosen]
    edge = 7 if page.detail else 15
    _panel(page, (18 * u, edge * u, 82 * u, (100 - edge) * u), "a price plan")
    top = {0: 27, 1: 17, 2: 15}[page.detail] * u
    first = page.text("plan", plan, middle, top, _strong_color(page))
    second = page.text("price", price, middle, first.bottom + (7 if page.detail == 2 else 11) * u, palette.on_surface)
    page.relate("above", "plan", "price")
    page.relate("aligned-center", "plan", "price")
    page.relate("inside", "price", "panel")
    page.say(f'At the top of the panel, "{plan.lines[0]}", and below it the price "{amount}" in very large letters.')
    page.ask("price", "Is the price the largest text?", depends_on=("panel",))
    if page.detail == 2:
        start = second.bottom + 9 * u
        for row, feature in enumerate(features):
            y = start + row * 7 * u
            dot = icon("check", 29 * u, y + feature.height / 2, 1.9 * u, accent.rgb, palette.surface.rgb)
            page.shape(f"check-{row}", "icon", dot, accent)
            page.text(f"feature-{row}", feature, 34 * u, y, palette.on_surface, "left")
            page.relate("left-of", f"check-{row}", f"feature-{row}")
        page.relate("aligned-left", "feature-0", "feature-1", "feature-2")
        page.relate("evenly-spaced", "check-0", "check-1", "check-2")
        lines = ", ".join(f'"{feature.lines[0]}"' for feature in features)
        page.say(f"Three lines with check marks: {lines}.")
        page.ask("checks", "Are there exactly three check marks?", depends_on=("panel",))
    if page.detail:
        _button(page, (27 * u, 76 * u, 73 * u, 86 * u), label)


def _progress(page: Page) -> None:
    u, palette, left = page.u, page.palette, 16 * page.u
    accent, _ = page.panel_accent
    percent = 5 * (3 + int(page.rng.random() * 15))
    caption, mark = page.pick(page.pick(page.words.topics).captions)
    heading = page.set([caption], page.pair.strong, 7 if page.detail else 15, width=50 if page.detail else 66)
    value = page.title([f"{percent}%"], 20 if page.detail else 26, width=60, height=21)
    note = page.set(
        [page.pick(("of your daily goal", "done this week", "better than in May"))], page.pair.body, 5, width=66
    )
    _panel(page, (8 * u, 15 * u, 92 * u, 85 * u), "a progress widget")
    if page.detail:
        _badge(page, mark, left + 6 * u, 28 * u, 6 * u)
        page.text("heading", heading, left + 16 * u, 28 * u - heading.height / 2, palette.on_surface, "left")
        page.relate("left-of", "badge", "heading")
        page.say(f'At the top, a {spoken(mark)} icon in a {accent.name} circle, and beside it "{caption}".')
        page.ask("icon", f"Is there a {spoken(mark)} icon?", depends_on=("panel",))
    else:
        page.text("heading", heading, 50 * u, 24 * u, palette.on_surface)
        page.say(f'At the top, "{caption}".')
    top = (42 if page.detail else 44) * u
    placed = page.text(
        "value", value, left if page.detail else 50 * u, top, palette.on_surface, "left" if page.detail else "center"
    )
    page.relate("above", "heading", "value")
    page.say(f'Below, the figure "{percent}%" in very large {palette.on_surface.name} letters.')
    if page.detail == 2:
        page.text("note", note, left, placed.bottom + 5 * u, palette.on_surface, "left")
        page.relate("above", "value", "note")
        page.relate("aligned-left", "value", "note")
        page.say(f'Under it, "{note.lines[0]}".')
    height = (4 if page.detail else 7) * u
    track = Rect(
        (left, 76 * u - height / 2, 84 * u, 76 * u + height / 2), _tint(palette.surface, accent).rgb, height / 2
    )
    filled = Rect(
        (left, 76 * u - height / 2, left + 68 * u * percent / 100, 76 * u + height / 2), accent.rgb, height / 2
    )
    page.shape("track", "shape", [track], _tint(palette.surface, accent))
    page.shape("bar", "shape", [filled], accent)
    page.relate("inside", "bar", "track")
    page.relate("inside", "track", "panel")
    page.relate("aligned-left", "track", "bar")
    page.say(f"At the bottom of the panel, a {accent.name} progress bar filled to {percent} percent.")
    page.ask("bar", f"Is there a {accent.name} progress bar at the bottom of the panel?", depends_on=("panel",))


def _strong_color(page: Page) -> Color:
    """The accent where it can be read on the panel, else the panel's text colour."""
    accent, _ = page.panel_accent
    return accent if contrast(accent.rgb, page.palette.surface.rgb) >= 4.5 else page.palette.on_surface


def _tint(base: Color, over: Color) -> Color:
    r, g, b = (round(0.8 * x + 0.2 * y) for x, y in zip(base.rgb, over.rgb, strict=True))
    return Color(f"pale {over.name}", (r, g, b))
