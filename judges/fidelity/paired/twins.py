"""Checks whether a picture can be compared with its twin pixel by pixel."""

from __future__ import annotations

from evalkit.api.pictures import Picture, Pixels


def comparable(picture: Picture, twin: Picture | None) -> tuple[Pixels | None, str]:
    """The twin's pixels, or the reason why there are none. Raises `PictureError` if a file is broken."""
    if twin is None:
        return None, "there is no twin to compare with"
    own, other = picture.pixels.shape[:2], twin.pixels.shape[:2]
    if own != other:
        return None, f"the twin has another size: {other[1]}x{other[0]} px, not {own[1]}x{own[0]}"
    return twin.pixels, ""
