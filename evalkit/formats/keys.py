"""Content keys, and records to JSON and back (ground floor).

Everything downstream of a picture is addressed by content. A picture's key covers only what its generator can see, a
score's key covers what its judge can see: to correct an expected text judges again, but generates nothing.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from evalkit.api.hashing import digest as digest
from evalkit.api.records import JSON, Case, Request

T = TypeVar("T")
NOT_SEEN_BY_JUDGES = ("id", "category", "tags")


def to_json(record: Any) -> JSON:
    """A record as plain JSON values, ready for `json.dumps`."""
    return _adapter(type(record)).dump_python(record, mode="json")


def dump(record: Any) -> str:
    """A record as compact JSON text. Raises `ValueError` or `TypeError` for what JSON can't hold (NaN, arrays)."""
    return json.dumps(to_json(record), ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def from_json(cls: type[T], value: JSON) -> T:
    """A record from JSON values. Raises `pydantic.ValidationError` naming every wrong or unknown field."""
    result: T = _adapter(cls).validate_python(value)
    return result


def from_json_text(cls: type[T], text: str | bytes) -> T:
    """A record from JSON text. Raises `pydantic.ValidationError`."""
    result: T = _adapter(cls).validate_json(text)
    return result


_adapters: dict[Any, Any] = {}


def _adapter(cls: Any) -> Any:
    if cls not in _adapters:
        from pydantic import TypeAdapter

        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


def noise_seed(case_id: str, seed: int) -> int:
    """Seed of the initial noise, in [0, 2^63): the same for student and teacher, different for every case and seed."""
    return int(digest("noise", case_id, seed)[:16], 16) >> 1


def picture_key(request: Request, fingerprint: str) -> str:
    """Key of a picture: what is asked, by whom (`fingerprint`), from which noise. The source counts by its content."""
    case = request.case
    asked = [case.prompt, case.task.value, case.width, case.height, dict(case.extra)]
    source = case.source.sha256 if case.source else None
    return digest("picture", asked, source, fingerprint, request.noise_seed)


def score_key(picture_sha: str, twin_sha: str | None, judge_fingerprint: str, case: Case) -> str:
    """Key of a verdict: the pictures, the judge with its settings, and what the case says must be true."""
    truth = {k: v for k, v in to_json(case).items() if k not in NOT_SEEN_BY_JUDGES}
    if case.source:
        truth["source"] = case.source.sha256
    return digest("score", picture_sha, twin_sha, judge_fingerprint, truth)
