"""Addresses of the list of cases under a filter, in the grammar of `assets/filter.js`."""

from __future__ import annotations

import re
from urllib.parse import quote_plus

from evalkit.reports.escape import label

_PLAIN = re.compile(r"\w[\w./-]*")
_COLUMNS = {
    "student-only": ("blame", "student-only"),
    "worsened": ("blame", "worsened"),
    "both": ("blame", "both"),
    "student": ("blame", "unknown"),
    "teacher-only": ("blame", "teacher-only"),
    "teacher": ("role", "teacher"),
}
"""What the columns of `RunSummary.finding_counts` mean as a term."""


def address(*terms: tuple[str, str]) -> str:
    """The hash of the list with the cases that match all terms, each (key, value); the list knows values by label."""
    return f"#q={quote_plus(' '.join(f'{key}:{_quoted(label(value))}' for key, value in terms))}"


def finding_address(kind: str, column: str) -> str:
    """The hash of the cases with a finding of `kind` that is counted in `column`."""
    return address(("kind", kind), _COLUMNS[column])


def _quoted(value: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return value if _PLAIN.fullmatch(value) else f'"{escaped}"'
