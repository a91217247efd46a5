"""Finds presets: a preset is a generator with its settings under a name of its own.

An entry point of the group `evalkit.presets` names a function that returns presets. A preset is used like a generator,
`--student NAME`; settings of the user replace its own, `NAME:key=value`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

from evalkit.api.errors import ConfigError, UnavailableError
from evalkit.api.records import JSON


class Preset(Protocol):
    """A generator with its settings. `summary` says what it is; `brief` gives steps, NFE, memory and licence."""

    name: str
    summary: str

    @property
    def brief(self) -> str: ...

    def resolve(self, given: Mapping[str, JSON], value: str = "") -> tuple[str, dict[str, Any]]:
        """The name of the generator plug-in and its settings: the preset's own, replaced by those the user gave.

        Raises:
            ConfigError: the preset needs a setting that was not given.
        """
        ...


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by name, read once per process.

    Raises:
        UnavailableError: an entry point can't be imported, or one of its files is not a preset.
    """
    found: dict[str, Preset] = {}
    for entry in sorted(entry_points(group="evalkit.presets"), key=lambda entry: entry.name):
        try:
            more: dict[str, Preset] = {preset.name: preset for preset in entry.load()()}
        except ConfigError as error:
            raise UnavailableError(str(error), where=entry.value, hint=error.hint) from error
        except Exception as error:  # other people's module: anything can happen
            what = f"the presets `{entry.name}` can't be read: {type(error).__name__}: {error}"
            raise UnavailableError(what, where=entry.value, hint="`evalkit doctor` shows what is missing") from error
        found = more | found
    return found
