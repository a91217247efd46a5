"""The published JSON schema of a preset file. `python -m evalkit.student.presets.schema` writes it."""

from __future__ import annotations

import json
from pathlib import Path

from evalkit.student.presets.preset import Preset

PATH = Path(__file__).with_name("preset.schema.json")


def schema_text() -> str:
    """JSON Schema 2020-12 of a preset."""
    schema = Preset.model_json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
