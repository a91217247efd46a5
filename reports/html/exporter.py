"""`report/index.html`: the run as a folder that opens from file://, with no server and no network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pydantic import Field

from evalkit import settings
from evalkit.results import RunResults
from reports.files import replacing_folder
from reports.html.data import ReportData
from reports.html.page import render_page
from reports.html.shelf import PictureShelf

ASSETS = (
    "base.css", "overview.css", "list.css", "case.css", "print.css",
    "data.js", "dom.js", "route.js", "list.js", "stage.js", "findings.js", "tables.js", "case.js", "main.js",
)  # fmt: skip
"""Style sheets, and scripts in the order in which they run; the index of the cases is read after the first."""


class HtmlExporter:
    """An HTML report to look at: verdict, figures, and every picture with its defects boxed beside its twin."""

    class Settings(settings.Settings):
        """How the report is cut up.

        `cases_per_chunk`: cases per file of details; a file is read when one of its cases is opened.
        """

        cases_per_chunk: int = Field(default=100, ge=1, le=1000)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write the folder `report` into `out`; the path of its `index.html`. Memory is flat in the number of cases."""
        summary = results.summary()
        with replacing_folder(out / "report") as folder:
            shelf = PictureShelf(folder / "pictures", results)
            with ReportData(folder / "data", summary, shelf, self.settings.cases_per_chunk) as data:
                for result in results.cases():
                    data.add(result)
            _copy_assets(folder / "assets")
            page = render_page(summary, ASSETS, data.count)
            (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
        return out / "report" / "index.html"


def _copy_assets(folder: Path) -> None:
    folder.mkdir()
    for name in ASSETS:
        (folder / name).write_bytes((files(__package__) / "assets" / name).read_bytes())
