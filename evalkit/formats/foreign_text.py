"""Foreign text (a server's words, a library's error) made fit for a terminal and a report (ground floor)."""

from __future__ import annotations

import unicodedata

MAX_MESSAGE = 300


def clean(text: str | bytes, secret: str = "", limit: int = MAX_MESSAGE) -> str:
    """One line of at most `limit` characters, none of them control or format characters.

    `secret` (an API key) is replaced by `***` before anything is cut.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if secret:
        text = text.replace(secret, "***")
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: 10 * limit])
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
