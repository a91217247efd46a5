"""`frontier.json` with its schema, and `frontier/index.html`: a folder that opens from file://, without a script."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from evalkit.api import settings
from evalkit.api.frontier import Frontier, Point
from evalkit.api.records import JSON, Role
from evalkit.formats.keys import to_json
from evalkit.reports import wording
from evalkit.reports.escape import clip, visible
from evalkit.reports.files import replacing_file, replacing_folder
from evalkit.reports.frontier.charts import label, panels
from evalkit.reports.frontier.schema import FORMAT, SCHEMA, schema_text
from evalkit.reports.palette import palette

STYLE = "frontier.css"
LONGEST_TEXT = 600
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
"""Formats every browser shows."""


class FrontierReport:
    """The outputs of a sweep."""

    Settings = settings.Settings

    def __init__(self, settings: settings.Settings) -> None:
        self.settings = settings

    def write(self, frontier: Frontier, pictures: Mapping[str, Path], out: Path) -> Path:
        """Write the JSON file, its schema and the page into `out`; the path of the page.

        Args:
            frontier: the sweep.
            pictures: sha256 -> file of every picture that its strips name; they are copied beside the page.
            out: folder of the sweep; the runs of its points lie in it.
        """
        with replacing_file(out / SCHEMA) as file:
            file.write(schema_text())
        with replacing_file(out / "frontier.json") as file:
            content = {"$schema": SCHEMA, "format_version": FORMAT, **to_json(frontier)}
            json.dump(content, file, indent=1, ensure_ascii=True, allow_nan=False)
            file.write("\n")
        with replacing_folder(out / "frontier") as folder:
            addresses = _copy_pictures(frontier, pictures, folder / "pictures")
            style = palette() + (files(__package__) / "assets" / STYLE).read_text("utf-8")
            (folder / STYLE).write_text(style, encoding="utf-8", newline="\n")
            runs = frozenset(
                point.run for point in frontier.points if (out / point.run / "report" / "index.html").is_file()
            )
            page = render_page(frontier, addresses, runs)
            (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
        return out / "frontier" / "index.html"


def _copy_pictures(frontier: Frontier, pictures: Mapping[str, Path], folder: Path) -> dict[str, str]:
    """Copy what the strips show; sha256 -> address relative to the page."""
    folder.mkdir()
    addresses: dict[str, str] = {}
    for picture in (picture for strip in frontier.strips for picture in strip.pictures if picture.sha256):
        source = pictures.get(picture.sha256)
        if source is None or picture.suffix not in IMAGE_SUFFIXES or not source.is_file():
            continue
        name = f"{picture.sha256[:32]}{picture.suffix}"
        shutil.copyfile(source, folder / name)
        addresses[picture.sha256] = f"pictures/{name}"
    return addresses


def render_page(frontier: Frontier, pictures: Mapping[str, str], runs: frozenset[str] = frozenset()) -> str:
    """The page as HTML.

    Args:
        frontier: the sweep.
        pictures: sha256 -> address, of the pictures that can be shown.
        runs: folders of runs (as the points name them) that have a report to link to.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("evalkit.reports.frontier", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    all_panels = panels(frontier)
    return environment.get_template("frontier.html.j2").render(
        frontier=frontier,
        panels=all_panels,
        main=[panel for panel in all_panels if panel.main],
        others=[panel for panel in all_panels if not panel.main],
        labels={point.name: label(point) for point in frontier.points},
        student=_name(frontier, Role.STUDENT),
        teacher=_name(frontier, Role.TEACHER),
        reference=next(point for point in frontier.points if point.reference),
        doubtful=[point for point in frontier.points if point.outcome.value == "undecided"],
        surprising=[point for point in frontier.points if point.role is Role.STUDENT and _unlike(point)],
        pictures=pictures,
        runs=runs,
        words=wording,
        confidence=_confidence(frontier),
    )


def _unlike(point: Point) -> bool:
    """Whether the number of evaluations counted differs from the number of steps requested."""
    return point.nfe is not None and point.nfe != point.steps


def _name(frontier: Frontier, role: Role) -> str:
    return next((point.generator for point in frontier.points if point.role is role), role.value)


def _confidence(frontier: Frontier) -> str:
    levels = {f.estimate.confidence for point in frontier.points for f in point.figures if f.estimate}
    return " or ".join(f"{100 * level:g}" for level in sorted(levels or {0.95}))


def _finalize(value: Any) -> JSON:
    """Every text that enters the page, with invisible characters written out, and clipped."""
    return clip(visible(value), LONGEST_TEXT) if type(value) is str else value
