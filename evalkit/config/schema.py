"""The published JSON schema of `evalkit.yaml`; `python -m evalkit.config.schema` writes it beside this file."""

from __future__ import annotations

import json
from pathlib import Path

from evalkit.config.model import RunConfig

PATH = Path(__file__).with_name("evalkit.schema.json")


def schema_text() -> str:
    """JSON Schema 2020-12 of the run config."""
    schema = RunConfig.model_json_schema()
    for field in schema["properties"].values():
        field.pop("default", None)
    return json.dumps(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "evalkit.yaml", **schema}, indent=2
    )


if __name__ == "__main__":
    PATH.write_text(schema_text() + "\n", encoding="utf-8")
