"""`report/index.html`: the run as a folder that opens from file://, with no server and no network."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pydantic import Field

from evalkit.api import settings
from evalkit.api.results import RunResults
from evalkit.reports.files import replacing_folder
from evalkit.reports.html.bundle import copy_assets
from evalkit.reports.html.data import ReportData
from evalkit.reports.html.missing_scores import MissingScores
from evalkit.reports.html.page import render_page
from evalkit.reports.html.shelf import PictureShelf
from evalkit.reports.html.single import write_single_file


class HtmlExporter:
    """The HTML report: verdict, figures, and every picture beside its twin, with a box around each defect."""

    class Settings(settings.Settings):
        """How the report is split into files.

        `cases_per_chunk`: cases per file of details; a file is read when one of its cases is opened.
        `single_file`: also write `report.html`, one file to send around, with pictures inside, worst cases first.
        `single_file_cap_mb`: that file's largest size, in 1,000,000 bytes; it says what was left out.
        """

        cases_per_chunk: int = Field(default=100, ge=1, le=1000)
        single_file: bool = False
        single_file_cap_mb: int = Field(default=50, ge=1, le=500)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write the folder `report` into `out`; the path of its `index.html`, or of `report.html` if asked for.

        Memory holds only eight numbers per case.
        """
        summary = results.summary()
        missing = MissingScores()
        single = out / "report.html"
        per_file = self.settings.cases_per_chunk
        with replacing_folder(out / "report") as folder, ReportData(folder / "data", summary, per_file) as data:
            with PictureShelf(folder, results) as shelf:
                for result in results.cases():
                    missing.add(result)
                    data.add(result, shelf)
            data.finish(shelf.unreadable)
            copy_assets(folder / "assets")
            page = partial(render_page, summary, missing=missing)
            (folder / "index.html").write_text(page(data.count), encoding="utf-8", newline="\n")
            if self.settings.single_file:
                cap = self.settings.single_file_cap_mb * 1_000_000
                write_single_file(single, folder, data, shelf.unreadable, cap, page)
        return single if self.settings.single_file else out / "report" / "index.html"
