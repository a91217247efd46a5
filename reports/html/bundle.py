"""The style sheets and scripts of the page, in the order they take effect in: the palette and what is in `assets`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from evalkit.reports.palette import palette

PALETTE = "palette.css"
FIRST = (PALETTE, "base.css", "data.js", "dom.js", "filter.js", "sift.js", "route.js", "filterbar.js", "list.js")
"""Files that others depend on, in this order; the data of the first view are read after `data.js`."""
LAST = ("print.css", "main.js")


def asset_names() -> list[str]:
    """The names of all assets: those that others depend on, the rest by name, and those that must come last."""
    folder = files("evalkit.reports.html") / "assets"
    names = {PALETTE, *(entry.name for entry in folder.iterdir() if entry.name.endswith((".css", ".js")))}
    between = sorted(names - {*FIRST, *LAST})
    return [name for name in (*FIRST, *between, *LAST) if name in names]


def asset_text(name: str) -> str:
    """The text of an asset."""
    return palette() if name == PALETTE else (files("evalkit.reports.html") / "assets" / name).read_text("utf-8")


def copy_assets(folder: Path) -> None:
    """Write every asset into the new folder `folder`."""
    folder.mkdir()
    for name in asset_names():
        (folder / name).write_text(asset_text(name), encoding="utf-8", newline="\n")
