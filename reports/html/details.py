"""The data that the view of a case draws, in files of several cases each; a file is read when one is opened."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import BinaryIO

from evalkit.api.records import JSON
from evalkit.reports.escape import script_json


class Details:
    """Writes `cases-NNNN.js` into `folder`, in the order of the run; remembers where each case starts."""

    def __init__(self, folder: Path, cases_per_file: int) -> None:
        self.count = 0
        self._folder = folder
        self._cases_per_file = cases_per_file
        self._file: BinaryIO | None = None
        self._starts = array("q")

    def add(self, record: JSON) -> None:
        """Write the next case."""
        number, place = divmod(self.count, self._cases_per_file)
        if place == 0 or self._file is None:
            self.close()
            self._file = self._path(number).open("wb")
            self._file.write(f"evalkit.data.chunk({number},[\n".encode("ascii"))
        self._starts.append(self._file.tell())
        self._file.write(script_json(record).encode("ascii") + b",\n")
        self.count += 1

    def read(self, position: int) -> str:
        """The JSON of the case at `position` of the run; only when all are written."""
        with self._path(position // self._cases_per_file).open("rb") as file:
            file.seek(self._starts[position])
            return file.readline().decode("ascii").removesuffix(",\n")

    def close(self) -> None:
        """End the file that is being written."""
        if self._file is not None:
            self._file.write(b"]);\n")
            self._file.close()
            self._file = None

    def _path(self, number: int) -> Path:
        return self._folder / f"cases-{number:04d}.js"
