"""What GitHub shows of a run: step summary, step outputs, annotations, and a comment for the pull request."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from evalkit.api import settings
from evalkit.api.results import Bucket, RunResults, RunSummary
from evalkit.formats.foreign_text import printable
from evalkit.reports.ci.annotations import command, workflow_commands
from evalkit.reports.ci.markdown import STEP_SUMMARY_BYTES
from evalkit.reports.ci.summary import comment, step_summary
from evalkit.reports.failures import collect_failures
from evalkit.reports.files import replacing_file
from evalkit.reports.wording import outcome_of


class GithubExporter:
    """Step summary, outputs and annotations inside GitHub Actions; anywhere, a comment for the pull request.

    `comment.md` is always written. `$GITHUB_STEP_SUMMARY` and `$GITHUB_OUTPUT` are appended to where they are set, and
    annotations are printed where `$GITHUB_ACTIONS` is `true`. If one of these can't be written, a warning says so and
    the run goes on.
    """

    class Settings(settings.Settings):
        """How much to show.

        `annotations`: most annotations of each level (GitHub shows 10 errors and 10 warnings of a step).
        `marker`: tells comments of several jobs on one pull request apart.
        """

        annotations: int = Field(default=10, ge=0, le=100)
        marker: str = Field(default="evalkit", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write `comment.md` into `out`; its path."""
        target = out / "comment.md"
        summary = results.summary()
        failures = collect_failures(results, self.settings.annotations)
        with replacing_file(target) as file:
            file.write(comment(summary, failures, self.settings.marker))
        problems = []
        if step := os.environ.get("GITHUB_STEP_SUMMARY"):
            room = STEP_SUMMARY_BYTES - _bytes_in(Path(step)) - 1
            problems += append(Path(step), step_summary(summary, failures, room), "the step summary")
        if outputs := os.environ.get("GITHUB_OUTPUT"):
            problems += append(Path(outputs), output_lines(step_outputs(summary, out)), "the step outputs")
        if os.environ.get("GITHUB_ACTIONS") == "true":
            _print([*workflow_commands(summary, failures, self.settings.annotations), *(_warning(p) for p in problems)])
        else:
            for problem in problems:
                print(printable(f"evalkit: {problem}"), file=sys.stderr)
        return target


def step_outputs(summary: RunSummary, out: Path) -> dict[str, str]:
    """The outputs of the step; `report` is empty where there is no HTML report, counts where nothing was compared."""
    page = out.resolve() / "report" / "index.html"
    buckets = summary.comparison.buckets if summary.comparison else None
    return {
        "outcome": outcome_of(summary).value,
        "report": str(page) if page.is_file() else "",
        "regressed": "" if buckets is None else str(buckets.get(Bucket.REGRESSED, 0)),
        "new_failures": "" if buckets is None else str(buckets.get(Bucket.NEW_FAILURE, 0)),
    }


def output_lines(values: Mapping[str, str]) -> str:
    """Lines for `$GITHUB_OUTPUT`, each value between random delimiters that no value can foresee."""
    lines = []
    for name, value in values.items():
        delimiter = f"evalkit-{uuid.uuid4().hex}"
        lines += [f"{name}<<{delimiter}", value, delimiter]
    return "\n".join(lines) + "\n"


def append(path: Path, text: str, what: str) -> list[str]:
    """Add `text` to a file of the runner, on lines of its own; the problem in words where that fails."""
    if not text:
        return [f"{what} has no room left: nothing was added"]
    try:
        with path.open("ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                text = text if file.read(1) == b"\n" else f"\n{text}"
            file.write(text.encode("utf-8", "replace"))
    except OSError as error:
        return [f"{what} can't be written: {error.strerror}: {path}"]
    return []


def _bytes_in(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _warning(problem: str) -> str:
    return command("warning", "evalkit", problem)


def _print(lines: Sequence[str]) -> None:
    """To stdout, where the runner listens; what its encoding lacks is written out."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()
