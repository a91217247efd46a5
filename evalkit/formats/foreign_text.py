"""Makes foreign text (a server's reply, a plug-in's error) safe to store, and to show on a terminal or in a log."""

from __future__ import annotations

import re
import unicodedata

MAX_MESSAGE = 300
MAX_SAID = 2_000
"""Most characters of an exception's message that are kept."""

_COMMAND = re.compile(r"(?m)^(\s*:)(?=:)|(#)(?=#[A-Za-z.]*\[)")
"""Where a CI runner would take a line for a command: `::error::` (GitHub), `##[…]`, `##vso[…]`, `##teamcity[…]`."""


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


def printable(text: str) -> str:
    """Text from anywhere, made safe for a terminal and for the log of a CI runner.

    Control, format and bidirectional characters are shown as escapes, and what a runner would execute as a command is
    broken up by a zero-width space.

    >>> printable("loud\\x1b[31m")
    'loud\\\\x1b[31m'
    """
    shown = "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)
    return no_command(shown)


def no_command(text: str) -> str:
    """The text with whatever a CI runner would execute broken up by a zero-width space."""
    return _COMMAND.sub("\\g<0>\u200b", text)


def readable(text: object, limit: int = MAX_SAID) -> str:
    """Text that can be stored as UTF-8, of at most `limit` characters: lone surrogates become `�`.

    What is no text is written as Python writes it; an object whose `__str__` raises is named by its type.
    """
    if not isinstance(text, str):
        try:
            text = str(text)
        except BaseException:  # other people's `__str__`: anything can happen
            text = f"({type(text).__name__}, which can't be written)"
    text = str.__str__(text)[:limit]
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def said(error: BaseException) -> str:
    """`Type: message` of an exception of foreign code, as text that can be stored."""
    return readable(f"{type(error).__name__}: {readable(error)}")
