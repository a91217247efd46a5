"""`summary.md`: the run in GitHub Markdown, the result first; and the same as a comment on a pull request."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from evalkit.api import settings
from evalkit.api.results import RunResults, RunSummary
from evalkit.reports.ci.markdown import COMMENT_BYTES, STEP_SUMMARY_BYTES, fit
from evalkit.reports.failures import Failures, collect_failures
from evalkit.reports.files import replacing_file
from evalkit.reports.sections import ReportInput, markdown_parts

COMMENT_ROWS = 15
SUMMARY_ROWS = 200
"""Most rows of one table in a comment, and in a summary."""


class SummaryExporter:
    """A Markdown summary for a pull request or `$GITHUB_STEP_SUMMARY`."""

    class Settings(settings.Settings):
        """How much to show."""

        worst_cases: int = Field(default=10, ge=0, le=100)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write `summary.md` into `out`; its path."""
        target = out / "summary.md"
        with replacing_file(target) as file:
            file.write(render_summary(results, self.settings.worst_cases))
        return target


def render_summary(results: RunResults, worst: int = 10) -> str:
    """The summary as Markdown, small enough for a step summary."""
    return step_summary(results.summary(), collect_failures(results, worst))


def render_comment(results: RunResults, worst: int = 10, marker: str = "evalkit") -> str:
    """The summary as a comment on a pull request, small enough for one.

    Its first line is hidden and always the same (`<!-- evalkit comment: MARKER -->`): a bot that finds it in an older
    comment updates that one instead of adding another.
    """
    return comment(results.summary(), collect_failures(results, worst), marker)


def step_summary(summary: RunSummary, failures: Failures, limit: int = STEP_SUMMARY_BYTES) -> str:
    """The summary in at most `limit` bytes; empty where that is too few even for the result."""
    return fit(markdown_parts(ReportInput(summary, failures)), limit, SUMMARY_ROWS)


def comment(summary: RunSummary, failures: Failures, marker: str) -> str:
    """The comment with its hidden first line."""
    first = f"<!-- evalkit comment: {marker} -->\n"
    return first + fit(markdown_parts(ReportInput(summary, failures)), COMMENT_BYTES - len(first), COMMENT_ROWS)
