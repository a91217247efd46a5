"""The published schemas of label files and calibrations; `python -m evalkit.studies.calibrate.schema` writes them."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from evalkit.api.labels import FORMAT, SCHEMA, LabelFile
from evalkit.api.records import JSON
from evalkit.studies.calibrate.records import Calibration

CALIBRATION_SCHEMA = "calibration.schema.json"
CALIBRATION_FORMAT = 1
PUBLISHED: dict[str, tuple[type[Any], int]] = {
    SCHEMA: (LabelFile, FORMAT),
    CALIBRATION_SCHEMA: (Calibration, CALIBRATION_FORMAT),
}
"""By name of the schema: its record, and the version of the format."""


def schema_text(name: str) -> str:
    """The text of a published JSON Schema (draft 2020-12)."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def make_schema(name: str) -> JSON:
    """The schema, generated from the record."""
    from pydantic import TypeAdapter

    record, version = PUBLISHED[name]
    schema = TypeAdapter(record).json_schema(mode="serialization")
    own = {"$schema": {"const": name}, "format_version": {"const": version}}
    schema["properties"] = own | schema["properties"]
    schema["required"] = [*own, *schema["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    for each in PUBLISHED:
        text = json.dumps(make_schema(each), indent=2) + "\n"
        Path(__file__).with_name(each).write_text(text, encoding="utf-8")
