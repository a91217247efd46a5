"""CLIP and DINOv2 image features through transformers, by path or hub id.

The whole picture is resized to a square (bicubic, antialiased), as CMMD's authors do: a centre crop would miss the
edges. transformers downloads a model only if the config names a hub id, and never with `HF_HUB_OFFLINE=1`.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo

from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import Pixels
from evalkit.api.settings import with_home
from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.judges.fidelity.networks.network import INSTALL, Features, device, squared, usable

if TYPE_CHECKING:
    import torch

    from evalkit.api.records import JSON


def _here_or_on_the_hub(given: Any, info: ValidationInfo) -> Any:
    if not isinstance(given, str):
        return given
    path = Path((info.context or {}).get("base", Path.cwd())) / with_home(Path(given))
    return str(path.resolve()) if path.exists() else given


ModelRef = Annotated[str, Field(min_length=1), BeforeValidator(_here_or_on_the_hub)]
"""A folder, relative to the config file that names it, or a hub id. An existing folder is never sought on the hub."""

HINT = "give the folder of a downloaded model (config.json and safetensors), or a hub id where the hub is reachable"
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP_COLOURS = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and standard deviation for normalising pictures, as published with each model."""


class _Transformer(ABC):
    name: ClassVar[str]
    colours: ClassVar[tuple[tuple[float, ...], tuple[float, ...]]]
    batch_size = 16

    def __init__(self, model: str, wanted_device: str = "auto") -> None:
        self.model = model
        self._wanted_device = wanted_device

    def fingerprint(self) -> JSON:
        return [self.name, model_identity(self.model), "bicubic"]

    def missing(self) -> tuple[str, str] | None:
        return missing(self.model)

    @property
    def dims(self) -> int:
        return self._width()

    def features(self, batch: Sequence[Pixels]) -> Features:
        import torch

        side = self._side()
        with torch.inference_mode():
            rows = torch.from_numpy(np.stack([squared(pixels, side) for pixels in batch])).permute(0, 3, 1, 2)
            mean, spread = (torch.tensor(values).view(3, 1, 1) for values in self.colours)
            found = self._embed(((rows.float() / 255 - mean) / spread).to(device(self._wanted_device)))
        result: Features = found.float().cpu().numpy()
        return result

    def close(self) -> None:
        self.__dict__.pop("_network", None)

    @cached_property
    def _network(self) -> Any:
        usable(self)
        return load(self._class(), self.model).to(device(self._wanted_device))

    @abstractmethod
    def _class(self) -> str: ...

    @abstractmethod
    def _side(self) -> int: ...

    @abstractmethod
    def _width(self) -> int: ...

    @abstractmethod
    def _embed(self, rows: torch.Tensor) -> torch.Tensor: ...


class Clip(_Transformer):
    """The projected image embedding of a CLIP."""

    name = "clip"
    colours = CLIP_COLOURS

    def _class(self) -> str:
        return "CLIPModel"

    def _side(self) -> int:
        return int(self._network.config.vision_config.image_size)

    def _width(self) -> int:
        return int(self._network.config.projection_dim)

    def _embed(self, rows: torch.Tensor) -> torch.Tensor:
        seen = self._network.vision_model(pixel_values=rows).pooler_output
        embedded: torch.Tensor = self._network.visual_projection(seen)
        return embedded


class DinoV2(_Transformer):
    """The class token after the last norm, of pictures of 224 px (16×16 patches)."""

    name = "dinov2"
    colours = _IMAGENET

    def _class(self) -> str:
        return "Dinov2Model"

    def _side(self) -> int:
        return 16 * int(self._network.config.patch_size)

    def _width(self) -> int:
        return int(self._network.config.hidden_size)

    def _embed(self, rows: torch.Tensor) -> torch.Tensor:
        embedded: torch.Tensor = self._network(pixel_values=rows).pooler_output
        return embedded


def missing(model: str) -> tuple[str, str] | None:
    """Why a model can't be loaded and what to do about it, as far as is known without trying; else `None`."""
    for package in ("torch", "transformers"):
        if find_spec(package) is None:
            return f"{package} is not installed", INSTALL
    if model.startswith(("/", ".", "~")) and not Path(model).is_dir():
        return f"no such folder: {model}", HINT
    return None


def load(kind: str, model: str) -> Any:
    """A model of transformers in float32, for inference. Raises `UnavailableError` with the next step."""
    lack = missing(model)
    if lack:
        raise UnavailableError(lack[0], where=model, hint=lack[1])
    ensure_torchvision()
    import transformers

    try:
        loaded, report = getattr(transformers, kind).from_pretrained(model, output_loading_info=True)
    except Exception as error:  # the hub can't be reached, or the folder holds something else
        raise unavailable(model, error) from error
    lacking = [*report["missing_keys"], *report["mismatched_keys"]]
    if lacking:  # transformers would continue with random numbers in their place
        raise unavailable(model, ValueError(f"{len(lacking)} weights of {kind} are not in it, such as {lacking[0]}"))
    return loaded.float().eval().requires_grad_(False)


def unavailable(model: str, error: Exception) -> UnavailableError:
    """The error for a model that can't be loaded."""
    first = str(error).strip().partition("\n")[0]
    return UnavailableError(f"the model can't be loaded: {first}", where=model, hint=HINT)


def model_identity(model: str) -> JSON:
    """The hub id; for a folder, a digest of the names and sizes of its files and of the contents of the small ones."""
    folder = with_home(Path(model))
    if not folder.is_dir():
        return model
    found = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        size = path.stat().st_size
        found.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            found.update(file.read(4_000_000))
    return found.hexdigest()
