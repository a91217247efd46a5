"""SSIM on luma (Wang, Bovik, Sheikh & Simoncelli 2004): Gaussian window of 11 px and 1.5 px, K1 = 0.01, K2 = 0.03."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels

WINDOW = 11
_SIGMA = 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_LUMA = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601, as in the authors' code."""


def ssim(one: Pixels, other: Pixels) -> float:
    """Mean structural similarity, -1 to 1, of (H, W, 3) uint8 pictures, over windows that lie wholly inside.

    Raises:
        ValueError: the shapes differ, or a side is below 11 px.
    """
    if one.shape != other.shape or min(one.shape[:2]) < WINDOW:
        raise ValueError(f"no SSIM of pictures of {one.shape} and {other.shape}")
    x, y = (pixels @ _LUMA for pixels in (one, other))
    mean_x, mean_y = _windowed(x), _windowed(y)
    var_x, var_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return float(np.mean(luminance * (2 * covariance + _C2) / (var_x + var_y + _C2)))


def _windowed(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter

    radius = WINDOW // 2
    blurred: NDArray[np.float64] = gaussian_filter(plane, _SIGMA, radius=radius)
    return blurred[radius:-radius, radius:-radius]
