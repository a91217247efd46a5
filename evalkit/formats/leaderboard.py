"""The records of a leaderboard file, and its one reader, which checks every field: such files come from anywhere.

`evalkit/reports/leaderboard/schema.json` describes the JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from evalkit.api.errors import UsageError
from evalkit.api.records import JSON, Dimension, Role
from evalkit.api.results import Interval, Outcome, Undecided
from evalkit.formats.explain import explain
from evalkit.formats.keys import from_json
from evalkit.formats.strict_json import read_json

FORMAT = 3
OLDER = 2
"""The format of evalkit 0.1.0, which is still read: it has one rank per figure and no judge fingerprints."""
MAX_BYTES = 100_000_000
MIN_COVERAGE = 0.8
"""The share of the asked cells that must be scored for a rank, unless the file says otherwise."""
_STRICT: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False}


@dataclass(frozen=True, slots=True)
class Difference:
    """Student minus teacher, paired by case and seed; a bound is `None` where the data give none."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    value: float
    ci_low: float | None
    ci_high: float | None
    confidence: float
    n_cases: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One dimension of one judge over all pictures of an entry. A missing value is `None`; the counts say why.

    `low` and `high` bound the dimension (`None`: unbounded); `worst` is what a missing cell is taken for where it is
    not a bound. `judge_fingerprint` covers the judge's settings and model; empty: not known. `failed_control` names a
    control that the judge failed in this run; empty: none. `n_cases` is the number of cases behind the interval.
    `rank_best` and `rank_worst` hold among the entries of one file (`reports.leaderboard.ranks`), and so does
    `worse_than_teacher`; `not_ranked` says why there is none.

    Raises:
        ValueError: a value of which nothing was scored, bounds without a value, or bounds in the wrong order.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    dimension: str
    judge: str
    judge_version: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n_scored: int
    n_expected: int
    n_cases: int = 0
    confidence: float | None = None
    description: str = ""
    unit: str = ""
    higher_is_better: bool = True
    low: float | None = None
    high: float | None = None
    difference_to_teacher: Difference | None = None
    worst: float | None = None
    judge_fingerprint: str = ""
    failed_control: str = ""
    rank_best: int | None = None
    rank_worst: int | None = None
    worse_than_teacher: bool = False
    not_ranked: str = ""

    def __post_init__(self) -> None:
        if self.value is None and (self.ci_low is not None or self.ci_high is not None):
            raise ValueError(f"{self.dimension}: an interval without a value")
        if self.value is not None and self.n_scored < 1:
            raise ValueError(f"{self.dimension}: a value, but nothing was scored")
        if self.ci_low is not None and self.ci_high is not None and self.ci_low > self.ci_high:
            raise ValueError(f"{self.dimension}: ci_low {self.ci_low} is above ci_high {self.ci_high}")

    def scale(self) -> Dimension:
        """The dimension as judges declare it."""
        return Dimension(
            self.dimension, self.description, self.higher_is_better, self.unit, self.low, self.high, worst=self.worst
        )

    @property
    def share_scored(self) -> float:
        """Scored cells / asked cells; 0 if nothing was asked."""
        return min(1.0, self.n_scored / self.n_expected) if self.n_expected else 0.0

    def falls_behind_teacher(self) -> bool:
        """Whether the whole interval of the paired difference to the teacher lies on the bad side of 0."""
        change = self.difference_to_teacher
        if change is None:
            return False
        if self.higher_is_better:
            return change.ci_high is not None and change.ci_high < 0
        return change.ci_low is not None and change.ci_low > 0

    def interval(self) -> Interval | None:
        """The value with its interval, `None` where nothing was scored."""
        if self.value is None:
            return None
        return Interval(self.value, self.ci_low, self.ci_high, self.n_cases, self.confidence or 0.95)

    def interval_with_missing_at(self, end: float | None, interval: Interval | None = None) -> Interval | None:
        """The interval with every missing cell at one value.

        Args:
            end: the value that a missing cell takes; `None` if there is no such value.
            interval: of the scored cells, if not the figure's own (at another confidence, say).

        Returns:
            `None` where nothing was scored, or where cells are missing and there is no value for them.
        """
        interval, share = interval or self.interval(), self.share_scored
        if interval is None or share == 1:
            return interval
        if end is None:
            return None
        low, high = (None if b is None else share * b + (1 - share) * end for b in (interval.low, interval.high))
        return dataclasses.replace(interval, value=share * interval.value + (1 - share) * end, low=low, high=high)


@dataclass(frozen=True, slots=True)
class SetFigure:
    """One figure of a metric over all pictures of an entry, against a reference set. Never ranked.

    `reason` says why there is no value, `note` what the interval means.

    Raises:
        ValueError: neither a value nor a reason, bounds without a value, or bounds in the wrong order.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    dimension: str
    metric: str
    metric_version: str
    reference: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n_pictures: int
    n_expected: int
    n_reference: int
    confidence: float | None = None
    reason: str = ""
    note: str = ""
    description: str = ""
    unit: str = ""
    higher_is_better: bool = False

    def __post_init__(self) -> None:
        if self.value is None and (not self.reason or self.ci_low is not None or self.ci_high is not None):
            raise ValueError(f"{self.dimension}: no value takes a reason and no interval")
        if self.ci_low is not None and self.ci_high is not None and self.ci_low > self.ci_high:
            raise ValueError(f"{self.dimension}: ci_low {self.ci_low} is above ci_high {self.ci_high}")


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature over an entry; key and value are base64."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    algorithm: str
    public_key: str
    value: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One generator in one role, in one run.

    `selected_cases` are the ids a run was restricted to by name; empty for all (or, by `n_cases`, the first) cases.
    `undecided_by` says why an undecided run is: the causes of its undecided gates; empty where that is not known.
    `engine` is the plug-in that drew the pictures. `run_digest` is `evalkit.store.fingerprint.run_digest`, empty
    where it has not been computed.

    Raises:
        ValueError: a `created` that is no ISO 8601 time.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    generator: str
    role: Role
    benchmark: str
    benchmark_version: str
    nfe: int | None
    seconds_per_picture: float | None
    hardware: str
    licence: str
    dimensions: tuple[Figure, ...]
    created: str
    outcome: Outcome
    coverage: float
    benchmark_digest: str
    n_cases: int
    seeds: int
    n_pictures: int
    n_errors: int
    evalkit_version: str = ""
    command: str = ""
    selected_cases: tuple[str, ...] = ()
    engine: str = ""
    engine_version: str = ""
    settings: Mapping[str, JSON] = field(default_factory=dict)
    run_digest: str = ""
    metrics: tuple[SetFigure, ...] = ()
    undecided_by: tuple[Undecided, ...] = ()
    signature: Signature | None = None

    def __post_init__(self) -> None:
        self.when()

    def when(self) -> datetime:
        """When the run was made; a time without a zone is taken as UTC."""
        made = datetime.fromisoformat(self.created)
        return made if made.tzinfo else made.replace(tzinfo=UTC)

    def figure(self, dimension: str) -> Figure | None:
        """The figure on a dimension, `None` where it was not judged."""
        return next((f for f in self.dimensions if f.dimension == dimension), None)

    @property
    def has_evidence(self) -> bool:
        """Whether the run's figures are whole: it is decided, or too small for its gates, but nothing is missing."""
        if self.outcome is not Outcome.UNDECIDED:
            return True
        return bool(self.undecided_by) and not {Undecided.EVIDENCE, Undecided.INVALID_JUDGE} & {*self.undecided_by}

    @property
    def key(self) -> tuple[str, Role, int | None]:
        """Entries with the same name, role and NFE are of the same generator."""
        return (self.generator, self.role, self.nfe)

    def label(self) -> str:
        """Name and role, as messages show them."""
        return f"{self.generator} ({self.role.value})"


@dataclass(frozen=True, slots=True)
class Board:
    """The entries of one file, in its order; `sorted_by` is the dimension that gives it.

    `min_coverage` is the share of the asked cells that must be scored for a rank. `paired_runs` are the digests of the
    runs whose cases were at hand when the entries were ranked: their entries are compared case by case.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    sorted_by: str
    entries: tuple[Entry, ...]
    min_coverage: float = MIN_COVERAGE
    paired_runs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.min_coverage <= 1:
            raise ValueError(f"min_coverage {self.min_coverage} is not a share")


_FILE_FIELDS = tuple(each.name for each in dataclasses.fields(Board))
_RANK_FIELDS = ("rank_best", "rank_worst", "worse_than_teacher", "not_ranked")
LATER_FIELDS = {"worst": None, "judge_fingerprint": ""}
"""Fields of a figure that entries of format 2 do not have, with the value that means "not known"."""
_LEFT_OUT = {**LATER_FIELDS, "failed_control": ""}
"""Fields of a figure that a claim has only with another value than this, so that older signatures stay valid."""

LATER_ENTRY_FIELDS = ("metrics", "undecided_by")
"""Fields of an entry that older files do not have, where an empty one means the same."""


def claim(entry: Entry) -> JSON:
    """An entry as JSON without its ranks, which depend on the other entries, and without its signature."""
    content = dataclasses.asdict(entry)
    del content["signature"]
    for name in LATER_ENTRY_FIELDS:
        if not content[name]:  # as before there were any: signatures made then stay valid
            del content[name]
    for figure in content["dimensions"]:
        for name in _RANK_FIELDS:
            del figure[name]
        for name, unknown in _LEFT_OUT.items():
            if figure[name] == unknown:
                del figure[name]
    return content


def read_board(path: Path) -> Board:
    """A leaderboard file, every field checked. Whether its ranks are right is not checked.

    Raises:
        UsageError: not there, too large, not JSON, of another format, or a field that is missing, unknown or wrong.
    """
    content = read_json(path, UsageError, hint="is this a leaderboard file?", limit=MAX_BYTES)
    found = content.get("format_version") if isinstance(content, dict) else None
    if isinstance(found, bool) or found not in (OLDER, FORMAT):
        raise UsageError(
            f"leaderboard format {found!r}, this evalkit reads {OLDER} and {FORMAT}",
            where=str(path),
            hint="`evalkit report RUN --exporter leaderboard` writes a run's file again",
        )
    wanted = {
        name: content[name] for name in ("sorted_by", "entries", "min_coverage", "paired_runs") if name in content
    }
    try:
        return from_json(Board, _without_old_ranks(wanted) if found == OLDER else wanted)
    except ValidationError as problem:
        what, hint = explain(problem, Board)
        raise UsageError(what, where=str(path), hint=hint) from problem


def repeated(board: Board) -> list[Entry]:
    """Entries that share name, role and NFE with an earlier one: one of the two can't be true."""
    seen: set[tuple[str, Role, int | None]] = set()
    twice = []
    for entry in board.entries:
        if entry.key in seen:
            twice.append(entry)
        seen.add(entry.key)
    return twice


def _without_old_ranks(content: dict[str, JSON]) -> dict[str, JSON]:
    """The same without the ranks of format 2, which had another meaning."""
    entries = content.get("entries")
    for entry in entries if isinstance(entries, list) else ():
        figures = entry.get("dimensions") if isinstance(entry, dict) else None
        for figure in figures if isinstance(figures, list) else ():
            if isinstance(figure, dict):
                figure.pop("rank", None)
                figure.pop("tied", None)
    return content
