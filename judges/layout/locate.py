"""Locates each declared thing in the picture.

Each thing is first searched for at its place, then elsewhere among the ink that no other thing has claimed: a box of
the same size (exact even if things touch), then a group of components of about that size, then something in another
colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from evalkit.api.records import RGB, Box
from evalkit.judges.layout.buried import buried_in
from evalkit.judges.layout.colour import difference
from evalkit.judges.layout.group import UNLIKE, group_at, group_like, unlike
from evalkit.judges.layout.ink import Edges, Ink, grown
from evalkit.judges.layout.search import at_border, rigid
from evalkit.judges.layout.spec import REGION, LayoutItem, holds, is_ground
from evalkit.judges.layout.view import View

SURE_LEAST, SURE_MEAN = 0.35, 0.6
"""Least evidence of the weakest edge, and of all four on average, for a box to count as found."""
ELSEWHERE_MEAN = 0.66
"""The same limits for a box that may be anywhere."""
COVERED = 0.04
"""Least share of a box that must have its colour for something to be there at all."""
LEAST_TEXT, MOST_TEXT, LEAST_SHAPE = 0.08, 0.85, 0.35
"""Least and greatest share for a text that was found elsewhere, and least share for a circle, square or triangle."""
FULL = 0.5
"""Least share of a region's box that must have its colour, or any colour but the ground's."""
NEARLY = 0.35
"""Largest |ln(width ratio)| + |ln(height ratio)| of something that has about the declared size."""
STANDS_OUT = 15.0
"""Least ΔE*ab from its ground of something that has another colour than declared."""
EVEN = 0.6
"""Least share of a text's surroundings that must have one colour for the ink to be told from it."""
MOST_BLOBS = 3000
"""More components than this are a texture, in which anything could be found."""
CLEARLY, FAINTLY = 12.0, 6.0
"""ΔE*ab at its own place: something clearly there, and something in nearly the ground's colour."""
MOST_PENDING = 0.7
"""If more than this share of the things is not in place in a picture of something else, they are not searched for."""
HARDLY_SEEN = 6.0
"""ΔE*ab between a panel and its ground below which its edges can't be seen."""
_TEXT_SHARE = 0.6
"""Share of the way from the ink's colour to the ground's up to which a pixel is ink."""


class Detection(NamedTuple):
    """The result of the search for one item.

    `box` is where it is; `None` if it is missing. `sure` says that all four edges were seen, so that relations of a few
    px can be checked. `colour` is its own, `ground` that of what it stands on; `None` if not measured.
    """

    item: LayoutItem
    box: Box | None
    sure: bool = False
    colour: RGB | None = None
    ground: RGB | None = None

    @property
    def missing(self) -> bool:
        return self.box is None


def locate(view: View) -> dict[str, Detection]:
    """Locate every item of the spec. The result is by id, in drawing order."""
    found: dict[str, Detection] = {}
    pending: list[LayoutItem] = []
    for item in view.spec.items:
        if item.kind == REGION:
            found[item.id] = _region(view, item)
            continue
        here = _portrait(view, item) if item.kind == "portrait" else _in_place(view, item)
        if here is None:
            pending.append(item)
        else:
            found[item.id] = here
    foreign = len(pending) >= MOST_PENDING * len(view.spec.items) and view.is_another
    for item in sorted(pending, key=lambda item: -item.box.area):
        found[item.id] = Detection(item, None) if foreign else _elsewhere(view, item, found.values())
    return {item.id: found[item.id] for item in view.spec.items}


def reach(view: View) -> int:
    """Greatest distance from its place at which something is searched for edge by edge, px."""
    return max(3, round(0.012 * view.spec.side))


# ---------------------------------------------------------------------------------------------------- in its place


def _in_place(view: View, item: LayoutItem) -> Detection | None:
    merged = False
    for place, ink in enumerate(_masks(view, item)):
        edges = ink.edges(item.box, reach(view))
        if ink.share(edges.box) < COVERED or (item.outline and not _filled(ink, edges.box, item)):
            continue
        if edges.least >= SURE_LEAST and edges.mean >= SURE_MEAN:
            return _measured(view, item, edges.box, ink)
        seen = [evidence >= SURE_MEAN for evidence in edges.evidence]
        if place == 0 and sum(seen) >= 2 and all(s or c for s, c in zip(seen, edges.covered, strict=True)):
            merged = not any(_nearly(blob.box, item.box) for blob in ink.blobs)
    # a panel may have the colour of what it touches, or nearly that of the ground: two edges must be enough
    hidden = not item.is_text and not item.outline and (merged or _hardly_seen(view, item))
    return Detection(item, item.box, colour=item.color) if hidden else None


def _hardly_seen(view: View, item: LayoutItem) -> bool:
    """Whether the item has about the same declared colour as what it stands on."""
    if item.color is None:
        return False
    holder = view.spec.item(item.on)
    grounds = (holder.color,) if holder is not None and holder.color is not None else view.spec.ground
    return any(difference(item.color, ground) < HARDLY_SEEN for ground in grounds)


def _masks(view: View, item: LayoutItem) -> Iterable[Ink]:
    """Inks that may show the edges of `item`: of its colour, of what lies over it too, and all that is not ground."""
    colour = item.color
    if colour is not None:
        own = own_ink(view, item)
        if own is not None:
            yield own
            if not item.is_text:
                over = tuple(dict.fromkeys(one.color for one in _over(view, item) if one.color is not None))
                if over and not item.outline:
                    yield view.near((colour, *over), _threshold(view, item, colour))
    if not item.is_text or colour is None:
        if item.is_text:
            ground = view.around(item.box)
            ink = view.ink_colour(item.box, ground) if ground is not None else None
            if ground is not None and ink is not None:
                yield view.near((ink,), min(_TEXT_SHARE * difference(ink, ground), 45.0))
                yield view.far((ground,), CLEARLY)
        elif view.off_ground is not None and not item.on and not item.outline:
            yield view.off_ground


def own_ink(view: View, item: LayoutItem) -> Ink | None:
    """The ink of the item's declared colour; `None` if no colour is declared."""
    return None if item.color is None else view.near((item.color,), _threshold(view, item, item.color))


def _threshold(view: View, item: LayoutItem, colour: RGB) -> float:
    """Largest ΔE from `colour` of a pixel of the item's ink: a share of the way to what the item stands on."""
    ground = view.around(item.box, but=colour if item.is_text else None)
    contrast = difference(colour, ground) if ground is not None else 40.0
    return min(max(_TEXT_SHARE * contrast, 6.0), 45.0) if item.is_text else min(max(0.45 * contrast, 4.0), 20.0)


def _over(view: View, item: LayoutItem) -> Iterable[LayoutItem]:
    place = view.spec.items.index(item)
    return (one for one in view.spec.items[place + 1 :] if one.box.intersection(item.box) > 0)


def _portrait(view: View, item: LayoutItem) -> Detection | None:
    """A part of a portrait. Parts of a face cover each other, so only the presence of the colour can be checked."""
    if item.color is None:
        return Detection(item, item.box)
    ink = view.near((item.color,), 20)
    return Detection(item, item.box, colour=item.color) if ink.share(item.box) >= COVERED else None


def _region(view: View, item: LayoutItem) -> Detection:
    """A part of something larger. It has no edges of its own here: its box must be full of its colour.

    If something other than ground fills the box instead, it is the part in a wrong colour.
    """
    if item.color is None:
        return Detection(item, item.box)
    own = view.near((item.color,), 15)
    if own.share(item.box) >= FULL:
        return Detection(item, item.box, colour=view.median(item.box, own.mask))
    if view.off_ground is None or view.off_ground.share(item.box) < FULL:
        return Detection(item, None)
    return Detection(item, item.box, colour=view.median(item.box, view.off_ground.mask))


# ------------------------------------------------------------------------------------------------------- elsewhere


def _elsewhere(view: View, item: LayoutItem, others: Iterable[Detection]) -> Detection:
    claimed = [one for one in others if one.box is not None and not is_ground(one.item, view.spec.ground)]
    for look in (_recoloured_here, _resized_here, _same_size, _same_size_recoloured, _resized, _recoloured, _buried):
        found = look(view, item, claimed)
        if found is not None:
            return found
    ink = own_ink(view, item)
    vague = not item.is_text and not item.outline
    if vague and ink is not None and ink.share(item.box) >= 2 * COVERED:
        return Detection(item, item.box)  # something of that colour is there, but its edges can't be seen
    return Detection(item, None)


def _unclaimed(view: View, item: LayoutItem, claimed: list[Detection]) -> Iterator[tuple[Ink, bool]]:
    """The inks in which the item may be drawn, without what other things of about that colour have claimed.

    The flag says whether an ink is of the item's own colour. The inks are those of its own colour, the same with a
    narrower threshold (it may lie on another ground), and for a text the colours of the other texts.
    """
    if item.color is None:
        return
    thresholds = [_threshold(view, item, item.color)]
    careful = 0.5 * min((d for c in _grounds(view) if (d := difference(c, item.color)) > 8), default=45.0)
    if careful < thresholds[0] - 3:
        thresholds.append(careful)
    others = [one.color for one in view.spec.items if one.is_text and one.color not in (None, item.color)]
    tries = [(item.color, threshold) for threshold in thresholds]
    if item.is_text:
        tries += [(colour, _threshold(view, item, colour)) for colour in dict.fromkeys(others) if colour is not None]
    for colour, threshold in tries:
        rivals = [one.box for one in claimed if one.box is not None and _rivals(view, one.item, colour, threshold)]
        ink = view.near((colour,), threshold)
        if len(ink.blobs) > MOST_BLOBS:
            continue
        rest = ink.without(rivals)
        if item.is_text:  # what is as large as a panel is not a text, whatever its colour
            rest = _small(view, rest)
        yield rest, colour == item.color


def _small(view: View, ink: Ink) -> Ink:
    """`ink` without components as large as a panel."""
    largest = 4 * max((one.box.area for one in view.spec.items if one.is_text), default=0.0)
    return ink.only(lambda blob: blob.box.area <= largest)


def _grounds(view: View) -> tuple[RGB, ...]:
    """The declared colours of the ground and of everything on which other things stand."""
    on = {item.on for item in view.spec.items}
    return (*view.spec.ground, *(one.color for one in view.spec.items if one.id in on and one.color is not None))


def _rivals(view: View, item: LayoutItem, colour: RGB, threshold: float) -> bool:
    """Whether the ink of `item` would count as ink of `colour`, and all ink in its box is its own."""
    if item.color is None or difference(item.color, colour) > 1.5 * threshold:
        return False
    return item.is_text or item.kind == "portrait" or not any(holds(item.box, one.box) for one in view.spec.items)


def _same_size(view: View, item: LayoutItem, claimed: list[Detection]) -> Detection | None:
    """A box of the same size anywhere, or what is left of it at the edge of the picture."""
    return _sized(view, item, (ink for ink, is_own in _unclaimed(view, item, claimed) if is_own))


def _same_size_recoloured(view: View, item: LayoutItem, claimed: list[Detection]) -> Detection | None:
    return _sized(view, item, (ink for ink, is_own in _unclaimed(view, item, claimed) if not is_own))


def _sized(view: View, item: LayoutItem, inks: Iterable[Ink]) -> Detection | None:
    for ink in inks:
        edges = rigid(ink, item.box, least=ELSEWHERE_MEAN, give=2 if item.is_text else 4)
        if edges is not None and _plausible(edges, item) and _filled(ink, edges.box, item):
            return _measured(view, item, edges.box, ink)
        box = at_border(ink, item.box)
        if box is not None and _filled(ink, box, item):
            return _measured(view, item, box, ink)
    return None


def _plausible(edges: Edges, item: LayoutItem) -> bool:
    return sum(evidence >= SURE_LEAST for evidence in edges.evidence) >= 3


def _resized_here(view: View, item: LayoutItem, claimed: list[Detection]) -> Detection | None:
    """A box of about its size and about at its place, such as a text with a letter more or less."""
    found = _resized(view, item, claimed)
    return found if found is not None and found.box is not None and _nearly(found.box, item.box) else None


def _nearly(box: Box, declared: Box) -> bool:
    return unlike(box, declared) <= NEARLY and box.iou(declared) > 0.4


def _resized(view: View, item: LayoutItem, claimed: list[Detection]) -> Detection | None:
    for rest, is_own in _unclaimed(view, item, claimed):
        box = _group(view, item, rest) if is_own else None
        if box is not None and _filled(rest, box, item):
            exact = max(abs(box.width - item.box.width), abs(box.height - item.box.height)) <= 4
            return _measured(view, item, box, rest, sure=item.is_text or exact)
    return None


def _recoloured_here(view: View, item: LayoutItem, claimed: list[Detection]) -> Detection | None:
    """Something of the right size in the right place, in another colour."""
    ground = view.around(item.box)
    if ground is None or any(one.box is not None and one.box.iou(item.box) > 0.5 for one in claimed):
        return None
    for threshold in (CLEARLY, FAINTLY):
        other = view.far((ground,), threshold)
        edges = other.edges(item.box, reach(view))
        if edges.least >= 0.5 and edges.mean >= 0.7 and _filled(other, edges.box, item):
            return _seen(_measured(view, item, edges.box, other), threshold)
    return None


def _recoloured(view: View, item: LayoutItem, claimed: list[Detection]) -> Detection | None:
    """Something of about that size anywhere on the ground, in another colour."""
    if not view.spec.ground or item.on:
        return None
    room = max(3.0, 0.01 * view.spec.side)
    rest = view.far(view.spec.ground, STANDS_OUT).outside([grown(o.box, room) for o in claimed if o.box is not None])
    box = _group(view, item, rest)
    if box is None or not _filled(rest, box, item):
        return None
    return _seen(_measured(view, item, box, rest, sure=False), STANDS_OUT)


def _buried(view: View, item: LayoutItem, claimed: list[Detection]) -> Detection | None:
    """A text that lies on another one of the same colour and of which some rows stick out."""
    boxes: list[tuple[Box, Ink]] = []
    for one in claimed:
        ink = own_ink(view, one.item) if item.is_text and one.item.is_text and one.sure else None
        if ink is None or one.box is None:
            continue
        others = [o.box for o in claimed if o is not one and o.box is not None and not holds(o.box, one.box)]
        rest = _small(view, ink).outside(others)
        box = buried_in(rest, item.box, one.box, one.item.box)
        boxes += [] if box is None else [(box, ink)]
    if not boxes:
        return None
    box, ink = min(boxes, key=lambda pair: abs(pair[0].y0 - item.box.y0))
    return _measured(view, item, box, ink)


def _filled(ink: Ink, box: Box, item: LayoutItem) -> bool:
    """Whether the box has a plausible amount of ink: specks of noise have less, and a panel has more than a text."""
    share = ink.share(box)
    if item.is_text:
        return LEAST_TEXT <= share <= MOST_TEXT
    return share >= (LEAST_SHAPE if item.outline else COVERED)


def _seen(found: Detection, least: float) -> Detection | None:
    """`found` if it differs by at least `least` ΔE from what it stands on, else `None`."""
    if found.colour is None or found.ground is None or difference(found.colour, found.ground) < least:
        return None
    return found


def _group(view: View, item: LayoutItem, ink: Ink) -> Box | None:
    """The components that may be the item: those at its place (for a text of any size), or any group of its size."""
    # a shape is one piece, a text is many; anything smaller is noise
    least = 0.1 * item.box.area if item.outline else max(4.0, 0.002 * item.box.area)
    here = group_at(ink.blobs, item.box, least)
    if here is not None and (item.is_text or unlike(here, item.box) < UNLIKE):
        return here
    return group_like(ink.blobs, item.box, least, view.spec.side)


def _measured(view: View, item: LayoutItem, box: Box, ink: Ink, *, sure: bool = True) -> Detection:
    ground = view.around(box, but=item.color)
    own = None if item.is_text else own_ink(view, item)
    if own is not None and own.share(box) >= COVERED:
        return Detection(item, box, sure, view.median(box, own.mask), ground)
    colour = view.ink_colour(box, ground, ink.mask) if ground is not None else None
    return Detection(item, box, sure, colour, ground)
