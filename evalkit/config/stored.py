"""Converts the config of a run to JSON for its store, and back, so that the same plug-ins can be made again."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evalkit.api.errors import ConfigError
from evalkit.api.records import JSON
from evalkit.config.model import Gate, RunConfig
from evalkit.formats.explain import explain
from evalkit.plugins.registry import PluginSpec

_OF_FINDINGS = ("blame", "grade")
"""Keys that a gate on a dimension refuses."""


def config_to_json(config: RunConfig) -> JSON:
    """Every key as plain JSON; plug-ins with the folder that their relative paths resolve against."""
    return {name: _plain(getattr(config, name)) for name in RunConfig.model_fields}


def config_from_json(stored: JSON, *, where: str) -> RunConfig:
    """The config.

    Args:
        stored: what `config_to_json` made of it, in this version of evalkit or an earlier one.
        where: the run folder, for the error.

    Raises:
        ConfigError: another version of evalkit wrote it differently, or what it names is not here any more.
    """
    what = "the config that is stored with the run can't be read"
    hint = "use the version of evalkit that wrote the run, on the machine that holds what its config names"
    try:
        given: dict[str, Any] = {name: _read(value) for name, value in stored.items()}
        given["gates"] = tuple(map(_gate, given.get("gates") or ()))
        return RunConfig.model_validate(given)
    except ValidationError as error:
        raise ConfigError(f"{what}: {explain(error, RunConfig).what}", where=where, hint=hint) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{what}: it is not as evalkit writes it", where=where, hint=hint) from error


def gates_from_json(stored: JSON) -> tuple[Gate, ...]:
    """The gates of a stored config, but for those that this version of evalkit does not understand."""
    gates = []
    for each in (stored or {}).get("gates") or ():
        with contextlib.suppress(ValidationError):
            gates.append(Gate.model_validate(_gate(each)))
    return tuple(gates)


def _plain(value: object) -> JSON:
    if isinstance(value, PluginSpec):
        base = str(value.base.absolute())
        return {"plugin": value.use, "settings": dict(value.settings), "value": value.value, "base": base}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Gate):
        return _gate(value.model_dump(mode="json", exclude_none=True))
    return value.model_dump(mode="json", exclude_none=True) if hasattr(value, "model_dump") else value


def _gate(stored: JSON) -> JSON:
    """A gate without the keys that it can't have been given: early versions wrote them down at their defaults."""
    if stored.get("finding"):
        return stored
    return {name: value for name, value in stored.items() if name not in _OF_FINDINGS}


def _read(value: JSON) -> object:
    if isinstance(value, dict) and "plugin" in value:
        return PluginSpec(value["plugin"], value["settings"], value["value"], Path(value["base"]))
    return tuple(map(_read, value)) if isinstance(value, list) else value
