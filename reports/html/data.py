"""The report's data as scripts: the list of all cases, and their details in files that are read when needed.

Scripts, because a page opened from file:// may not fetch JSON. Each calls one function of `assets/data.js`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from evalkit.api.records import JSON, Role
from evalkit.api.results import CaseResult, RunSummary
from evalkit.reports.html.case_record import BASELINE, case_record
from evalkit.reports.html.details import Details
from evalkit.reports.html.listing import Listing
from evalkit.reports.html.shelf import PictureShelf


class ReportData:
    """Writes the list and the details of the cases into `folder`, one case at a time."""

    def __init__(self, folder: Path, summary: RunSummary, cases_per_file: int) -> None:
        folder.mkdir(parents=True)
        self.listing = Listing(summary)
        self.details = Details(folder, cases_per_file)
        self._folder = folder
        self._summary = summary
        self._cases_per_file = cases_per_file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.details.close()
        self.listing.close()

    @property
    def count(self) -> int:
        """The number of cases and seeds so far."""
        return self.details.count

    def add(self, result: CaseResult, shelf: PictureShelf) -> None:
        """Write one case with its pictures; its row is written at the end, when all cases are known."""
        pictures = {role: shelf.place(result.samples.get(role)) for role in Role}
        before = (result.change.baseline_thumbnail or result.change.baseline_sample) if result.change else None
        baseline = shelf.place(before) if before else None
        source = shelf.place_source(result.case.source) if result.case.source else None
        self.details.add(case_record(result, pictures, self._summary, baseline, source, shelf.place_bytes))
        parts = {role.value: placed for role, placed in pictures.items()}
        self.listing.add(result, parts | ({BASELINE: baseline} if baseline else {}))

    def manifest(self, total: int) -> JSON:
        """What the browser reads first, for a list of `total` rows."""
        return self.listing.manifest(self._cases_per_file, total)

    def finish(self, unreadable: Collection[str]) -> None:
        """Write the list; `unreadable` names thumbnails that could not be made."""
        self.details.close()
        self.listing.write(self._folder, self._cases_per_file, unreadable)
