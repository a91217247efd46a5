"""Content keys, and the conversion of records to JSON and back.

Everything made from a picture is addressed by content. The key of a picture covers only what its generator can see, the
key of a score what its judge can see. So if an expected text is corrected, the picture is judged again, but it is not
generated again.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from evalkit.api.hashing import digest as digest
from evalkit.api.records import JSON, Case, Request

T = TypeVar("T")
_SCORE = "score/2"
"""Raised whenever judges would see other pixels of the same file: from 2 on, colour profiles are applied."""
NOT_SEEN_BY_JUDGES = ("id", "category", "tags")


def to_json(record: Any) -> JSON:
    """A record as plain JSON values, ready for `json.dumps`."""
    return _adapter(type(record)).dump_python(record, mode="json", warnings=False)


def dump(record: Any) -> str:
    """A record as compact JSON text. Raises `ValueError` or `TypeError` for values JSON can't hold (NaN, arrays)."""
    return json.dumps(to_json(record), ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def from_json(cls: type[T], value: JSON) -> T:
    """A record from JSON values. Raises `pydantic.ValidationError`, which names every wrong or unknown field."""
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
    """Key of a picture: its request, the generator (`fingerprint`) and the noise; an edit's source by its content."""
    case = request.case
    asked = [case.prompt, case.task.value, case.width, case.height, dict(case.extra)]
    source = case.source.sha256 if case.source else None
    return digest("picture", asked, source, fingerprint, request.noise_seed)


def score_key(picture_sha: str, twin_sha: str | None, judge_fingerprint: str, case: Case) -> str:
    """Key of a verdict: the pictures, the judge with its settings, and the part of the case that judges see."""
    truth = {k: v for k, v in to_json(case).items() if k not in NOT_SEEN_BY_JUDGES}
    if case.source:
        truth["source"] = case.source.sha256
    return digest(_SCORE, picture_sha, twin_sha, judge_fingerprint, truth)
