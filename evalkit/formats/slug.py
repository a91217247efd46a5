"""Makes the name of a file or folder of a foreign label: a suite, a judge, an arm of an ablation."""

from __future__ import annotations

import re
import unicodedata

from evalkit.api.hashing import digest

MAX_BYTES = 100
"""Longest slug in UTF-8: file systems take 255 bytes, and callers add to it."""
_DEVICES = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any extension."""


def slug(label: str) -> str:
    """A file name made of a label: the label itself where it is one, else what is left of it and a digest of it.

    Letters, marks and digits of any script stay, and so do `.`, `_`, `-`; it begins with none of `.` and `-` and does
    not end in `.`. Two labels never share a slug (but for a collision of 32 bits of SHA-256).

    >>> slug("minis-core"), slug("../../x"), slug("con")
    ('minis-core', 'x-b2ecd053', 'con-c7f22b58')
    """
    whole = unicodedata.normalize("NFC", label)
    kept = "".join(c if c in "._-" or unicodedata.category(c)[0] in "LMN" else "-" for c in whole)
    kept = re.sub(r"-{2,}|\.{2,}", "-", kept).lstrip(".-").rstrip(".-")
    if kept and kept == label and not _DEVICES.fullmatch(kept) and len(kept.encode()) <= MAX_BYTES:
        return kept
    cut = kept.encode()[: MAX_BYTES - 9].decode(errors="ignore").rstrip(".-")
    return f"{cut or 'unnamed'}-{digest(label)[:8]}"
