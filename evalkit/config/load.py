"""A YAML file and flags in, a checked `RunConfig` out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evalkit.api.errors import ConfigError
from evalkit.config.model import RunConfig
from evalkit.formats.explain import explain
from evalkit.formats.strict_yaml import read_yaml

EMBEDDED_DEFAULT: Mapping[str, Any] = {
    "benchmark": "minis-core",
    "student": "flash-mini",
    "teacher": "base-mini",
    "judges": ["typography", "layout", {"use": "grain", "codec_floor": "twin"}, "edit", "vlm"],
}
"""What `evalkit run` does with nothing else: the shipped mini student against the shipped mini teacher, on a CPU."""


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> RunConfig:
    """The config file (if any) with flags and variables over it; the embedded default where nothing is said.

    Args:
        path: the YAML file; its relative paths resolve against its folder.
        overrides: keys of `RunConfig` from flags; their relative paths resolve against the working folder.

    Raises:
        ConfigError: any problem of the file or of the values, all of them at once.
    """
    values = read_yaml(path, ConfigError) if path else {}
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
        what, hint = explain(error, RunConfig)
        raise ConfigError(what, where=where, hint=hint) from error
