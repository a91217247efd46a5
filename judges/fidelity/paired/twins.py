"""Checks whether a picture can be compared with its twin pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import Dimension

NO_TWIN = "there is no twin to compare with"


def without_twin(dimensions: Sequence[Dimension], *, has_twin: bool) -> dict[str, str]:
    """Why the dimensions of a distance from the twin don't apply: nothing is said of the teacher's own pictures."""
    return {} if has_twin else {dimension.name: NO_TWIN for dimension in dimensions}


def comparable(picture: Picture, twin: Picture | None) -> tuple[Pixels | None, str]:
    """The twin's pixels, or the reason why there are none. Raises `PictureError` if a file is broken."""
    if twin is None:
        return None, NO_TWIN
    own, other = picture.pixels.shape[:2], twin.pixels.shape[:2]
    if own != other:
        return None, f"the twin has another size: {other[1]}x{other[0]} px, not {own[1]}x{own[0]}"
    return twin.pixels, ""
