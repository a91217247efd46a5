"""torchvision's backbones for LPIPS and DISTS, from a file or from torch's own cache; downloaded only on request."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from evalkit.api import settings
from evalkit.api.errors import UnavailableError
from evalkit.api.settings import ResolvedPath
from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.judges.fidelity.networks.network import INSTALL, file_digest, load_weights

FILES = {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth", "squeeze": "squeezenet1_1-b8a52dc0.pth"}
"""Names under which torchvision publishes its ImageNet weights."""


class BackboneSettings(settings.Settings):
    """`weights`: torchvision's file of the backbone; by default the one in torch's cache. `download`: download it."""

    weights: ResolvedPath | None = None
    download: bool = False


def missing(net: str, given: BackboneSettings) -> tuple[str, str] | None:
    """Why the backbone is not available, and what to do; else `None`."""
    for package in ("torch", "torchvision", "torchmetrics"):
        if find_spec(package) is None:
            return f"{package} is not installed", INSTALL
    path = _path(net, given)
    if path.is_file() or (given.download and given.weights is None):
        return None
    return f"the weights of the {net} backbone are not there: {path}", f"give weights={FILES[net]}, or download=true"


def fingerprint(net: str, given: BackboneSettings) -> str:
    """SHA-256 of the weights. Before they are downloaded: torchvision's file name, which ends in its hash."""
    return file_digest(_path(net, given)) or FILES[net]


@contextmanager
def backbone(net: str, given: BackboneSettings) -> Iterator[None]:
    """A context in which torchvision finds the weights in its cache. Raises `UnavailableError` if there are none."""
    lack = missing(net, given)
    if lack:
        raise UnavailableError(lack[0], where=net, hint=lack[1])
    ensure_torchvision()
    path = _path(net, given)
    if not path.is_file():
        try:
            yield
        except OSError as error:
            hint = f"give weights={FILES[net]}"
            raise UnavailableError(f"the backbone can't be fetched: {error}", where=net, hint=hint) from error
        return
    load_weights(path, f"torchvision's {FILES[net]}")  # torchvision would run a pickle's code
    import torch

    usual = torch.hub.get_dir()
    with tempfile.TemporaryDirectory(prefix="evalkit-") as folder:
        (Path(folder) / "checkpoints").mkdir()
        (Path(folder) / "checkpoints" / FILES[net]).symlink_to(path.resolve())
        torch.hub.set_dir(folder)
        try:
            yield
        except RuntimeError as error:
            what = f"the file holds other weights than those of torchvision's {net}"
            raise UnavailableError(what, where=str(path), hint=FILES[net]) from error
        finally:
            torch.hub.set_dir(usual)


def _path(net: str, given: BackboneSettings) -> Path:
    if given.weights is not None:
        return given.weights
    if find_spec("torch") is None:
        return Path(FILES[net])
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / FILES[net]
