"""Plug-ins by name, through entry points: ours and other people's alike (ground floor)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from evalkit.api.errors import ConfigError, UnavailableError, UnknownNameError
from evalkit.api.records import JSON
from evalkit.formats.explain import explain
from evalkit.plugins.presets import presets

KINDS = ("benchmarks", "generators", "judges", "metrics", "exporters")
_SHORTHAND = re.compile(r"[A-Za-z0-9_.\-]+")
_COMMA = re.compile(r",(?![^\[\]]*\])")
"""A comma between settings, not one inside of a list: `rubrics=[text,layout]`."""


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """A plug-in as a config names it: `use` and its settings. Relative paths in them resolve against `base`."""

    use: str
    settings: Mapping[str, JSON] = field(default_factory=dict)
    value: str = ""
    """The bare value of the shorthand `name:value`; it sets the plug-in's `primary` setting."""
    base: Path = field(default_factory=Path.cwd)

    @classmethod
    def parse(cls, given: Any, base: Path) -> PluginSpec:
        """From `name`, `name:value,key=value…`, a folder, or a mapping with `use`.

        Raises:
            ValueError: neither of these.
        """
        if isinstance(given, PluginSpec):
            return given
        if isinstance(given, Mapping):
            settings = dict(given)
            use = settings.pop("use", None)
            if not isinstance(use, str):
                raise ValueError("a mapping here needs the key `use` with the plug-in's name")
            return cls(use, settings, base=base)
        if not isinstance(given, str) or not given:
            raise ValueError("expected a name, `name:value,key=value`, a folder, or a mapping with `use`")
        name, _, rest = given.partition(":")
        if not _SHORTHAND.fullmatch(name) or ((base / given).is_dir() and not is_known_name(name)):
            return cls(given, base=base)
        parts = _COMMA.split(rest) if rest else []
        value = parts.pop(0) if parts and "=" not in parts[0].split("/")[0] else ""
        pairs = [part.partition("=") for part in parts]
        return cls(name, {key: _setting(key, text) for key, _, text in pairs}, value, base)


def _setting(key: str, text: str) -> JSON:
    """A value on the command line, as YAML would read it. Raises `ValueError` for one it can't."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"`{key}`: not a value; quote it, or use the config file") from error


def on_command_line(text: str, base: Path) -> PluginSpec:
    """What a flag names. Raises `ConfigError` for what names nothing."""
    try:
        return PluginSpec.parse(text, base)
    except ValueError as error:
        raise ConfigError(str(error), where=text or "command line") from error


def is_known_name(name: str) -> bool:
    """Whether any kind of plug-in, or a preset, has this name."""
    return any(name in names(kind) for kind in KINDS) or name in presets()


def names(kind: str) -> dict[str, EntryPoint]:
    """All plug-ins of a kind (`benchmarks`, `generators`, `judges`, `exporters`), by name; nothing is imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=f"evalkit.{kind}"), key=lambda e: e.name)}


def load(kind: str, name: str) -> Any:
    """The class behind a name.

    Raises:
        UnknownNameError: no such name; names the nearest right one.
        UnavailableError: it is there but can't be imported.
    """
    known = names(kind)
    if name not in known:
        choices = [*known, *(presets() if kind == "generators" else ())]
        near = difflib.get_close_matches(name, choices, n=1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        rest = f"`evalkit list {kind}` shows all" if kind in KINDS else f"there is {', '.join(known) or 'none'}"
        raise UnknownNameError(f"no {_one(kind)} named `{name}`", hint=hint + rest)
    try:
        return known[name].load()
    except Exception as error:  # other people's module: anything can happen on import
        raise UnavailableError(
            f"the {_one(kind)} `{name}` can't be imported: {type(error).__name__}: {error}",
            where=known[name].value,
            hint="`evalkit doctor` shows what is missing",
        ) from error


def create(kind: str, spec: PluginSpec) -> Any:
    """An instance of the plug-in that a config names; for a generator's name also that of a preset.

    Raises:
        UnknownNameError, UnavailableError: as `load`.
        ConfigError: settings it does not take, naming the nearest right key; a setting that a preset needs.
    """
    given, spec = spec, _folder_as_plugin(kind, _preset_as_plugin(kind, spec))
    cls = load(kind, spec.use)
    values = dict(spec.settings)
    if spec.value:
        primary = getattr(cls.Settings, "primary", None)
        if primary is None:
            raise ConfigError(f"`{spec.use}` takes no bare value", where=f"{spec.use}:{spec.value}")
        values.setdefault(primary, spec.value)
    try:
        settings = cls.Settings.model_validate(values, context={"base": spec.base})
    except ValidationError as error:
        what, hint = explain(error, cls.Settings)
        raise ConfigError(what, where=f"{_one(kind)} `{given.use}`", hint=hint) from error
    return cls(settings)


def _one(kind: str) -> str:
    """One of a kind, in words."""
    return kind.removesuffix("s").replace("_", " ")


def _preset_as_plugin(kind: str, spec: PluginSpec) -> PluginSpec:
    """A preset given instead of a generator."""
    if kind != "generators" or spec.use in names(kind) or spec.use not in presets():
        return spec
    return PluginSpec(*presets()[spec.use].resolve(spec.settings, spec.value), base=spec.base)


def _folder_as_plugin(kind: str, spec: PluginSpec) -> PluginSpec:
    """A folder given instead of a name: a suite or labels; a diffusers model or a folder of images."""
    folder = spec.base / Path(spec.use).expanduser()
    if spec.use in names(kind) or not folder.is_dir():
        return spec
    markers = {
        "benchmarks": (("suite.yaml", "suite"), ("labels.jsonl", "labels")),
        "generators": (("model_index.json", "diffusers"), ("", "folder")),
    }.get(kind, ())
    for marker, name in markers:
        if (folder / marker).exists():
            return PluginSpec(name, spec.settings, str(folder), spec.base)
    raise UnknownNameError(
        f"the folder is no {kind[:-1]}", where=str(folder), hint="a suite has `suite.yaml`, labels have `labels.jsonl`"
    )
