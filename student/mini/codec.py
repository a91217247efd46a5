"""A linear codec: 16×16 px tiles projected onto their principal components, with the interface of the family's VAE.

On flat designs 192 of 768 components lose almost nothing. The codec needs no training, and a transformer of the real
class then works on one token per tile. This module imports torch at the top, so only loaders import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn


class Latents(NamedTuple):
    """The result of `encode`, as diffusers' `retrieve_latents` reads it; `latents` is (B, z, 1, H/16, W/16)."""

    latents: Tensor


class LinearCodec(ModelMixin, ConfigMixin):  # type: ignore[misc]  # untyped in diffusers
    """Orthonormal tile codec, in place of the `AutoencoderKLQwenImage21` of a `QwenImage21Pipeline`.

    Takes and returns RGBA in [-1, 1] of shape (B, 4, 1, H, W), like that class. The input is composited over white; the
    output is opaque. The pipeline normalises the latents by `latents_mean` and `latents_std`.
    """

    @register_to_config  # type: ignore[untyped-decorator]  # untyped in diffusers
    def __init__(
        self,
        z_dim: int = 192,
        tile: int = 16,
        latents_mean: Sequence[float] = (0.0,),
        latents_std: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(3 * tile * tile), requires_grad=False)
        self.basis = nn.Parameter(torch.zeros(z_dim, 3 * tile * tile), requires_grad=False)
        self.temperal_downsample = [False] * 4

    def encode(self, x: Tensor, return_dict: bool = True) -> Latents:
        """Raw latents of RGBA or RGB pictures in [-1, 1], (B, 3 or 4, 1, H, W), sides a multiple of the tile."""
        color = x[:, :3, 0]
        if x.shape[1] == 4:
            alpha = (x[:, 3:, 0] + 1) / 2
            color = color * alpha + (1 - alpha)
        return Latents(self._to_grid((to_tiles(color, self.tile) - self.mean) @ self.basis.T, color).unsqueeze(2))

    def decode(self, z: Tensor, return_dict: bool = True) -> tuple[Tensor]:
        """RGBA pictures in [-1, 1], (B, 4, 1, H, W), of raw latents (B, z, 1, H/16, W/16)."""
        batch, channels, _, rows, columns = z.shape
        tiles = z[:, :, 0].reshape(batch, channels, -1).transpose(1, 2) @ self.basis + self.mean
        color = from_tiles(tiles, rows, columns, self.tile).clamp(-1, 1)
        return (torch.cat([color, torch.ones_like(color[:, :1])], dim=1).unsqueeze(2),)

    @property
    def tile(self) -> int:
        """Side of a tile, px."""
        return int(self.config["tile"])

    def _to_grid(self, tokens: Tensor, picture: Tensor) -> Tensor:
        rows, columns = (side // self.tile for side in picture.shape[-2:])
        return tokens.transpose(1, 2).reshape(len(tokens), -1, rows, columns)


def to_tiles(x: Tensor, tile: int) -> Tensor:
    """(B, 3, H, W) -> (B, tokens, 3·tile²), row by row."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // tile, tile, width // tile, tile)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * tile * tile)


def from_tiles(tokens: Tensor, rows: int, columns: int, tile: int) -> Tensor:
    """(B, tokens, 3·tile²) -> (B, 3, H, W); the inverse of `to_tiles`."""
    x = tokens.reshape(len(tokens), rows, columns, 3, tile, tile)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(len(tokens), 3, rows * tile, columns * tile)


def fit_codec(pictures: Tensor, z_dim: int, power: float, scale: float, tile: int = 16) -> LinearCodec:
    """A codec from the principal components of pictures.

    Args:
        pictures: (B, 3, H, W) in [-1, 1].
        z_dim: components kept.
        power: a component of standard deviation s is divided by a number proportional to s^power. 1 whitens, so that
            weak components get the variance of strong ones; 0 keeps the spectrum of the pictures.
        scale: root mean square of the normalised latents.
        tile: side of a tile, px.
    """
    tiles = to_tiles(pictures, tile).reshape(-1, 3 * tile * tile).double()
    mean = tiles.mean(0)
    values, vectors = torch.linalg.eigh((tiles - mean).T @ (tiles - mean) / len(tiles))
    deviation = values.flip(0)[:z_dim].clamp(min=1e-8).sqrt()
    std = deviation**power
    std = std * ((deviation / std) ** 2).mean().sqrt() / scale
    codec: LinearCodec = LinearCodec(z_dim, tile, [0.0] * z_dim, [round(float(s), 7) for s in std])
    codec.mean.data = mean.float()
    codec.basis.data = vectors.flip(1)[:, :z_dim].T.contiguous().float()
    return codec
