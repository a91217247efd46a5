"""A stand-in for `student.mini.codec`: patches of 16x16 RGBA pixels through one matrix, as a diffusers model."""

from types import SimpleNamespace

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config


class LinearCodec(ModelMixin, ConfigMixin):
    @register_to_config
    def __init__(self, z_dim: int = 8) -> None:
        super().__init__()
        self.register_to_config(latents_mean=[0.0] * z_dim, latents_std=[1.0] * z_dim)
        self.matrix = torch.nn.Linear(4 * 16 * 16, z_dim, bias=False)

    def encode(self, pictures):
        patches = torch.nn.functional.pixel_unshuffle(pictures[:, :, 0], 16)
        return SimpleNamespace(latents=self.matrix(patches.movedim(1, -1)).movedim(-1, 1)[:, :, None])

    def decode(self, latents, return_dict=False):
        patches = (latents[:, :, 0].movedim(1, -1) @ self.matrix.weight).movedim(-1, 1)
        return (torch.nn.functional.pixel_shuffle(patches, 16)[:, :, None],)
