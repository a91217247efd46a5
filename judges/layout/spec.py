"""The layout that a case declares, in pixels of the judged picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.api.records import RGB, Box, Case, Element, Relation

SHAPES = ("circle", "square", "triangle")
"""Outlines that an element can state, as its kind or as the first word of its id (`circle-0`)."""
REGION = "region"
"""Kind of an element that is part of something larger: its colour fills its box, and its edges are elsewhere."""
_SAME = 0.9
"""IoU from which a text and an element declared at the same place are one thing."""
_HELD = 0.95
"""Share of a box that must lie in another one for it to stand in it."""


@dataclass(frozen=True, slots=True)
class LayoutItem:
    """One declared thing: a text or another element.

    `target` is its name in findings (`text:0`, `element:badge`). `box` is its declared place, in picture px. `outline`
    is one of `SHAPES` if the case states it. `on` is the id of the smallest thing drawn before it that contains it.
    """

    id: str
    kind: str
    box: Box
    color: RGB | None
    target: str
    text: str = ""
    outline: str = ""
    on: str = ""

    @property
    def is_text(self) -> bool:
        return self.kind == "text"


@dataclass(frozen=True, slots=True)
class Spec:
    """All that a case declares, scaled to a picture of `width` x `height` px.

    `items` are in drawing order. `ground` holds the colours of the background (with intermediate ones for a gradient);
    it is empty if it is not declared. `scale` is picture px per canvas px. `complete` says that everything has a place.
    It is false if a text has no box, if parts of something are declared (kind `region`, unless in the ground's own
    colour), or if `Case.extra["unplaced"]` names something.
    """

    width: int
    height: int
    items: tuple[LayoutItem, ...]
    relations: tuple[Relation, ...]
    ground: tuple[RGB, ...]
    scale: float
    complete: bool = True

    @property
    def side(self) -> int:
        """The shorter side of the picture, px."""
        return min(self.width, self.height)

    def item(self, id: str) -> LayoutItem | None:
        """The item with this id; `None` if there is none."""
        return next((item for item in self.items if item.id == id), None)


def spec_of(case: Case, width: int, height: int) -> Spec:
    """The spec of `case`, scaled from its canvas to a picture of `width` x `height` px."""
    from evalkit.judges.layout.colour import between

    fx, fy = width / case.width, height / case.height
    texts = [(i, text) for i, text in enumerate(case.texts) if text.box is not None]
    taken: set[int] = set()
    items: list[LayoutItem] = []
    for element in case.elements:
        index = _text_at(element, case, taken) if element.kind == "text" else None
        target, text = f"element:{element.id}", ""
        if index is not None:
            taken.add(index)
            target, text = f"text:{index}", case.texts[index].text
        box = _scaled(element.box, fx, fy)
        items.append(LayoutItem(element.id, element.kind, box, element.color, target, text, _outline(element)))
    for index, given in texts:
        if index not in taken and given.box is not None:
            items.append(
                LayoutItem(f"text:{index}", "text", _scaled(given.box, fx, fy), None, f"text:{index}", given.text)
            )
    items = [_placed_on(item, items[:place]) for place, item in enumerate(items)]
    known = case.background.kind in ("solid", "gradient") and case.background.colors
    ground = between(case.background.colors) if known else ()
    parts = any(item.kind == REGION and not is_ground(item, ground) for item in items)
    complete = len(texts) == len(case.texts) and not parts and not case.extra.get("unplaced")
    return Spec(width, height, tuple(items), case.relations, ground, min(fx, fy), complete)


def _text_at(element: Element, case: Case, taken: set[int]) -> int | None:
    """The index of the text that is declared at the place of `element`."""
    for index, text in enumerate(case.texts):
        if index not in taken and text.box is not None and text.box.iou(element.box) >= _SAME:
            return index
    return None


def _outline(element: Element) -> str:
    stated = (element.kind, element.id.split("-")[0].split(":")[0])
    return next((word for word in stated if word in SHAPES), "")


def _placed_on(item: LayoutItem, before: list[LayoutItem]) -> LayoutItem:
    holders = [one for one in before if not one.is_text and holds(one.box, item.box)]
    if not holders:
        return item
    on = min(holders, key=lambda one: one.box.area).id
    return LayoutItem(item.id, item.kind, item.box, item.color, item.target, item.text, item.outline, on)


def is_ground(item: LayoutItem, ground: Sequence[RGB]) -> bool:
    """Whether an item is part of the ground itself. Its colour is checked, but it does not explain anything on it."""
    return item.kind == REGION and item.color in ground


def holds(outer: Box, inner: Box) -> bool:
    """Whether at least 95 % of `inner` lies in the larger `outer`."""
    return outer.area > inner.area > 0 and outer.intersection(inner) >= _HELD * inner.area


def _scaled(box: Box, fx: float, fy: float) -> Box:
    return Box(box.x0 * fx, box.y0 * fy, box.x1 * fx, box.y1 * fy)
