"""The content hash from which fingerprints and keys are made."""

from __future__ import annotations

import hashlib
import json

from evalkit.api.records import JSON


def digest(*parts: JSON) -> str:
    """SHA-256 (hex) of JSON values, independent of key order and platform.

    A plug-in makes its fingerprint from everything that can change its results:

    >>> digest("acme-sharpness", "1", {"radius": 3, "device": "cpu"})[:12]
    '254faf4ceaaf'
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True

    Raises:
        TypeError: a value that JSON can't hold.
        ValueError: NaN or infinity.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
