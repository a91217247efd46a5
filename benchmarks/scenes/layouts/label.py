"""Product labels: a tall label with a band, a round badge, a hang tag."""

from __future__ import annotations

from evalkit.benchmarks.scenes.icons import icon, spoken
from evalkit.benchmarks.scenes.page import Page
from evalkit.benchmarks.scenes.scene import Ellipse, Polygon, Rect
from evalkit.benchmarks.scenes.words import Product


def compose(page: Page) -> None:
    """One of three labels."""
    product = page.pick(page.words.products)
    page.pick((_tall, _round, _tag))(page, product)


def _tall(page: Page, product: Product) -> None:
    u, palette, middle = page.u, page.palette, 50 * page.u
    accent, on_accent = page.panel_accent
    brand = page.title([page.pick(page.words.brands)], 17 if page.detail else 22, width=52)
    name = page.set([_name(page, product)], page.pair.strong, 7 if page.detail else 13, width=56)
    flavour = page.set([page.pick(product.flavours)], page.pair.body, 4.4, width=52)
    amount = page.set([page.pick(product.amounts)], page.pair.strong, 5 if page.detail else 11, width=40)

    outer, inner = (18 * u, 6 * u, 82 * u, 94 * u), (20.5 * u, 8.5 * u, 79.5 * u, 91.5 * u)
    line, inset = 0.7 * u, (20.5 * u + 0.7 * u, 8.5 * u + 0.7 * u, 79.5 * u - 0.7 * u, 91.5 * u - 0.7 * u)
    page.shape("label", "panel", [Rect(outer, palette.surface.rgb, 4 * u)], palette.surface)
    frame = [Rect(inner, accent.rgb, 2.6 * u), Rect(inset, palette.surface.rgb, 2.6 * u - line)]
    page.shape("frame", "rule", frame, accent)
    page.say(
        f"A flat product label for a {product.subject}: a tall {palette.surface.name} label with rounded corners and a "
        f"thin {accent.name} frame, centered on {page.background}."
    )
    mark = icon(product.icon, middle, 24 * u, 8 * u, accent.rgb, palette.surface.rgb)
    page.shape("icon", "icon", mark, accent)
    page.text("brand", brand, middle, 43 * u - brand.height / 2, palette.on_surface)
    page.relate("inside", "brand", "label")
    page.relate("above", "icon", "brand")
    page.relate("aligned-center", "icon", "brand", tolerance_px=max(2.0, 0.02 * page.size))
    page.say(
        f"At the top of the label, a {accent.name} {spoken(product.icon)} icon, below it the brand "
        f'"{brand.lines[0]}" in large letters.'
    )
    band = (18 * u, 55 * u, 82 * u, 71 * u)
    page.shape("band", "panel", [Rect(band, accent.rgb)], accent)
    page.text("name", name, middle, 63 * u - name.height / 2, on_accent)
    page.relate("above", "brand", "band")
    page.relate("inside", "name", "band")
    page.say(f'A {accent.name} band holds the product name "{name.lines[0]}" in {on_accent.name}.')
    page.ask("icon", f"Is there a {spoken(product.icon)} icon at the top of the label?")
    page.ask("band", f"Does the product name stand on a {accent.name} band?")
    if page.detail == 2:
        placed = page.text("flavour", flavour, middle, 76 * u, palette.on_surface)
        page.relate("above", "band", "flavour")
        page.relate("aligned-center", "name", "flavour")
        page.say(f'Under the band, small, "{flavour.lines[0]}".')
        page.text("amount", amount, middle, placed.bottom + 4.2 * u, palette.on_surface)
        page.relate("above", "flavour", "amount")
        page.say(f'At the bottom of the label, "{amount.lines[0]}".')
    else:
        page.text("amount", amount, middle, 81 * u - amount.height / 2, palette.on_surface)
        page.relate("above", "band", "amount")
        page.say(f'At the bottom of the label, "{amount.lines[0]}".')


def _round(page: Page, product: Product) -> None:
    u, palette, middle = page.u, page.palette, 50 * page.u
    accent, _ = page.panel_accent
    brand = page.title([page.pick(page.words.brands)], 18 if page.detail else 22, width=56)
    name = page.set([page.pick(product.names)], page.pair.strong, 6.4, width=48)
    amount = page.set([page.pick(product.amounts)], page.pair.body, 5 if page.detail else 11, width=42)

    def disc(radius: float) -> tuple[float, float, float, float]:
        return (middle - radius * u, middle - radius * u, middle + radius * u, middle + radius * u)

    ring = palette.support if accent is palette.ground else accent  # the ring must also stand out from the ground
    parts = [Ellipse(disc(43), ring.rgb), Ellipse(disc(39), palette.surface.rgb)]
    page.shape("badge", "panel", parts, palette.surface)
    page.say(
        f"A flat round product label for a {product.subject}: a {palette.surface.name} disc with a "
        f"{ring.name} ring around it, centered on {page.background}."
    )
    mark = icon(product.icon, middle, 28 * u, 8.5 * u, accent.rgb, palette.surface.rgb)
    page.shape("icon", "icon", mark, accent)
    placed = page.text("brand", brand, middle, 50 * u - brand.height / 2, palette.on_surface)
    page.relate("inside", "brand", "badge")
    page.relate("above", "icon", "brand")
    page.say(
        f"Inside, from top to bottom: a {accent.name} {spoken(product.icon)} icon, the brand "
        f'"{brand.lines[0]}" in large {palette.on_surface.name} letters,'
    )
    page.ask("ring", f"Is there a {ring.name} ring around the label?")
    page.ask("icon", f"Is there a {spoken(product.icon)} icon above the brand?")
    if page.detail:
        line = Rect((middle - 8 * u, placed.bottom + 6.2 * u, middle + 8 * u, placed.bottom + 7 * u), accent.rgb)
        page.shape("line", "rule", [line], accent)
        placed = page.text("name", name, middle, placed.bottom + 12 * u, palette.on_surface)
        page.relate("above", "brand", "line")
        page.relate("above", "line", "name")
        page.relate("aligned-center", "brand", "name")
        page.say(f'a short line, "{name.lines[0]}"')
    if page.detail != 1:
        top = placed.bottom + (5.4 if page.detail else 8) * u
        page.text("amount", amount, middle, top, palette.on_surface)
        page.relate("above", "name" if page.detail else "brand", "amount")
        page.relate("aligned-center", "brand", "amount")
        page.say(f'and "{amount.lines[0]}".')
    else:
        page.say("and nothing else.")


def _tag(page: Page, product: Product) -> None:
    u, palette, middle = page.u, page.palette, 50 * page.u
    amount = f"${page.pick((4, 6, 8, 9, 12, 14, 18, 22))}"
    price = page.title([amount], 20 if page.detail else 24, width=46, height=19)
    name = page.set([_name(page, product)], page.pair.strong, 6.6 if page.detail else 13, width=48)
    brand = page.set([page.pick(page.words.brands)], page.pair.body, 5, width=40)
    outline = ((38, 6), (62, 6), (78, 24), (78, 94), (22, 94), (22, 24))
    tag = Polygon(tuple((x * u, y * u) for x, y in outline), palette.accent.rgb)
    hole = Ellipse((middle - 3.4 * u, 13 * u, middle + 3.4 * u, 19.8 * u), palette.ground.rgb)
    page.shape("tag", "panel", [tag], palette.accent)
    page.shape("hole", "shape", [hole], palette.ground)
    page.say(
        f"A flat hang tag for a {product.subject}: a tall {palette.accent.name} tag with cut upper corners and a round "
        f"{palette.ground.name} hole at the top, centered on {page.background}."
    )
    mark = icon(product.icon, middle, 35 * u, 8 * u, palette.on_accent.rgb, palette.accent.rgb)
    page.shape("icon", "icon", mark, palette.on_accent)
    placed = page.text("name", name, middle, 52 * u, palette.on_accent)
    page.relate("above", "hole", "icon")
    page.relate("above", "icon", "name")
    page.relate("inside", "name", "tag")
    page.say(
        f'On the tag, in {palette.on_accent.name}: a {spoken(product.icon)} icon, "{name.lines[0]}", and the price '
        f'"{price.lines[0]}" in very large letters.'
    )
    placed = page.text("price", price, middle, placed.bottom + (7.5 if page.detail == 2 else 10) * u, palette.on_accent)
    page.relate("above", "name", "price")
    page.relate("aligned-center", "name", "price")
    page.ask("hole", "Does the tag have a round hole at the top?")
    page.ask("icon", f"Is there a {spoken(product.icon)} icon on the tag?")
    if page.detail == 2:
        page.text("brand", brand, middle, 89 * u - brand.height, palette.on_accent)
        page.relate("above", "price", "brand")
        page.relate("aligned-center", "price", "brand")
        page.say(f'At the bottom of the tag, small, the brand "{brand.lines[0]}".')


def _name(page: Page, product: Product) -> str:
    """The product's name, or only its last word if there is no room for more."""
    name = page.pick(product.names)
    return name if page.detail else name.split()[-1]
