"""What counts as the same text: a lenient key for words, a strict form for exactness, and edit distances.

Both start from NFKC (Unicode TR15), so full-width letters, ligatures and superscripts are what they mean.
"""

from __future__ import annotations

import unicodedata

_SAME = str.maketrans(
    {
        "‘": "'", "’": "'", "‛": "'", "′": "'", "`": "'", "´": "'",
        "“": '"', "”": '"', "„": '"', "″": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
        "·": "・", "•": "・", "‧": "・", "∙": "・",
    }
)  # fmt: skip
SEPARATORS = "-/|\\・,.:;_~*"
"""Characters that, standing alone, only part words from each other, and may be drawn as a line break or a rule."""


def strict(text: str) -> str:
    """NFKC with one form of each quotation mark, dash and middle dot, white space collapsed. Case is kept."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME).split())


def lenient(word: str) -> str:
    """Case-folded letters, marks and digits of a word: the key by which words are compared.

    A word without any (`&`, `℗`, `×`) is its own key, unless it only separates (`-`, `/`, `・`): then the key is empty.
    """
    plain = unicodedata.normalize("NFKC", strict(word).casefold())
    key = "".join(c for c in plain if unicodedata.category(c)[0] in "LMN")
    return key or "".join(c for c in plain if c not in SEPARATORS and not c.isspace())


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
