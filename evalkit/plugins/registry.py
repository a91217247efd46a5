"""Loads and creates plug-ins by name, through entry points: ours and other people's alike.

name in a config ─▶ PluginSpec ─▶ class (load) ─▶ validated settings ─▶ instance (create)
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

import yaml
from pydantic import ValidationError

from evalkit.api.ability import Specimens
from evalkit.api.errors import (
    ConfigError,
    EvalkitError,
    PluginError,
    StoppedByUser,
    UnavailableError,
    UnknownNameError,
    UsageError,
)
from evalkit.api.protocols import Benchmark, Exporter, Generator, Judge, Metric
from evalkit.api.records import JSON, Dimension
from evalkit.api.settings import Settings, with_home
from evalkit.api.training import JudgeData, TrainingData
from evalkit.formats.explain import explain
from evalkit.formats.foreign_text import said
from evalkit.plugins import KINDS as KINDS
from evalkit.plugins.conformance import Origin, calling, check_class, check_instance, one_of, settings_of
from evalkit.plugins.packaged import without_installation
from evalkit.plugins.presets import presets

_SHORTHAND = re.compile(r"[A-Za-z0-9_.\-]+")
_COMMA = re.compile(r",(?![^\[\]]*\])")
"""A comma between settings, not one inside a list: `rubrics=[text,layout]`."""


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """A plug-in as a config names it: the name `use` and its settings."""

    use: str
    settings: Mapping[str, JSON] = field(default_factory=dict)
    value: str = ""
    """The bare value of the shorthand `name:value`; it sets the plug-in's `primary` setting."""
    base: Path = Path()
    """The folder against which relative paths in the settings resolve; by default the working folder."""

    @classmethod
    def parse(cls, given: Any, base: Path) -> PluginSpec:
        """From `name`, `name:value,key=value…`, a folder, or a mapping with `use`.

        Raises:
            ValueError: `given` is none of these.
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
        if not _SHORTHAND.fullmatch(name) or (_is_folder(base / given) and not is_known_name(name)):
            return cls(given, base=base)
        parts = _COMMA.split(rest) if rest else []
        value = parts.pop(0) if parts and "=" not in parts[0].split("/")[0] else ""
        pairs = [part.partition("=") for part in parts]
        return cls(name, {key: _setting(key, text) for key, _, text in pairs}, value, base)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long for a file: settings of a plug-in, then
        return False


def _setting(key: str, text: str) -> JSON:
    """A value on the command line, read as YAML. Raises `ValueError` if YAML can't read it."""
    try:
        value = yaml.safe_load(text)
        json.dumps(value)  # tags make dates, sets and bytes, which no setting takes
        return value
    except Exception as error:  # PyYAML's own constructors raise anything on a tag that does not fit
        raise ValueError(f"`{key}`: not a value; quote it, or use the config file") from error


def on_command_line(text: str, base: Path) -> PluginSpec:
    """The plug-in that an option names. Raises `ConfigError` if the text names none."""
    try:
        return PluginSpec.parse(text, base)
    except ValueError as error:
        raise ConfigError(str(error), where=text or "command line") from error


def is_known_name(name: str) -> bool:
    """Whether any kind of plug-in, or a preset, has this name."""
    return any(name in names(kind) for kind in KINDS) or name in presets()


def names(kind: str) -> dict[str, EntryPoint]:
    """All plug-ins of a kind (`benchmarks`, `generators`, `judges`, …) by name; nothing is imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=f"evalkit.{kind}"), key=lambda e: e.name)}


# fmt: off
@overload
def load(kind: Literal["benchmarks"], name: str) -> type[Benchmark]: ...
@overload
def load(kind: Literal["generators"], name: str) -> type[Generator]: ...
@overload
def load(kind: Literal["judges"], name: str) -> type[Judge]: ...
@overload
def load(kind: Literal["metrics"], name: str) -> type[Metric]: ...
@overload
def load(kind: Literal["exporters"], name: str) -> type[Exporter]: ...
@overload
def load(kind: Literal["specimens"], name: str) -> type[Specimens]: ...
@overload
def load(kind: Literal["training_data"], name: str) -> type[TrainingData]: ...
@overload
def load(kind: Literal["judge_data"], name: str) -> type[JudgeData]: ...
@overload
def load(kind: str, name: str) -> Any: ...
# fmt: on
def load(kind: str, name: str) -> Any:
    """The class behind a name, checked against the contract of its kind.

    Raises:
        UnknownNameError: there is no such name; the message names the nearest right one.
        UnavailableError: a package or a library that its module imports is missing on this machine.
        PluginError: its module fails in another way, or the class breaks its contract.
    """
    entry = _entry(kind, name)
    origin = Origin.of(kind, entry)
    try:
        found = entry.load()
    except (ImportError, OSError) as error:
        raise UnavailableError(
            f"{origin} can't be imported: {said(error)}",
            where=entry.value,
            hint="`evalkit doctor` shows what is missing",
        ) from error
    except StoppedByUser:
        raise
    except BaseException as error:  # other people's module: anything can happen on import
        what = f"{origin} is faulty: importing it raised {said(error)}"
        raise PluginError(what, where=entry.value, hint="only its author can mend this") from error
    check_class(origin, found)
    return found


# fmt: off
@overload
def create(kind: Literal["benchmarks"], spec: PluginSpec) -> Benchmark: ...
@overload
def create(kind: Literal["generators"], spec: PluginSpec) -> Generator: ...
@overload
def create(kind: Literal["judges"], spec: PluginSpec) -> Judge: ...
@overload
def create(kind: Literal["metrics"], spec: PluginSpec) -> Metric: ...
@overload
def create(kind: Literal["exporters"], spec: PluginSpec) -> Exporter: ...
@overload
def create(kind: Literal["specimens"], spec: PluginSpec) -> Specimens: ...
@overload
def create(kind: Literal["training_data"], spec: PluginSpec) -> TrainingData: ...
@overload
def create(kind: Literal["judge_data"], spec: PluginSpec) -> JudgeData: ...
@overload
def create(kind: str, spec: PluginSpec) -> Any: ...
# fmt: on
def create(kind: str, spec: PluginSpec) -> Any:
    """An instance of the plug-in that a config names; for a generator the name may be that of a preset.

    Raises:
        UnknownNameError, UnavailableError, PluginError: as `load`; also what its constructor raises.
        ConfigError: settings that it does not take (the message names the nearest right key), or that it lacks.
    """
    found = _resolved(kind, spec)
    with calling(found.origin, "its constructor"):
        made = found.cls(found.settings)
    with calling(found.origin, "reading its attributes"):
        check_instance(found.origin, made)
    return made


def identity(kind: str, spec: PluginSpec) -> list[JSON]:
    """What makes two specs mean the same: the plug-in's name and its validated settings, with absolute paths.

    It does not depend on how they were written (a preset or its settings, a bare value or a key, a relative path or an
    absolute one), nor on where evalkit is installed. Raises as `create`.
    """
    found = _resolved(kind, spec)
    with calling(found.origin, "writing its settings as JSON"):
        return [found.origin.name, without_installation(found.settings.model_dump(mode="json"))]


def origin_of(kind: str, spec: PluginSpec) -> Origin:
    """Kind, name and distribution of the plug-in that a spec names, for messages. Raises `UnknownNameError`."""
    plain = _as_plugin(kind, spec)
    return Origin.of(kind, _entry(kind, plain.use))


class Trial(NamedTuple):
    """A plug-in as `evalkit list` and `evalkit doctor` see it.

    `cls` is `None` if the plug-in can't be loaded; `problem` says why it can't be used. `dimensions` are those of an
    instance, or of the class if none can be created with default settings.
    """

    cls: type | None
    dimensions: Sequence[Dimension] = ()
    problem: EvalkitError | None = None


def try_out(kind: str, name: str) -> Trial:
    """Load a plug-in and, if all its settings have defaults, create it and close it again."""
    try:
        cls: type = load(kind, name)
    except (PluginError, UnavailableError) as error:
        return Trial(None, problem=error)
    dimensions: Sequence[Dimension] = getattr(cls, "dimensions", ())
    if any(field.is_required() for field in settings_of(cls).model_fields.values()):
        return Trial(cls, dimensions)
    try:
        made = create(kind, PluginSpec(name))
        if hasattr(made, "close"):
            with calling(Origin.of(kind, names(kind)[name]), "`close`"):
                made.close()
        return Trial(cls, getattr(made, "dimensions", ()))
    except PluginError as error:
        return Trial(cls, problem=error)
    except (UsageError, UnavailableError):  # it needs other settings than its defaults, or another machine
        return Trial(cls, dimensions)


# ------------------------------------------------------------------------------------------------------------- details


class _Resolved(NamedTuple):
    origin: Origin
    cls: type[Any]
    settings: Settings


def _resolved(kind: str, spec: PluginSpec) -> _Resolved:
    """The class and the validated settings that a spec means."""
    plain = _as_plugin(kind, spec)
    cls = load(kind, plain.use)
    origin, model = Origin.of(kind, _entry(kind, plain.use)), settings_of(cls)
    values = dict(plain.settings)
    if plain.value:
        if not model.primary:
            raise ConfigError(f"`{plain.use}` takes no bare value", where=f"{plain.use}:{plain.value}")
        values.setdefault(model.primary, plain.value)
    with calling(origin, "checking its settings"):
        try:
            settings = model.model_validate(values, context={"base": plain.base})
        except ValidationError as error:
            what, hint = explain(error, model)
            raise ConfigError(what, where=f"{one_of(kind)} `{spec.use}`", hint=hint) from error
    return _Resolved(origin, cls, settings)


def _entry(kind: str, name: str) -> EntryPoint:
    """The entry point of a name. Raises `UnknownNameError` that names the nearest right one."""
    known = names(kind)
    if name in known:
        return known[name]
    choices = [*known, *(presets() if kind == "generators" else ())]
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    rest = f"`evalkit list {kind}` shows all" if kind in KINDS else f"there is {', '.join(known) or 'none'}"
    raise UnknownNameError(f"no {one_of(kind)} named `{name}`", hint=hint + rest)


def _as_plugin(kind: str, spec: PluginSpec) -> PluginSpec:
    """The spec with the name of a plug-in, where it names a preset or a folder."""
    return _folder_as_plugin(kind, _preset_as_plugin(kind, spec))


def _preset_as_plugin(kind: str, spec: PluginSpec) -> PluginSpec:
    """The generator and the settings of a preset."""
    if kind != "generators" or spec.use in names(kind) or spec.use not in presets():
        return spec
    return PluginSpec(*presets()[spec.use].resolve(spec.settings, spec.value), base=spec.base)


def _as_folder(use: str) -> Path:
    try:
        return with_home(Path(use))
    except ValueError:  # no folder of anybody; the name is looked up next, and that says so
        return Path(use)


def _folder_as_plugin(kind: str, spec: PluginSpec) -> PluginSpec:
    """The plug-in that reads a folder: a suite or labels; a diffusers model or a folder of images."""
    if spec.use in names(kind):
        return spec
    folder = (spec.base / _as_folder(spec.use)).absolute()
    if not _is_folder(folder):
        return spec
    markers = {
        "benchmarks": (("suite.yaml", "suite"), ("labels.jsonl", "labels")),
        "generators": (("model_index.json", "diffusers"), ("", "folder")),
    }.get(kind, ())
    for marker, name in markers:
        if (folder / marker).exists():
            return PluginSpec(name, spec.settings, str(folder), spec.base)
    raise UnknownNameError(
        f"the folder is not a {one_of(kind)}",
        where=str(folder),
        hint="a suite has `suite.yaml`, labels have `labels.jsonl`",
    )
