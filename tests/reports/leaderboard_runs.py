"""Made-up runs for leaderboards: figures as given, on the demo suite."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.api.records import Case, Dimension, Role, Score, Status, Verdict
from evalkit.api.results import CaseResult, DimensionResult, Interval, Outcome, RunSummary
from evalkit.formats.leaderboard import Board
from evalkit.reports.leaderboard.board import board_json, schema_text
from evalkit.reports.leaderboard.merge import Leaderboard
from tests.reports.conftest import FakeRunResults, demo_summary

WORDS = Dimension("words", "share of words drawn letter for letter")
NED = Dimension("ned", "normalised edit distance", higher_is_better=False)
DIGEST = "ab12" * 16


def a_run(
    name: str,
    words: tuple[float | None, float | None, float | None] = (0.9, 0.85, 0.95),
    ned: tuple[float | None, float | None, float | None] | None = None,
    *,
    version: str = "2.1",
    nfe: int | None = 4,
    seconds: float | None = 0.21,
    digest: str = DIGEST,
    scored: int = 8,
    cases: Sequence[CaseResult] = (),
    **changes: Any,
) -> FakeRunResults:
    """A run with one student; figures are (value, low, high), a value of `None` is not scored.

    `scored` of 8 cells are; `cases` are at hand to compare runs case by case.
    """
    calm = demo_summary()
    given = [(WORDS, words), *([(NED, ned)] if ned else [])]
    rows = tuple(
        DimensionResult(Role.STUDENT, "typography", version, dimension, 8, 0 if v[0] is None else scored, interval(*v))
        for dimension, v in given
    )
    student = replace(calm.generators[0], name=name, nfe=nfe, seconds_per_picture=seconds)
    run: RunSummary = replace(
        calm,
        outcome=changes.pop("outcome", Outcome.PASSED),
        generators=(student,),
        dimensions=rows,
        run_digest=digest,
        judges=changes.pop("judges", {"typography": f"typography {version}"}),
        **changes,
    )
    return FakeRunResults(run, Path("nowhere"), lambda: iter(cases))


def judged_cases(*values: float | None) -> list[CaseResult]:
    """One case for each value of `words`; the student's score of `None` is missing."""
    found = []
    for number, value in enumerate(values):
        reason = "" if value is not None else "unsure (fake)"
        score = Score("words", Status.SCORED if value is not None else Status.UNSCORED, value, reason)
        verdicts = {Role.STUDENT: (Verdict("typography", (score,)),)}
        found.append(CaseResult(Case(f"poster/{number}", "a poster"), 0, {}, verdicts))
    return found


def interval(value: float | None, low: float | None, high: float | None) -> Interval | None:
    return None if value is None else Interval(value, low, high, 4)


def merged(runs: Mapping[str, FakeRunResults], out: Path, *files: Path, **options: Any) -> dict[str, Any]:
    """The leaderboard.json of these runs and files."""
    leaderboard = Leaderboard(Leaderboard.Settings())
    written = leaderboard.write(runs, files, out, formats=("json",), **options)
    content: dict[str, Any] = json.loads(written.files[0].read_text("utf-8"))
    valid(content)
    return content


def valid(content: Any) -> None:
    """Raise `jsonschema.ValidationError` for what the published schema refuses."""
    import jsonschema

    if isinstance(content, Board):
        content = board_json(content)
    jsonschema.Draft202012Validator(json.loads(schema_text())).validate(content)
