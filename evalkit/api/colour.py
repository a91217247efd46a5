"""Embedded colour profiles: pictures are what a viewer shows, and a viewer shows them in sRGB."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

_STEPS = (0, 32, 64, 96, 128, 160, 192, 224, 255)
_NEAR = 1
"""A profile that moves no colour of a 9x9x9 grid by more than this many levels is sRGB: its pixels are left alone."""


class ProfileError(Exception):
    """Why an embedded profile can't be used, as a clause that follows "its colour profile"."""


class ToSrgb:
    """Converts pictures of one profile to sRGB; made by `to_srgb`. Safe for several threads."""

    def __init__(self, transform: Any, mode: str) -> None:
        self._transform = transform
        self.mode = mode
        """The mode that a picture must have: `RGB`, `L` or `CMYK`."""

    def __call__(self, image: Image.Image) -> Image.Image:
        """The RGB picture. Raises `ProfileError` if the colours can't be converted."""
        from PIL import ImageCms

        try:
            converted = ImageCms.applyTransform(image, self._transform)
        except (ImageCms.PyCMSError, ValueError, OSError) as error:
            raise ProfileError(f"fails: {error}") from error
        assert converted is not None
        return converted


@lru_cache(maxsize=32)
def to_srgb(profile: bytes, mode: str) -> ToSrgb | None:
    """The conversion of a picture of this profile and mode to sRGB, by the profile's own rendering intent.

    Args:
        profile: the ICC profile.
        mode: of the picture, as Pillow names it.

    Returns:
        `None` if the profile is sRGB itself.

    Raises:
        ProfileError: the profile is broken, or one of another kind of pictures.
    """
    import io

    try:
        from PIL import Image, ImageCms

        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = str(opened.profile.xcolor_space).strip()
        wanted = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(space)
        if wanted is None or (wanted == "CMYK") != (mode == "CMYK") or (wanted == "L" and not _is_grey(mode)):
            raise ProfileError(f"is for {space or 'unknown'} colours, and the picture is {mode}")
        intent = opened.profile.rendering_intent
        srgb = ImageCms.createProfile("sRGB")
        known = ImageCms.Intent(intent if intent in range(4) else 0)
        transform = ImageCms.buildTransform(opened, srgb, wanted, "RGB", renderingIntent=known)
    except ProfileError:
        raise
    except Exception as error:  # ImportError: Pillow without LittleCMS; its own errors; anything on hostile bytes
        raise ProfileError(f"can't be read: {error}") from error
    made = ToSrgb(transform, wanted)
    if wanted != "CMYK" and _changes_nothing(made, Image):
        return None
    return made


def _is_grey(mode: str) -> bool:
    return mode in ("1", "L", "LA", "La", "F") or mode.startswith("I")


def _changes_nothing(convert: ToSrgb, pillow: Any) -> bool:
    if convert.mode == "L":
        probe = pillow.frombytes("L", (256, 1), bytes(range(256)))
    else:
        colours = bytes(value for r in _STEPS for g in _STEPS for b in _STEPS for value in (r, g, b))
        probe = pillow.frombytes("RGB", (len(colours) // 3, 1), colours)
    before, after = probe.convert("RGB").tobytes(), convert(probe).tobytes()
    return all(abs(a - b) <= _NEAR for a, b in zip(before, after, strict=True))
