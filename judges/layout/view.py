"""Answers the layout judge's questions about a picture: where a colour is, what surrounds a box."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Box
from evalkit.judges.layout.colour import Codes, codes, difference, distances, middle
from evalkit.judges.layout.ink import Ink, Mask, grown
from evalkit.judges.layout.spec import Spec

OFF_GROUND = 8.0
"""ΔE*ab from all declared colours of the ground from which a pixel is not ground."""
ABOUT_GROUND, LEAST_GROUND = 20.0, 0.25
"""ΔE*ab up to which a pixel may still be ground, and the least share of such pixels in a design."""
LEAST_FLAT = 0.75
"""Least share of neighbouring pixels with the same colour in a flat design."""
SPARSE = 4
"""Only every so many rows are examined, which is enough."""
SIMILAR = 10.0
"""ΔE*ab up to which two declared colours can't be told apart in antialiased ink."""


class View:
    """One picture and its spec. Answers are cached."""

    def __init__(self, pixels: Pixels, spec: Spec) -> None:
        self.pixels = pixels
        self.spec = spec
        self._inks: dict[tuple[tuple[RGB, ...], float, bool], Ink] = {}

    @cached_property
    def codes(self) -> Codes:
        return codes(self.pixels)

    def near(self, colours: tuple[RGB, ...], threshold: float) -> Ink:
        """The pixels within `threshold` ΔE of one of `colours`."""
        return self._ink(colours, threshold, True)

    def far(self, colours: tuple[RGB, ...], threshold: float) -> Ink:
        """The pixels farther than `threshold` ΔE from all of `colours`."""
        return self._ink(colours, threshold, False)

    @property
    def off_ground(self) -> Ink | None:
        """Everything that is not ground; `None` if the case does not declare the ground."""
        return self.far(self.spec.ground, OFF_GROUND) if self.spec.ground else None

    @cached_property
    def is_another(self) -> bool:
        """Whether this is a picture of something else: hardly any declared ground is visible, and little is flat."""
        if not self.spec.ground:
            return False
        coded = self.codes[::SPARSE]
        ground = float((distances(coded, self.spec.ground) <= ABOUT_GROUND).mean())
        return ground < LEAST_GROUND and float((coded[:, 1:] == coded[:, :-1]).mean()) < LEAST_FLAT

    def _ink(self, colours: tuple[RGB, ...], threshold: float, near: bool) -> Ink:
        key = (colours, round(threshold), near)
        if key not in self._inks:
            away = distances(self.codes, colours)
            self._inks[key] = Ink(away <= round(threshold) if near else away > round(threshold))
        return self._inks[key]

    def around(self, box: Box, *, but: RGB | None = None, width: float | None = None) -> RGB | None:
        """The most frequent colour of the ring of `width` px around `box`, except for colours close to `but`.

        `None` if no part of the ring is in the picture, or nothing in it has another colour.
        """
        reach = width or max(3.0, 0.008 * self.spec.side)
        coded = np.concatenate([self._codes(part) for part in _ring(grown(box, 1), reach)])
        return self.most_frequent(coded, but=but)

    def most_frequent(self, coded: Codes, *, but: RGB | None = None) -> RGB | None:
        """The most frequent colour among codes, except for colours close to `but`."""
        if not coded.size:
            return None
        values, counts = np.unique(coded, return_counts=True)
        for index in np.argsort(-counts, kind="stable")[:32]:
            colour = middle(int(values[index]))
            if but is None or difference(colour, but) > SIMILAR:
                return colour
        return None

    def ink_colour(self, box: Box, ground: RGB, mask: Mask | None = None) -> RGB | None:
        """The colour of what is drawn in `box` on `ground`: the median of the third of its pixels that differ most.

        Strokes of small text are antialiased all over, so their most different pixels are nearest to the true colour.
        `None` if nothing in the box differs from `ground`.
        """
        rows, columns = _slices(box, self.codes.shape)
        away = distances(self.codes[rows, columns], (ground,))
        if mask is not None:
            away = np.where(mask[rows, columns], away, 0)
        drawn = away[away > OFF_GROUND]
        if drawn.size < 4:
            return None
        chosen = self.pixels[rows, columns][away >= max(float(np.percentile(drawn, 67)), OFF_GROUND)]
        r, g, b = (int(v) for v in np.median(chosen, axis=0))
        return (r, g, b)

    def median(self, box: Box, mask: Mask) -> RGB | None:
        """The median colour of the pixels of `mask` in `box`; `None` if there are none."""
        rows, columns = _slices(box, self.codes.shape)
        chosen = self.pixels[rows, columns][mask[rows, columns]]
        if not len(chosen):
            return None
        r, g, b = (int(v) for v in np.median(chosen, axis=0))
        return (r, g, b)

    def _codes(self, box: Box) -> Codes:
        rows, columns = _slices(box, self.codes.shape)
        return self.codes[rows, columns].ravel()


def _ring(box: Box, reach: float) -> tuple[Box, Box, Box, Box]:
    wide = grown(box, reach)
    return (
        Box(wide.x0, wide.y0, wide.x1, box.y0),
        Box(wide.x0, box.y1, wide.x1, wide.y1),
        Box(wide.x0, box.y0, box.x0, box.y1),
        Box(box.x1, box.y0, wide.x1, box.y1),
    )


def _slices(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x0, x1 = (min(max(round(v), 0), shape[1]) for v in (box.x0, box.x1))
    y0, y1 = (min(max(round(v), 0), shape[0]) for v in (box.y0, box.y1))
    return slice(y0, y1), slice(x0, x1)
