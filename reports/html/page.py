"""`index.html`: the overview of a run, which can be read without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from evalkit.api.records import JSON, Role
from evalkit.api.results import GateStatus, Outcome, RunSummary
from evalkit.api.timing import times_as_fast
from evalkit.reports import wording
from evalkit.reports.escape import clip, label, visible
from evalkit.reports.html.addresses import address, finding_address
from evalkit.reports.html.bundle import asset_names, asset_text
from evalkit.reports.html.forest import confidence
from evalkit.reports.html.missing_scores import MissingScores
from evalkit.reports.sections import MAX_CONFIG, ReportInput, page_sections

LONGEST_TEXT = 5_000
DATA_MARK = "<!--data-->"
"""Where the data go in a page that is one file. No text of a run can equal it, because `<` is escaped."""


def render_page(
    summary: RunSummary,
    n_results: int,
    *,
    missing: MissingScores | None = None,
    inline: bool = False,
    left_out: str = "",
) -> str:
    """The page as HTML.

    `n_results` is the number of cases and seeds in the list, `missing` counts why scores are missing. With `inline` the
    page holds its style sheets and scripts, and `DATA_MARK` once; `left_out` says what such a page lacks.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("evalkit.reports.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters["label"] = label
    environment.globals.update(address=address, finding_address=finding_address)
    styles, scripts = ([name for name in asset_names() if name.endswith(end)] for end in (".css", ".js"))
    inlined = {name: Markup(asset_text(name)) for name in (*styles, *scripts)} if inline else {}
    return environment.get_template("index.html.j2").render(
        summary=summary,
        words=wording,
        sections=page_sections(ReportInput(summary, missing=missing)),
        confidence=confidence(summary),
        outcome=wording.outcome_of(summary),
        headline=headline(summary),
        student=_generator(summary, Role.STUDENT),
        teacher=_generator(summary, Role.TEACHER),
        speedup=speedup(summary),
        styles=styles,
        scripts=scripts,
        inlined=inlined,
        policy=content_policy(
            [inlined[name] for name in scripts if inline], [inlined[name] for name in styles if inline]
        ),
        data_mark=Markup(DATA_MARK) if inline else "",
        left_out=left_out,
        n_results=n_results,
    )


def content_policy(scripts: Iterable[str] = (), styles: Iterable[str] = ()) -> str:
    """The page's Content-Security-Policy: its own files, or just these texts by their hashes; never the network."""
    allowed_scripts = " ".join(map(_hash_source, scripts)) or "'self'"
    allowed_styles = " ".join(map(_hash_source, styles)) or "'self'"
    return (
        f"default-src 'none'; script-src {allowed_scripts}; style-src {allowed_styles}; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types evalkit"
    )


def headline(summary: RunSummary) -> str:
    """The run in one sentence that claims no more than its outcome does."""
    names = {g.role: g.name for g in summary.generators}
    student = names.get(Role.STUDENT, "the student")
    against = f" against {names[Role.TEACHER]}" if Role.TEACHER in names else ""
    outcome = wording.outcome_of(summary)
    undecided = sum(gate.status is GateStatus.UNDECIDED for gate in summary.gates)
    if outcome is Outcome.UNDECIDED:
        gates = f": {undecided} of {len(summary.gates)} gates undecided" if undecided else ""
        return f"{student} could not be judged{against}{gates}"
    if outcome is Outcome.MEASURED or not summary.gates:
        return f"{student} was measured{against}, with no gate to pass"
    if outcome is Outcome.FAILED:
        return f"{student} does not hold its gates{against}"
    if undecided:
        return f"{student} fails no gate{against}; {undecided} of {len(summary.gates)} had too few cases to decide"
    return f"{student} holds every gate{against}"


def speedup(summary: RunSummary) -> str:
    """How many times as fast the student's median picture is, or empty where the two times can't be compared."""
    ratio = times_as_fast(summary)
    return f"{ratio:.1f}×" if ratio is not None else ""


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _generator(summary: RunSummary, role: Role) -> Any:
    return next((g for g in summary.generators if g.role is role), None)


def _finalize(value: JSON) -> JSON:
    """Every text that enters the page, with invisible characters written out, and clipped."""
    return clip(visible(value), MAX_CONFIG + LONGEST_TEXT) if type(value) is str else value
