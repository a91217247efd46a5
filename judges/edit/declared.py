"""Reads what an edit may change from `Case.extra["edit"]`, and turns it into masks of the judged picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from evalkit.api.errors import JudgeError
from evalkit.api.records import Box, Case
from evalkit.formats.keys import from_json

EXTRA = "edit"
"""The key of `Case.extra`."""
Mask = NDArray[np.bool_]
Rounding = Callable[[float], int]


@dataclass(frozen=True, slots=True)
class EditDeclaration:
    """The declaration of an edit: boxes in pixels of the case's canvas. `kind` is the suite's name for the edit.

    `changed`: something must change in each of these boxes and nothing elsewhere, unless `kept` restricts that.
    `kept`: these boxes must stay as they are; something must change in the rest, unless `changed` says where.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    kind: str = ""
    changed: tuple[Box, ...] = ()
    kept: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        if not self.changed and not self.kept:
            raise ValueError("neither `changed` nor `kept` names a box")


class RegionMasks(NamedTuple):
    """`kept` (H, W): what must stay as it was. `changed`: masks (H, W) in which something must differ, with boxes."""

    kept: Mask
    changed: Sequence[tuple[Box, Mask]]


def declared(case: Case) -> EditDeclaration | None:
    """The declaration of the case; `None` if it has none. Raises `JudgeError` if it can't be read."""
    if EXTRA not in case.extra:
        return None
    try:
        return from_json(EditDeclaration, case.extra[EXTRA])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, (f"extra.{EXTRA}", *first["loc"])))
        hint = "see docs/minis-suite.md for what an edit case declares"
        raise JudgeError(f"{place}: {first['msg']}", where=case.id, hint=hint) from error


def regions(said: EditDeclaration, case: Case, height: int, width: int, slack: int = 0) -> RegionMasks:
    """The declared boxes as masks of a picture of (`height`, `width`) px.

    Boxes that may change are rounded outwards and boxes that must stay are rounded inwards, each by `slack` px more.
    """
    fx, fy = width / case.width, height / case.height
    may = [Box(b.x0 * fx, b.y0 * fy, b.x1 * fx, b.y1 * fy) for b in said.changed]
    must = [Box(b.x0 * fx, b.y0 * fy, b.x1 * fx, b.y1 * fy) for b in said.kept]
    shape = (height, width)
    inside = _filled(shape, may, lambda low: floor(low) - slack, lambda high: ceil(high) + slack)
    kept = ~inside
    if must:
        kept &= _filled(shape, must, lambda low: ceil(low) + slack, lambda high: floor(high) - slack)
    if may:
        return RegionMasks(kept, [(box, _filled(shape, [box], floor, ceil)) for box in may])
    return RegionMasks(kept, [(Box(0, 0, width, height), ~_filled(shape, must, floor, ceil))])


def _filled(shape: tuple[int, int], boxes: Iterable[Box], start: Rounding, end: Rounding) -> Mask:
    mask = np.zeros(shape, np.bool_)
    for box in boxes:
        mask[max(start(box.y0), 0) : max(end(box.y1), 0), max(start(box.x0), 0) : max(end(box.x1), 0)] = True
    return mask
