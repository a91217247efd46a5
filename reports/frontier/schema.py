"""The published schema of `frontier.json`; `python -m evalkit.reports.frontier.schema` writes it beside this file."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from evalkit.api.frontier import Frontier
from evalkit.api.records import JSON

SCHEMA = "frontier.schema.json"
FORMAT = 1


def schema_text() -> str:
    """The published JSON Schema (draft 2020-12) of the file."""
    return (files(__package__) / SCHEMA).read_text(encoding="utf-8")


def make_schema() -> JSON:
    """The schema, made from the records."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Frontier).json_schema(mode="serialization")
    own = {"$schema": {"const": SCHEMA}, "format_version": {"const": FORMAT}}
    schema["properties"] = own | schema["properties"]
    schema["required"] = [*own, *schema["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    Path(__file__).with_name(SCHEMA).write_text(json.dumps(make_schema(), indent=2) + "\n", encoding="utf-8")
