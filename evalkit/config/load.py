"""Reads the config of a run from a YAML file and flags, and checks it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.api.errors import ConfigError
from evalkit.api.records import JSON
from evalkit.config.model import RunConfig
from evalkit.formats.explain import validate
from evalkit.formats.strict_yaml import read_yaml

EMBEDDED_DEFAULT: Mapping[str, Any] = {
    "benchmark": "minis-core",
    "student": "flash-mini",
    "teacher": "base-mini",
    "judges": ["typography", "layout", {"use": "grain", "codec_floor": "twin"}, "edit", "vlm"],
    "gates": [
        {"dimension": "typography.word_accuracy", "max_drop": 0.25},
        {"dimension": "layout.placement", "max_drop": 0.1},
        {"dimension": "edit.preserved", "max_drop": 0.15, "where": {"task": "edit"}},
        {"dimension": "grain.area", "max_value": 0.25},
        {"finding": "text", "blame": "student-only", "max_rate": 0.3},
    ],
}
"""What `evalkit run` does without arguments: it judges the shipped mini student against the shipped mini teacher.

The margins are as wide as its 48 cases need: 25 of them ask for a text and 20 are edits, so that one bad case moves a
mean by .04 or .05.
"""


def load_config(
    path: Path | None, overrides: Mapping[str, Any], *, only_names: frozenset[str] = frozenset()
) -> RunConfig:
    """The config file (if any), overridden by flags and variables; without all of these, the embedded default.

    Args:
        path: the YAML file; its relative paths resolve against its folder.
        overrides: keys of `RunConfig` from flags; their relative paths resolve against the working folder.
        only_names: keys of `overrides` that name what is used and turn nothing on that the file turns off by `false`.

    Raises:
        ConfigError: the file or a value is wrong; names all problems at once.
    """
    values = read_yaml(path, ConfigError) if path else {}
    where = str(path) if path else "command line"
    merged = {**values, **{key: value for key, value in overrides.items() if not _is_off(values, key, only_names)}}
    if not {"benchmark", "student", "teacher"} & set(merged):
        if "judges" in merged:  # the gates of the embedded default rest on its own judges
            merged = {"gates": (), **merged}
        merged = {**EMBEDDED_DEFAULT, **merged}
    elif "student" not in merged:
        raise ConfigError(
            "there is no student to judge", where=where, hint="add `student:` to the config, or `--student`"
        )
    base = path.resolve().parent if path else Path.cwd()
    return validate(RunConfig, merged, where=where, base=base)


def _is_off(values: JSON, key: str, only_names: frozenset[str]) -> bool:
    """Whether the file turns off what an override only names."""
    return key in only_names and isinstance(values, Mapping) and values.get(key) is False
