"""The profiles of models that can be served, read from `profiles.yaml`."""

from __future__ import annotations

import difflib
import functools
import math
from pathlib import Path
from typing import Literal, cast

from pydantic import ValidationError

from evalkit.api.errors import ConfigError, UnknownNameError
from evalkit.api.records import JSON
from evalkit.api.settings import Settings
from evalkit.formats.explain import explain
from evalkit.formats.strict_yaml import read_yaml

FILE = Path(__file__).with_name("profiles.yaml")


class Profile(Settings):
    """One model. The fields are described at the top of `profiles.yaml`.

    `cap_gib` is the most memory that the model is given; `None`: no limit.
    """

    name: str
    model: str
    licence: str
    weights_gib: float
    min_gib: float
    cap_gib: float | None = None
    cpu: bool = False
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    coordinates: Literal["relative-1000", "pixels"]
    token_px: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    max_model_len: int | None = None
    any_whitespace: bool = False
    min_vllm: str
    note: str = ""

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) in px in which the model sees a picture: multiples of `token_px`, area within the bounds.

        The rounding is that of the Qwen2-VL image processor (`smart_resize`). Unchanged without `token_px`.
        """
        side = self.token_px
        if side is None:
            return width, height
        wide, high = (round(length / side) * side for length in (width, height))
        if self.max_pixels and wide * high > self.max_pixels:
            shrink = math.sqrt(width * height / self.max_pixels)
            wide, high = (max(side, math.floor(length / shrink / side) * side) for length in (width, height))
        elif self.min_pixels and wide * high < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (width * height))
            wide, high = (math.ceil(length * grow / side) * side for length in (width, height))
        return wide, high

    def where(self, model: str = "") -> str:
        """The model that vLLM loads: `model`, or the profile's own; a folder as an absolute path."""
        wanted = Path(model or self.model).expanduser()
        for path in (wanted, FILE.parent / wanted):
            if path.is_dir():
                return str(path.resolve())
        if not model and self.model.startswith("."):
            return str((FILE.parent / wanted).resolve())
        return model or self.model


@functools.cache
def profiles() -> dict[str, Profile]:
    """All profiles by name, in the order of the file."""
    known = {}
    for name, fields in read_yaml(FILE, ConfigError).items():
        try:
            known[name] = Profile.model_validate({"name": name, **cast("dict[str, JSON]", fields)})
        except ValidationError as error:
            what, hint = explain(error, Profile)
            raise ConfigError(what, where=f"{FILE}: {name}", hint=hint) from error
    return known


def profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        UnknownNameError: there is none; the hint names the nearest one.
    """
    if name in profiles():
        return profiles()[name]
    near = difflib.get_close_matches(name, profiles(), n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise UnknownNameError(f"no profile `{name}`", where="judge", hint=f"{hint}there are {', '.join(profiles())}")
