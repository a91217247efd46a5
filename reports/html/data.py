"""The report's data as scripts: one small index of all cases, and their details in chunks that are read when needed.

Scripts, because a page opened from file:// may not fetch JSON. Each calls one function of `assets/data.js`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from evalkit.records import JSON, Role, Status
from evalkit.results import CaseResult, RunSummary
from reports.escape import label, script_json, visible
from reports.html.case_record import case_record
from reports.html.shelf import PictureShelf, Placed
from reports.rows import dimension_rows, findings, is_students_own

PROMPT_IN_INDEX = 160
STATES = ("no student picture", "no teacher picture", "error", "unscored", "skipped")
"""What can be wrong with a case; a row of the index holds them as bits, first is lowest."""
UNKNOWN_BLAME = "unknown"


class ReportData:
    """Writes `index.js` and `cases-NNNN.js` into `folder`, one case at a time."""

    def __init__(self, folder: Path, summary: RunSummary, shelf: PictureShelf, cases_per_chunk: int) -> None:
        folder.mkdir(parents=True)
        self.count = 0
        self._folder = folder
        self._summary = summary
        self._shelf = shelf
        self._cases_per_chunk = cases_per_chunk
        self._kinds: dict[str, int] = {}
        self._blames: dict[str, int] = {}
        self._categories: dict[str, int] = {}
        self._chunk_file: TextIO | None = None
        self._index_file = self._open("index.js")
        self._index_file.write('evalkit.data.index({"rows":[\n')

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_chunk()
        tail = {
            "chunk": self._cases_per_chunk,
            "kinds": list(self._kinds),
            "blames": list(self._blames),
            "categories": list(self._categories),
            "states": list(STATES),
            "dimensions": [
                [r.judge, r.dimension.name, r.dimension.unit, r.dimension.higher_is_better, r.dimension.description]
                for r in dimension_rows(self._summary.dimensions)
            ],
        }
        self._index_file.write("]," + script_json(tail)[1:] + ");\n")
        self._index_file.close()

    def add(self, result: CaseResult) -> None:
        """Write one case into its chunk and its row into the index."""
        pictures = {role: self._shelf.place(result.samples.get(role)) for role in Role}
        chunk = self._chunk()
        chunk.write(script_json(case_record(result, pictures, self._summary)) + ",\n")
        self._index_file.write(script_json(self._row(result, pictures)) + ",\n")
        self.count += 1

    def _chunk(self) -> TextIO:
        number, place = divmod(self.count, self._cases_per_chunk)
        if place == 0 or self._chunk_file is None:
            self._close_chunk()
            self._chunk_file = self._open(f"cases-{number:04d}.js")
            self._chunk_file.write(f"evalkit.data.chunk({number},[\n")
        return self._chunk_file

    def _row(self, result: CaseResult, pictures: Mapping[Role, Placed]) -> list[JSON]:
        """One row: what the list shows, filters and sorts by. Read by `assets/list.js` in this order."""
        case = result.case
        of_student = [f for _, f in findings(result, Role.STUDENT)]
        return [
            case.id,
            result.seed,
            _number(self._categories, label(case.category)),
            max((f.severity for f in of_student), default=0.0),
            max((f.severity for f in of_student if is_students_own(f)), default=0.0),
            self._tally(result),
            self._states(result, pictures),
            pictures[Role.STUDENT].name,
            pictures[Role.TEACHER].name,
            _excerpt(case.prompt),
        ]

    def _tally(self, result: CaseResult) -> list[list[int]]:
        """[kind, blame, number] of the case's findings; the teacher's only where the student has not got them too."""
        counts: dict[tuple[int, int], int] = {}
        alone = Role.STUDENT not in result.samples
        for role in Role:
            for _, finding in findings(result, role):
                blame = finding.blame.value if finding.blame else UNKNOWN_BLAME
                if role is Role.STUDENT or alone or blame == "teacher-only":
                    key = (_number(self._kinds, label(finding.kind)), _number(self._blames, blame))
                    counts[key] = counts.get(key, 0) + 1
        return [[kind, blame, n] for (kind, blame), n in counts.items()]

    def _states(self, result: CaseResult, pictures: Mapping[Role, Placed]) -> int:
        statuses = {s.status for verdicts in result.verdicts.values() for v in verdicts for s in v.scores}
        expected = {g.role for g in self._summary.generators} | set(result.samples)
        present = (
            Role.STUDENT in expected and not pictures[Role.STUDENT].name,
            Role.TEACHER in expected and not pictures[Role.TEACHER].name,
            Status.ERROR in statuses,
            Status.UNSCORED in statuses,
            Status.SKIPPED in statuses,
        )
        return sum(1 << bit for bit, is_so in enumerate(present) if is_so)

    def _open(self, name: str) -> TextIO:
        return (self._folder / name).open("w", encoding="utf-8", newline="\n")

    def _close_chunk(self) -> None:
        if self._chunk_file is not None:
            self._chunk_file.write("]);\n")
            self._chunk_file.close()
            self._chunk_file = None


def _excerpt(prompt: str) -> str:
    start = visible(" ".join(prompt[: 4 * PROMPT_IN_INDEX].split()))
    return start if len(start) <= PROMPT_IN_INDEX else f"{start[:PROMPT_IN_INDEX]}…"


def _number(names: dict[str, int], name: str) -> int:
    return names.setdefault(name, len(names))
