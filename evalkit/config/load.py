"""YAML in, `RunConfig` out, safely: no aliases (bombs), no duplicate keys, no objects, bounded size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from evalkit.config.explain import explain
from evalkit.config.model import RunConfig
from evalkit.errors import ConfigError

MAX_CONFIG_BYTES = 1_000_000
EMBEDDED_DEFAULT: Mapping[str, Any] = {"benchmark": "scenes-core", "student": "scenes-faulty", "teacher": "scenes"}


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses aliases and duplicate keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is not text", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"duplicate key {key!r}", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        ConfigError: missing, too large, not UTF-8, not a mapping, or YAML with aliases or duplicate keys.
    """
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError("the config is larger than 1 MB", where=str(path))
        text = path.read_text(encoding="utf-8")
        value = yaml.load(text, _StrictLoader)  # noqa: S506 (a SafeLoader)
    except OSError as error:
        raise ConfigError(
            f"can't be read: {error.strerror or error}", where=str(path), hint="`evalkit init` writes one"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8: {error.reason} at byte {error.start}", where=str(path)) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"not YAML as evalkit takes it: {_first_lines(error)}", where=str(path)) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError("a config is a mapping of keys to values", where=str(path))
    return value


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> RunConfig:
    """The config file (if any) with flags and variables over it; the embedded default where nothing is said.

    Args:
        path: the YAML file; its relative paths resolve against its folder.
        overrides: keys of `RunConfig` from flags; their relative paths resolve against the working folder.

    Raises:
        ConfigError: any problem of the file or of the values, all of them at once.
    """
    values = read_yaml(path) if path else {}
    where = str(path) if path else "command line"
    merged = {**values, **overrides}
    if not {"benchmark", "student", "teacher"} & set(merged):
        merged = {**EMBEDDED_DEFAULT, **merged}
    elif "student" not in merged:
        raise ConfigError("no student to judge", where=where, hint="say `student:` in the config or `--student`")
    base = path.resolve().parent if path else Path.cwd()
    try:
        return RunConfig.model_validate(merged, context={"base": base})
    except ValidationError as error:
        raise explain(error, RunConfig, where=where) from error


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
