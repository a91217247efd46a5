"""One case and seed as the JSON that the case view draws."""

from __future__ import annotations

import math
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.api.records import JSON, Box, Finding, Role, Sample, Status, Verdict
from evalkit.api.results import CaseResult, RunSummary
from evalkit.reports.escape import clip, visible
from evalkit.reports.html.differences import Column, align, mark_differences
from evalkit.reports.html.evidence import evidence_text, flip_map, grain_map, readable
from evalkit.reports.html.shelf import Placed, PlacedSource
from evalkit.reports.wording import figure, seconds

MAX_FINDINGS = 300
MAX_WORDS = 500
MAX_PROMPT = 20_000
MAX_TEXT = 2_000
MAX_FACT = 6_000
BASELINE = "baseline"
"""The part the baseline's picture plays in the view of a case, beside the roles of the run."""
SOURCE = "source"
"""The part of the picture that an edit starts from."""


def case_record(
    result: CaseResult,
    pictures: Mapping[Role, Placed],
    summary: RunSummary,
    baseline: Placed | None = None,
    source: PlacedSource | None = None,
) -> JSON:
    """The case, and one entry per role that ran. Long texts are clipped and say by how much.

    `baseline` is the placed picture of the baseline's sample, `source` that of what is edited, where the case has one.
    """
    case = result.case
    names = {generator.role: generator.name for generator in summary.generators}
    roles = [
        _role(role.value, names.get(role, ""), result.samples.get(role), pictures[role], result.verdicts.get(role, ()))
        for role in Role
        if role in result.samples or role in result.verdicts
    ]
    if result.change and result.change.baseline_sample and baseline:
        name = summary.comparison.baseline if summary.comparison else ""
        roles.append(_role(BASELINE, name, result.change.baseline_sample, baseline, result.change.baseline_verdicts))
    return {
        "id": case.id,
        "seed": result.seed,
        "task": case.task.value,
        "category": _text(case.category),
        "tags": [_text(tag) for tag in case.tags],
        "prompt": _text(case.prompt, MAX_PROMPT),
        "texts": [_text(target.text) for target in case.texts],
        "size": [case.width, case.height],
        "source": case.source.sha256 if case.source else "",
        "command": case_command(summary.command, case.id),
        "change": [result.change.bucket.value, _text(result.change.reason)] if result.change else None,
        "flaky": case.id in summary.flaky,
        "roles": roles,
        "edited": [_source(source)] if source else [],
    }


def _source(source: PlacedSource) -> JSON:
    """What an edit starts from, drawn beside the roles but judged by nobody."""
    drawn = {**_role(SOURCE, "the picture to be edited", None, source.placed, ()), "size": list(source.size)}
    width, height = source.size
    return {**drawn, "brief": f"{width}×{height} px" if source.placed.name else ""}


def case_command(command: str, case_id: str) -> str:
    """The run's command narrowed to one case, in a run folder of its own."""
    return _text(f"{command} --case {shlex.quote(case_id)} --out runs/one-case", MAX_PROMPT)


def _role(role: str, name: str, sample: Sample | None, picture: Placed, verdicts: Sequence[Verdict]) -> JSON:
    located = sorted(((v.judge, f) for v in verdicts for f in v.findings), key=lambda item: -item[1].severity)
    return {
        "role": role,
        "generator": _text(name),
        "picture": picture.name,
        "missing": _text(picture.missing),
        "size": [sample.width, sample.height] if sample else [0, 0],
        "brief": _brief(sample),
        "facts": _facts(sample),
        "findings": [_finding(judge, finding) for judge, finding in located[:MAX_FINDINGS]],
        "more_findings": max(0, len(located) - MAX_FINDINGS),
        "words": [row for verdict in verdicts for row in words(verdict)],
        "map": next((drawn for v in verdicts if (drawn := grain_map(v))), None),
        "flip": next((drawn for v in verdicts if (drawn := flip_map(v))), None),
        "scores": [row for verdict in verdicts for row in _scores(verdict)],
        "evidence": [[_text(v.judge), readable(rest)] for v in verdicts if (rest := _not_drawn(v))],
    }


def _not_drawn(verdict: Verdict) -> dict[str, JSON]:
    """The evidence that the view does not show in a form of its own."""
    shown = {
        "words": bool(words(verdict)),
        "map": grain_map(verdict) is not None,
        "flip_map": flip_map(verdict) is not None,
    }
    return {name: value for name, value in verdict.evidence.items() if not shown.get(name)}


def _finding(judge: str, finding: Finding) -> JSON:
    return {
        "kind": _text(finding.kind),
        "judge": _text(judge),
        "box": _box(finding.box),
        "size": _amount(finding),
        "severity": finding.severity,
        "blame": finding.blame.value if finding.blame else "unknown",
        "message": _text(finding.message),
        "target": _text(finding.target),
        "evidence": readable(finding.evidence) if finding.evidence else None,
    }


def _box(box: Box) -> list[float]:
    return [round(v, 2) for v in (box.x0, box.y0, box.x1, box.y1)]


def words(verdict: Verdict) -> list[JSON]:
    """The expected and the read text of each word a judge reports, in pieces with the differences marked.

    Evidence is whatever a judge put there: what is not a list of objects with texts is left to the raw evidence.
    `columns` stands one text above the other; it is empty where letters join, for joined letters can't be cut apart.
    """
    listed = verdict.evidence.get("words")
    if not isinstance(listed, list):
        return []
    rows: list[JSON] = []
    for word in listed[:MAX_WORDS]:
        if isinstance(word, Mapping):
            expected, read = _string(word.get("expected")), _string(word.get("read"))
            status = _string(word.get("status"))
            # what the judge let pass (another case, say) is not marked: marks are for defects
            let_pass = status == "correct"
            left, right = mark_differences(read if let_pass else expected, read)
            columns = [Column(expected, read, True)] if let_pass else align(expected, read)
            rows.append(
                {
                    "expected": left,
                    "read": right,
                    "columns": [] if _joined(expected + read) else [list(column) for column in columns],
                    "status": status,
                    "text": _string(word.get("text")),
                }
            )
    return rows


def _joined(text: str) -> bool:
    """Whether the text is in a script that is written from right to left or joins its letters."""
    return any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)


def _amount(finding: Finding) -> str:
    """`2 letters`, `1 letter`, `0.3 L*`."""
    unit = finding.unit.removesuffix("s") if finding.size == 1 else finding.unit
    return f"{finding.size:.4g} {_text(unit)}".rstrip()


def _scores(verdict: Verdict) -> list[JSON]:
    """[judge, dimension, status, figure or null, reason]: a missing score has no figure."""
    return [
        [
            _text(verdict.judge),
            _text(score.dimension),
            score.status.value,
            figure(score.value) if score.status is Status.SCORED and score.value is not None else None,
            _text(score.reason),
        ]
        for score in verdict.scores
    ]


def _brief(sample: Sample | None) -> str:
    """One line under the picture."""
    if sample is None or not sample.ok:
        return ""
    nfe = "NFE not counted" if sample.nfe is None else f"{sample.nfe} NFE"
    return f"{nfe}, {seconds(sample.seconds)}, {sample.width}×{sample.height} px"


def _facts(sample: Sample | None) -> list[JSON]:
    """[name, value] of the sample's provenance."""
    if sample is None:
        return []
    unknown = "not known"
    invariant = {None: "not guaranteed", True: "yes", False: "no"}[sample.batch_invariant]
    memory = unknown if sample.peak_memory_mb is None else f"{sample.peak_memory_mb:,.0f} MB"
    facts = [
        ("Generator fingerprint", sample.fingerprint),
        ("NFE (counted)", "not counted" if sample.nfe is None else str(sample.nfe)),
        ("Time", seconds(sample.seconds)),
        ("Seed", str(sample.seed)),
        ("Noise seed", str(sample.noise_seed)),
        ("Size", f"{sample.width}×{sample.height} px" if sample.ok else "no picture"),
        ("Batch size", str(sample.batch_size)),
        ("Same in any batch", invariant),
        ("Peak memory", memory),
        ("Picture sha256", sample.sha256 or "no picture"),
        ("Content key", sample.key),
    ]
    if sample.notes:
        facts.append(("Notes", evidence_text(dict(sample.notes))))
    return [[name, _text(value, MAX_FACT)] for name, value in facts]


def _string(value: Any) -> str:
    """A piece of evidence as text: a text as it is, nothing as empty, anything else as it prints."""
    if isinstance(value, str):
        return _text(value)
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else _text(str(value))


def _text(text: str, limit: int = MAX_TEXT) -> str:
    return clip(visible(text), limit)
