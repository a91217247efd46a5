"""Validation errors of a case or a suite header in words: what is wrong, and the nearest right name."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any

from pydantic import ValidationError

from evalkit.records import Background, Box, Case, Element, Question, Relation, SourceImage, TextTarget

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_RECORD_OF: dict[str, type[Any]] = {
    "texts": TextTarget,
    "elements": Element,
    "relations": Relation,
    "background": Background,
    "flat_regions": Box,
    "checklist": Question,
    "source": SourceImage,
    "box": Box,
}


def fields_at(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The field names of the record that holds `location` in a `Case`."""
    parents = [part for part in location[:-1] if isinstance(part, str)]
    record = _RECORD_OF.get(parents[-1], Case) if parents else Case
    return tuple(field.name for field in dataclasses.fields(record))


def explain(error: ValidationError, names: tuple[str, ...] = ()) -> tuple[str, str]:
    """What is wrong, and what to do. `names` are the right names; without them, those of a `Case` are used."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = problems[0]
    place = ".".join(map(str, first["loc"]))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] not in _UNKNOWN:
        message = first["msg"].removeprefix("Value error, ")
        return f"{place}: {message}{more}" if place else message + more, "correct the value"
    right = names or fields_at(first["loc"])
    near = difflib.get_close_matches(str(first["loc"][-1]), right, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(right)}"
    return f"unknown field {place!r}{more}", hint
