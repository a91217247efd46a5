"""Reads `run.sqlite` of one run. It takes no lock, so that several runs may use one baseline at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from evalkit.api.errors import StoreError, UsageError
from evalkit.api.records import JSON, Case, FindingKind, Role, Sample, Status, Verdict
from evalkit.api.results import ControlResult, RunSummary
from evalkit.formats.foreign_text import readable
from evalkit.formats.keys import from_json, from_json_text
from evalkit.formats.strict_json import loads
from evalkit.store.blobs import BlobFolder
from evalkit.store.schema import connect_read_only

T = TypeVar("T")
MOST_SEEDS = 1_000_000
_SHAPES: dict[str, Any] = {
    "seeds": int,
    "plan": str,
    "created": str,
    "benchmark": str,
    "baseline": str,
    "summary": dict,
    "kinds": dict,
    "judges": dict,
    "models": dict,
    "config": dict,
}
"""Key of `meta` -> the type of its value."""
FINAL = (Status.SCORED, Status.UNSCORED, Status.NOT_APPLICABLE)
"""Statuses that are final. The same command tries `error` and `skipped` cells again."""


class StoredCase(NamedTuple):
    """A case and its index in the suite."""

    idx: int
    case: Case


class RunReader:
    """The folder of one run, for reading. `close` when done, or use as a context manager.

    Raises:
        UsageError: the folder is not a run folder.
        StoreError: the database is damaged, or another version of evalkit wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "run.sqlite"
        if not self.database.is_file():
            raise UsageError("not a run folder (no run.sqlite)", where=str(folder), hint="`evalkit run` makes one")
        self.blobs = BlobFolder(folder / "pictures")
        self._reader = connect_read_only(self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()

    def meta(self, key: str) -> JSON:
        """A value of `meta`, or `None`."""
        row = self._reader.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            value = loads(row[0])
        except (ValueError, TypeError, RecursionError) as error:
            raise self.damaged(f"`{key}` is not JSON") from error
        if value is not None and not isinstance(value, _SHAPES.get(key, object)):
            raise self.damaged(f"`{key}` is {type(value).__name__}")
        if key == "seeds" and value is not None and not 0 < value <= MOST_SEEDS:
            raise self.damaged(f"{value} seeds")
        return value

    def summary(self) -> RunSummary | None:
        """The summary of a finished run, `None` for any other. Raises `StoreError` if it can't be read."""
        stored = self.meta("summary")
        try:
            return None if stored is None else from_json(RunSummary, stored)
        except ValueError as error:
            raise self.damaged("`summary` is no summary of a run") from error

    def damaged(self, what: str) -> StoreError:
        """The error for a run of which a stored value is not as evalkit writes it."""
        return StoreError(
            f"the run is damaged: {readable(what, 300)}",
            where=str(self.database),
            hint="move the folder away and run again; finished pictures and verdicts come from the cache",
        )

    def _record(self, cls: type[T], text: str) -> T:
        """A stored record. Raises `StoreError` if it is none."""
        try:
            return from_json_text(cls, text)
        except (ValueError, TypeError, RecursionError) as error:
            raise self.damaged(f"a record is no {cls.__name__}") from error

    def _cell(self, status: str, value: object) -> tuple[Status, float | None]:
        """Status and value of a cell. Raises `StoreError` if they are none."""
        try:
            known = Status(status)
        except ValueError as error:
            raise self.damaged(f"a score has the status {status!r}") from error
        if value is not None and not isinstance(value, int | float):
            raise self.damaged(f"a score has the value {value!r}")
        return known, value

    def n_cases(self) -> int:
        (n,) = self._reader.execute("SELECT COUNT(*) FROM cases").fetchone()
        return int(n)

    def cases(self, start: int = 0) -> Iterator[StoredCase]:
        """Cases in suite order. They are read in pages, so that writes in between are allowed."""
        page_size = 64
        while True:
            rows = self._reader.execute(
                "SELECT idx, record FROM cases WHERE idx >= ? ORDER BY idx LIMIT ?", (start, page_size)
            ).fetchall()
            for idx, record in rows:
                yield StoredCase(idx, self._record(Case, record))
            if len(rows) < page_size:
                return
            start = rows[-1][0] + 1

    def find_case(self, case_id: str) -> StoredCase | None:
        """The case with this id, or `None`."""
        row = self._reader.execute("SELECT idx, record FROM cases WHERE id = ?", (case_id,)).fetchone()
        return StoredCase(row[0], self._record(Case, row[1])) if row else None

    def case_groups(self) -> dict[str, tuple[str, ...]]:
        """The groups of each case by its id: `task:<task>`, and `category:<category>` if the case has one."""
        rows = self._reader.execute("SELECT id, record ->> '$.task', record ->> '$.category' FROM cases")
        return {
            case: (f"task:{task}", *([f"category:{category}"] if category else [])) for case, task, category in rows
        }

    def sample(self, role: Role, idx: int, seed: int) -> Sample | None:
        row = self._reader.execute(
            "SELECT record FROM samples WHERE role = ? AND idx = ? AND seed = ?", (role.value, idx, seed)
        ).fetchone()
        return self._record(Sample, row[0]) if row else None

    def has_verdict(self, role: Role, idx: int, seed: int, judge: str, key: str) -> bool:
        """Whether the judge has a final verdict (scored or abstained) under exactly this key."""
        row = self._reader.execute(
            "SELECT key, final FROM verdicts WHERE role = ? AND idx = ? AND seed = ? AND judge = ?",
            (role.value, idx, seed, judge),
        ).fetchone()
        return row is not None and row[0] == key and bool(row[1])

    def verdicts(self, role: Role, idx: int, seed: int) -> tuple[Verdict, ...]:
        rows = self._reader.execute(
            "SELECT record FROM verdicts WHERE role = ? AND idx = ? AND seed = ? ORDER BY judge",
            (role.value, idx, seed),
        )
        return tuple(self._record(Verdict, record) for (record,) in rows)

    def looked_at(self, judge: str) -> Iterator[tuple[str, float | None, str]]:
        """(key, seconds, record) of every final verdict of a judge in which it scored something or abstained."""
        yield from self._reader.execute(
            "SELECT key, seconds, record FROM verdicts WHERE judge = ? AND final AND EXISTS ("
            "SELECT 1 FROM scores WHERE scores.role = verdicts.role AND scores.idx = verdicts.idx "
            "AND scores.seed = verdicts.seed AND scores.judge = verdicts.judge AND status IN ('scored', 'unscored')) "
            "ORDER BY idx, seed",
            (judge,),
        )

    def scores(self, role: Role, dimension: str) -> Iterator[tuple[str, int, float]]:
        """(case id, seed, value) of every scored cell, grouped by case."""
        rows = self._reader.execute(
            "SELECT cases.id, seed, value FROM scores JOIN cases USING (idx) "
            "WHERE role = ? AND dimension = ? AND status = 'scored' ORDER BY idx, seed",
            (role.value, dimension),
        )
        for case, seed, value in rows:
            if not isinstance(value, int | float):
                raise self.damaged(f"a score has the value {value!r}")
            yield case, seed, value

    def cells(self, dimension: str, start: int) -> Iterator[tuple[int, str, int, Role, Status, float | None]]:
        """(case index, case id, seed, role, status, value or `None`) of every cell from case `start` on."""
        rows = self._reader.execute(
            "SELECT idx, cases.id, seed, role, status, value FROM scores JOIN cases USING (idx) "
            "WHERE dimension = ? AND idx >= ? ORDER BY idx, seed",
            (dimension, start),
        )
        for idx, case, seed, role, status, value in rows:
            yield idx, case, seed, Role(role), *self._cell(status, value)

    def statuses(self, role: Role, dimension: str) -> Iterator[tuple[int, int, Status, float | None, str]]:
        """(case index, seed, status, value or `None`, reason) of every cell of a role, in suite order."""
        rows = self._reader.execute(
            "SELECT idx, seed, status, value, reason FROM scores WHERE role = ? AND dimension = ? ORDER BY idx, seed",
            (role.value, dimension),
        )
        for idx, seed, status, value, reason in rows:
            yield idx, seed, *self._cell(status, value), reason

    def drawn(self, role: Role) -> dict[tuple[int, int], bool]:
        """(case index, seed) -> whether the picture is there, of every sample of a role."""
        rows = self._reader.execute("SELECT idx, seed, ok FROM samples WHERE role = ?", (role.value,))
        return {(idx, seed): bool(ok) for idx, seed, ok in rows}

    def kinds(self) -> dict[str, dict[str, FindingKind]]:
        """By judge, the kinds of findings it declares; empty for a run of version 0.1.0."""
        stored: dict[str, list[JSON]] = self.meta("kinds") or {}
        try:
            return {
                judge: {kind.name: kind for kind in (from_json(FindingKind, each) for each in declared)}
                for judge, declared in stored.items()
            }
        except (ValueError, TypeError) as error:
            raise self.damaged("`kinds` holds no kinds of findings") from error

    def n_samples(self, role: Role) -> int:
        """Number of samples of a role, failed ones included; fewer than planned only if the run stopped early."""
        (n,) = self._reader.execute("SELECT COUNT(*) FROM samples WHERE role = ?", (role.value,)).fetchone()
        return int(n)

    def status_counts(self) -> dict[tuple[Role, str, Status], int]:
        """(role, dimension, status) -> number of cells."""
        rows = self._reader.execute("SELECT role, dimension, status, COUNT(*) FROM scores GROUP BY 1, 2, 3")
        return {(Role(role), dimension, self._cell(status, None)[0]): n for role, dimension, status, n in rows}

    def samples(self, role: Role) -> Iterator[Sample]:
        """All samples of a role, in suite order."""
        cursor = self._reader.execute("SELECT record FROM samples WHERE role = ? ORDER BY idx, seed", (role.value,))
        while rows := list(islice(cursor, 256)):
            for (record,) in rows:
                yield self._record(Sample, record)

    def control_results(self) -> list[tuple[str, ControlResult]]:
        """(judge fingerprint, result) of every control."""
        rows = self._reader.execute("SELECT fingerprint, record FROM controls ORDER BY judge, name")
        return [(fingerprint, self._record(ControlResult, record)) for fingerprint, record in rows]
