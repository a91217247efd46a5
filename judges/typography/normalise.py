"""Defines when texts are equal: a lenient key for words, a strict form for exactness, and edit distances.

Both start from NFKC (Unicode TR15), so that full-width letters, ligatures and superscripts equal plain letters.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_SAME = str.maketrans(
    {
        "‘": "'", "’": "'", "‛": "'", "′": "'", "`": "'", "´": "'",
        "“": '"', "”": '"', "„": '"', "″": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
        "·": "・", "•": "・", "‧": "・", "∙": "・",
    }
)  # fmt: skip
SEPARATORS = "-/|\\・,.:;_~*"
"""Characters that only separate words if they stand alone, and may be drawn as a line break or a rule."""


@lru_cache(maxsize=65536)
def strict(text: str) -> str:
    """NFKC with a single form of quotation marks, dashes and middle dots, and white space collapsed. Case is kept."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME).split())


@lru_cache(maxsize=65536)
def lenient(word: str) -> str:
    """Case-folded letters, marks and digits of a word: the key by which words are compared.

    A word without any of these (`&`, `℗`, `×`) is its own key. A lone separator (`-`, `/`, `・`) has an empty key.
    """
    plain = unicodedata.normalize("NFKC", strict(word).casefold())
    key = "".join(c for c in plain if is_letter(c))
    return key or "".join(c for c in plain if c not in SEPARATORS and not c.isspace())


def is_symbol(key: str) -> bool:
    """Whether a lenient key consists of symbols alone: `©`, `+`, `$`; not `&`, which is a word."""
    return bool(key) and all(unicodedata.category(c)[0] == "S" for c in key)


@lru_cache(maxsize=65536)
def edit_distance(a: str, b: str) -> int:
    """Levenshtein distance: the least number of inserted, deleted and substituted characters."""
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        current = [i]
        for j, y in enumerate(b, start=1):
            current.append(min(previous[j] + 1, current[-1] + 1, previous[j - 1] + (x != y)))
        previous = current
    return previous[-1]


def similarity(a: str, b: str) -> float:
    """1 − NED, with NED the edit distance over the length of the longer string; 1 for two empty strings."""
    longest = max(len(a), len(b))
    return 1.0 - edit_distance(a, b) / longest if longest else 1.0


def is_letter(character: str) -> bool:
    """Whether a character is a letter, a mark that belongs to one, or a digit."""
    return unicodedata.category(character)[0] in "LMN"


def is_ideographic(character: str) -> bool:
    """Whether a character belongs to a script that is written without spaces (Han, kana, bopomofo)."""
    code = ord(character[0])
    return 0x2E80 <= code <= 0x312F or 0x31A0 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code < 0x40000
