"""Makes foreign text (a server's reply, a library's error) safe to show on a terminal and in a report."""

from __future__ import annotations

import unicodedata

MAX_MESSAGE = 300


def clean(text: str | bytes, secret: str = "", limit: int = MAX_MESSAGE) -> str:
    """The text as one line of at most `limit` characters, without control and format characters.

    `secret` (an API key) is replaced by `***` before the text is cut.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if secret:
        text = text.replace(secret, "***")
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: 10 * limit])
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
