"""Checks values against pydantic models, and explains what is wrong in the words of the person who wrote them."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from evalkit.api.errors import ConfigError

M = TypeVar("M", bound=BaseModel)
MOST_PROBLEMS = 10
"""So many problems of one value are named, at most."""
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


class Explained(NamedTuple):
    """What is wrong (every problem of the value), and what to do about it."""

    what: str
    hint: str


def validate(model: type[M], value: object, *, where: str, base: Path | None = None) -> M:
    """The value as a `model`.

    Args:
        model: a pydantic model.
        value: what a file, a flag or a caller gave.
        where: the file or the command, for the error.
        base: folder that relative paths resolve against; `None`: the working folder.

    Raises:
        ConfigError: the value does not fit the model; names every problem.
    """
    try:
        return model.model_validate(value, context={"base": base} if base else None)
    except ValidationError as error:
        what, hint = explain(error, model)
        raise ConfigError(what, where=where, hint=hint) from error


def explain(error: ValidationError, model: type[Any]) -> Explained:
    """Why a value does not fit `model`, a pydantic model or a dataclass.

    For an unknown field it names the nearest known one.
    """
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    said = [_problem(problem, model) for problem in problems[:MOST_PROBLEMS]]
    more = len(problems) - len(said)
    return Explained("; ".join(said) + (f"; and {more} more" if more else ""), _hint(problems[0], model))


def _problem(problem: Any, model: type[Any]) -> str:
    place = ".".join(map(str, problem["loc"]))
    if problem["type"] in _UNKNOWN:
        near = difflib.get_close_matches(str(problem["loc"][-1]), _fields_at(model, problem["loc"]), n=1, cutoff=0.5)
        return f"unknown key `{place}`" + (f", did you mean `{near[0]}`?" if near else "")
    if problem["type"] in ("missing", "missing_argument"):
        return f"`{place}` is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"`{place}`: {message[0].lower() + message[1:]}" if place else message


def _hint(problem: Any, model: type[Any]) -> str:
    if problem["type"] in _UNKNOWN or problem["type"].startswith("missing"):
        return f"the keys here are {', '.join(_fields_at(model, problem['loc']))}"
    if problem["type"] == "string_type":
        return 'quote the value if it is meant as text: "1.0"'
    if problem["type"] in ("tuple_type", "list_type"):
        return "write a list, even for a single value: [a, b]"
    return "correct the value"


def _fields_at(model: type[Any], loc: tuple[int | str, ...]) -> list[str]:
    """Field names of the record that contains an error; `loc` is the path of the error and ends in the field itself."""
    for part in loc[:-1]:
        found = _record_in(_hints(model).get(part)) if isinstance(part, str) else None
        model = found or model
    return [name for name in _hints(model) if not name.startswith("_")]


def _hints(model: type[Any]) -> dict[str, Any]:
    if issubclass(model, BaseModel):
        return {name: field.annotation for name, field in model.model_fields.items()}
    hints = typing.get_type_hints(model)
    return {field.name: hints[field.name] for field in dataclasses.fields(model)}


def _record_in(annotation: Any) -> type[Any] | None:
    """The first model or dataclass inside an annotation such as `tuple[Gate, ...] | None`."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _record_in(part))), None)
