"""Untrusted text (prompts, ids, read texts, messages) made safe for the place it is written to."""

from __future__ import annotations

import json
import re

from evalkit.api.records import JSON

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN = re.compile(r"[&<>`*_\[\]|~\\$#]|:(?=//)|www\.|^[-+=]|^\d+[.)]", re.IGNORECASE)
_REFERENCE = re.compile(r"@|(&#35;|\bGH-)(?=\d)", re.IGNORECASE)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def visible(text: str) -> str:
    """Characters that hide or reorder others, written out (`⟨U+202E⟩`); tab and newline stay.

    These are controls, line and paragraph separators, bidirectional overrides and isolates, and lone surrogates.
    """
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def clip(text: str, limit: int) -> str:
    """At most `limit` characters of `text`, saying how many were left out."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} more characters)"


def one_line(text: str, limit: int) -> str:
    """`text` on one line, with invisible characters written out, clipped."""
    return clip(visible(" ".join(text.split())), limit)


def label(text: str) -> str:
    """A kind or category as every list and filter shows it, short enough for a menu."""
    return one_line(text, 80)


def script_json(value: JSON) -> str:
    """JSON that is also a JavaScript literal and holds no `<`, `>`, `&` or non-ASCII character.

    Pure ASCII covers `</script>`, U+2028/U+2029, lone surrogates and a file served with a wrong charset alike.

    Raises:
        ValueError: a number that is not finite.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def xml(text: str) -> str:
    """`text` with every character that XML 1.0 can't carry, even escaped, replaced by `�`."""
    return _NOT_XML.sub(REPLACEMENT, text)


def markdown(text: str, limit: int = 500) -> str:
    """`text` as one line of GitHub Markdown that shows as itself: no markup, HTML, table cell, link or mention.

    GitHub notifies and links on `@name`, `#123` and `GH-123` even with an entity: a zero-width space prevents it.
    """
    escaped = _MARKDOWN.sub(lambda found: f"{found[0][:-1]}&#{ord(found[0][-1])};", one_line(text, limit))
    return _REFERENCE.sub("\\g<0>\N{ZERO WIDTH SPACE}", escaped)


def command_data(text: str, limit: int = 1_000) -> str:
    """`text` as the message of a GitHub workflow command: one line that can't begin another command.

    Escapes as the runner unescapes (actions/runner, `ActionCommand.cs`): `%`, carriage return and line feed.
    """
    return one_line(text, limit).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str, limit: int = 200) -> str:
    """`text` as a property of a GitHub workflow command; also `:` and `,`, which end a property."""
    return command_data(text, limit).replace(":", "%3A").replace(",", "%2C")


def code_span(text: str, limit: int = 500) -> str:
    """`text` as a Markdown code span whose fence is longer than any run of backticks inside. Not for table cells.

    A zero-width space breaks up a comment tag: bots look for their own tag in the source, even inside code.
    """
    line = one_line(text, limit).replace("<!--", "<\N{ZERO WIDTH SPACE}!--")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}"
