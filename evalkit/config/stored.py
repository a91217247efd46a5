"""Converts the config of a run to JSON for its store, and back, so that the same plug-ins can be made again."""

from __future__ import annotations

from pathlib import Path

from evalkit.api.records import JSON
from evalkit.config.model import RunConfig
from evalkit.plugins.registry import PluginSpec


def config_to_json(config: RunConfig) -> JSON:
    """Every key as plain JSON; plug-ins with the folder that their relative paths resolve against."""
    return {name: _plain(getattr(config, name)) for name in RunConfig.model_fields}


def config_from_json(stored: JSON) -> RunConfig:
    """The config. Raises `pydantic.ValidationError` if another version of evalkit wrote it differently."""
    return RunConfig.model_validate({name: _read(value) for name, value in stored.items()})


def _plain(value: object) -> JSON:
    if isinstance(value, PluginSpec):
        base = str(value.base.absolute())
        return {"plugin": value.use, "settings": dict(value.settings), "value": value.value, "base": base}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.model_dump(mode="json", exclude_none=True) if hasattr(value, "model_dump") else value


def _read(value: JSON) -> object:
    if isinstance(value, dict) and "plugin" in value:
        return PluginSpec(value["plugin"], value["settings"], value["value"], Path(value["base"]))
    return tuple(map(_read, value)) if isinstance(value, list) else value
