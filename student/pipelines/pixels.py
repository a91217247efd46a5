"""Turns the output of a pipeline into 8-bit RGB."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.errors import GenerationError
from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB


class FlatPicture(NamedTuple):
    """(H, W, 3) uint8 pixels, and the smallest alpha of the model's output (`None` if it has no alpha)."""

    pixels: Pixels
    min_alpha: float | None


def flatten(image: NDArray[np.floating], background: RGB) -> FlatPicture:
    """One picture of a pipeline in [0, 1], composited on `background` if it has alpha, rounded to 8 bits once.

    Args:
        image: (H, W, 3) or (H, W, 4), straight (not premultiplied) alpha.
        background: colour under the transparent parts.

    Raises:
        GenerationError: the picture has NaN or infinite values (which diffusers would turn into black pixels), or is
            not of such a shape.
    """
    if image.ndim != 3 or image.shape[2] not in (3, 4):
        raise GenerationError(f"the pipeline returned an array of shape {image.shape}, not (H, W, 3 or 4)")
    if not np.isfinite(image).all():
        raise GenerationError("the model produced values that are not finite (broken weights, or float16 overflow)")
    color = image[..., :3].astype(np.float64)
    alpha = image[..., 3:].astype(np.float64) if image.shape[2] == 4 else None
    if alpha is not None:
        color = color * alpha + (np.asarray(background, dtype=np.float64) / 255) * (1 - alpha)
    pixels = np.rint(np.clip(color, 0, 1) * 255).astype(np.uint8)
    return FlatPicture(pixels, None if alpha is None else float(alpha.min()))
