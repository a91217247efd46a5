"""Writes `calibration.json` atomically, with its schema beside it."""

from __future__ import annotations

import json
from pathlib import Path

from evalkit.api.errors import ConfigError
from evalkit.formats.keys import to_json
from evalkit.studies.calibrate.records import Calibration
from evalkit.studies.calibrate.schema import CALIBRATION_FORMAT, CALIBRATION_SCHEMA, schema_text


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write the file, and its schema beside it.

    Raises:
        ConfigError: the file can't be written.
    """
    content = {"$schema": CALIBRATION_SCHEMA, "format_version": CALIBRATION_FORMAT, **to_json(calibration)}
    text = json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n"
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(CALIBRATION_SCHEMA).write_text(schema_text(CALIBRATION_SCHEMA), encoding="utf-8")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"the file can't be written: {error.strerror or error}", where=str(path)) from error
