"""The colours and typefaces that all pages share: `palette.css`."""

from __future__ import annotations

from importlib.resources import files


def palette() -> str:
    """The style sheet that every page puts before its own."""
    return (files("evalkit.reports") / "palette.css").read_text("utf-8")
