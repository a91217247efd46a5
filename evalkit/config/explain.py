"""Validation errors in the words of the person who wrote the file."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError

from evalkit.errors import ConfigError


def explain(error: ValidationError, model: type[BaseModel], *, where: str) -> ConfigError:
    """All problems of a config in one error; an unknown key names the nearest right one."""
    lines = [_one(problem, model) for problem in error.errors(include_url=False)]
    return ConfigError("; ".join(lines), where=where, hint=f"known keys: {', '.join(sorted(model.model_fields))}")


def _one(problem: Any, model: type[BaseModel]) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        key = str(problem["loc"][-1])
        near = difflib.get_close_matches(key, _keys_at(model, problem["loc"][:-1]), n=1, cutoff=0.5)
        return f"unknown key `{path}`" + (f", did you mean `{near[0]}`?" if near else "")
    if problem["type"] == "missing":
        return f"`{path}` is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"`{path}`: {message[0].lower() + message[1:]}" if path else message


def _keys_at(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """Field names of the (nested) model that an error location points into."""
    for part in loc:
        if isinstance(part, int):
            continue
        found = _model_in(model.model_fields[part].annotation) if part in model.model_fields else None
        model = found or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found:
            return found
    return None
