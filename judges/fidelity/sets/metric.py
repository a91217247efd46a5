"""The common parts of all metrics over sets: settings, and features streamed from pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

from pydantic import Field

from evalkit.api import settings
from evalkit.api.protocols import PictureSet
from evalkit.api.records import JSON
from evalkit.api.settings import ResolvedPath
from evalkit.judges.fidelity.networks.network import FeatureNetwork, Features

FOR_A_GATE = 5_000
"""Least number of pictures for a gate on a Fréchet distance: below it, the bias outweighs what is measured."""


class SetSettings(settings.Settings):
    """`reference`: a folder of pictures to use instead of the teacher's. `device`: the feature network's device."""

    reference: ResolvedPath | None = Field(None)
    device: Literal["auto", "cpu", "cuda"] = "auto"


class FeatureBatch(NamedTuple):
    """Features (n, d) of some pictures, and the case of each."""

    features: Features
    cases: tuple[str, ...]


def stream(pictures: PictureSet, network: FeatureNetwork) -> Iterator[FeatureBatch]:
    """Features in batches. Raises `PictureError` for a file that can't be decoded."""
    waiting = pictures.pictures()
    while group := list(islice(waiting, network.batch_size)):
        yield FeatureBatch(network.features([picture.pixels for _, picture in group]), tuple(case for case, _ in group))


def identity(name: str, version: str, network: FeatureNetwork) -> list[JSON]:
    """The fingerprint of a metric."""
    return [name, version, network.fingerprint()]
