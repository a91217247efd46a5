"""The one printer: every line of the command line goes to the terminal or the CI log through here.

Labels of suites, plug-ins, servers and files are in nearly every line. What a terminal or a CI runner would execute is
made visible, and what the encoding of the stream lacks is written as an escape.
"""

from __future__ import annotations

import json
import sys

import click

from evalkit.api.records import JSON
from evalkit.formats.foreign_text import printable


def say(text: object = "", *, err: bool = False, nl: bool = True, over: bool = False) -> None:
    """Print text with everything in it that is not safe to show made visible.

    Args:
        text: what to print; it may have several lines.
        err: to stderr instead of stdout.
        nl: end the line.
        over: write over the line that was begun before, as a counter does.
    """
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = printable(str(text))
    line = shown.encode(encoding, "backslashreplace").decode(encoding)
    click.echo(f"\r{line}" if over else line, err=err, nl=nl)


def say_json(value: JSON) -> None:
    """Print JSON for another program, in ASCII: it holds no character that would have to be changed."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=True))
