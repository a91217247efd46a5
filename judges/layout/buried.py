"""Finds texts that lie on another text of the same colour, by the ink that sticks out of it. Pure functions of ink.

If two texts of one colour cover each other for most of their height, the upper one has neither components nor edges of
its own. But the text below is in its place, and ink beyond its declared height belongs to the upper one.
"""

from __future__ import annotations

import numpy as np

from evalkit.api.records import Box
from evalkit.judges.layout.ink import Ink, Mask

LEAST_ROWS = 2
"""Rows of ink beyond the declared height of a text from which something sticks out of it, px. One row is enough if it
is as wide as the buried text and the other text is not."""
ROOM = 2.0
"""Largest displacement of the other edges of that text, px."""
MOST_OFF = 0.25
"""Largest difference in width between the ink and the buried text, as a share of its height: letters end in points."""
LEAST_WIDE = 0.3
"""Least width of the ink above or below, as a share of the buried text's width: of some letters little sticks out."""


def settled(found: Box, declared: Box, other: Box) -> Box:
    """`found`, but the edge that touches or lies in `other` follows from the opposite one and the declared height.

    That edge is hard to see if both have one colour: it may be off by a px or two, or be the far edge of `other`.
    """
    below = found.y0 + found.y1 > other.y0 + other.y1
    near, far = (found.y0, other.y0) if below else (found.y1, other.y1)
    touches = near <= other.y1 + ROOM if below else near >= other.y0 - ROOM
    more = found.height - declared.height
    if not touches or more < -ROOM or (more > ROOM and abs(near - far) > ROOM):
        return found
    if below:
        return Box(found.x0, found.y1 - declared.height, found.x1, found.y1)
    return Box(found.x0, found.y0, found.x1, found.y0 + declared.height)


def buried_in(ink: Ink, wanted: Box, found: Box, declared: Box) -> Box | None:
    """The place of a text of the size of `wanted` that sticks out above or below another one.

    Args:
        ink: the ink of the common colour, without everything else that was found.
        wanted: where the buried text should be.
        found: where the other text was found, with or without what sticks out of it.
        declared: where the other text should be.
    """
    if min(abs(found.x0 - declared.x0), abs(found.x1 - declared.x1)) > ROOM:
        return None
    results: list[Box] = []
    if abs(found.y0 - declared.y0) <= ROOM:
        below = _sticking_out(ink.mask, wanted, declared, round(found.y0 + declared.height))
        results += [] if below is None else [below]
    if abs(found.y1 - declared.y1) <= ROOM:  # the same upside down
        end = ink.mask.shape[0]
        above = _sticking_out(ink.mask[::-1], wanted, declared, end - round(found.y1 - declared.height))
        results += [] if above is None else [Box(above.x0, end - above.y1, above.x1, end - above.y0)]
    return min(results, key=lambda box: abs(box.x0 - wanted.x0), default=None)


def _sticking_out(mask: Mask, wanted: Box, declared: Box, edge: int) -> Box | None:
    """The box of a text whose lower rows are the ink from row `edge` to the first empty row; `None` if none."""
    height, width = round(wanted.height), round(wanted.width)
    left = max(round(min(declared.x0 - width, wanted.x0)), 0)
    band = mask[edge : edge + height, left : max(round(max(declared.x1 + width, wanted.x1)), left)]
    empty = np.flatnonzero(~np.any(band, axis=1))
    rows = int(empty[0]) if empty.size else len(band)
    if not 1 <= rows <= height - LEAST_ROWS:
        return None
    columns = np.flatnonzero(band[:rows].any(axis=0))
    x0, x1 = left + int(columns[0]), left + int(columns[-1]) + 1
    give = max(ROOM, MOST_OFF * height)
    as_wide = abs(x1 - x0 - width) <= give
    if rows < LEAST_ROWS and not (as_wide and abs(declared.width - width) > 2 * give):
        return None
    in_column = x0 >= wanted.x0 - ROOM and x1 <= wanted.x1 + ROOM
    if in_column and x1 - x0 >= LEAST_WIDE * width:
        start = wanted.x0
    elif as_wide:
        start = (x0 + x1 - width) / 2
    else:
        return None
    return Box(start, edge + rows - height, start + width, edge + rows)
