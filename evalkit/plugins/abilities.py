"""Finds the figures that a judge's package ships about what the judge can see, without importing the judge."""

from __future__ import annotations

import functools
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from pydantic import ValidationError

from evalkit.api.ability import MEASURED, Ability
from evalkit.formats.keys import from_json_text


def folder_of(judge: str) -> Path | None:
    """The folder of the package that holds a judge's class; `None` if it can't be found. Nothing of it is imported."""
    entry = next(iter(entry_points(group="evalkit.judges", name=judge)), None)
    if entry is None:
        return None
    try:
        spec = find_spec(entry.module.rpartition(".")[0] or entry.module)
    except ModuleNotFoundError:
        return None
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or ()) or ([str(Path(spec.origin).parent)] if spec.origin else [])
    return Path(places[0]) if places else None


@functools.lru_cache(maxsize=64)
def ability_of(judge: str) -> Ability | None:
    """The figures shipped with a judge; `None` if there are none, or none that can be read."""
    folder = folder_of(judge)
    try:
        return from_json_text(Ability, (folder / MEASURED).read_bytes()) if folder else None
    except (OSError, ValidationError):
        return None
