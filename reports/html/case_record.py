"""One case and seed as the JSON that the case view draws."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from evalkit.api.evidence import HeatMap, TextDifference
from evalkit.api.failing import case_fails
from evalkit.api.records import JSON, Box, Finding, Role, Sample, Status, Verdict, grade_of
from evalkit.api.results import CaseResult, RunSummary
from evalkit.reports.escape import clip, visible
from evalkit.reports.evidence import blocks_of
from evalkit.reports.failures import by_rule, counted_by
from evalkit.reports.html.evidence import PlacePicture, drawn_map, drawn_texts, evidence_text, readable
from evalkit.reports.html.shelf import PictureFile, SizedPicture
from evalkit.reports.wording import figure, seconds

MAX_FINDINGS = 300
MAX_PROMPT = 20_000
MAX_TEXT = 2_000
MAX_FACT = 6_000
BASELINE = "baseline"
"""Role of the baseline's picture in the view of a case, beside the roles of the run."""
SOURCE = "source"
"""Role of the picture that an edit starts from."""


def _not_placed(_: bytes) -> SizedPicture:
    return SizedPicture(PictureFile("", "this report holds no pictures of judges"), (0, 0))


def case_record(
    result: CaseResult,
    pictures: Mapping[Role, PictureFile],
    summary: RunSummary,
    baseline: PictureFile | None = None,
    source: SizedPicture | None = None,
    place: PlacePicture = _not_placed,
) -> JSON:
    """The case, and one entry per role that ran. Long texts are clipped and say by how much.

    `baseline` is the picture of the baseline's sample, `source` the picture that is edited, where the case has one.
    `place` makes the pictures of judges part of the report; `judge_pictures` names their files.
    """
    kept: dict[str, None] = {}

    def keep(data: bytes) -> SizedPicture:
        picture = place(data)
        if picture.file.name:
            kept[picture.file.name] = None
        return picture

    case = result.case
    names = {generator.role: generator.name for generator in summary.generators}
    roles = [
        _role(
            role.value,
            names.get(role, ""),
            result.samples.get(role),
            pictures[role],
            result.verdicts.get(role, ()),
            keep,
        )
        for role in Role
        if role in result.samples or role in result.verdicts
    ]
    if result.change and result.change.baseline_sample and baseline:
        name = summary.comparison.baseline if summary.comparison else ""
        before = result.change
        shown = _role(BASELINE, name, before.baseline_sample, baseline, before.baseline_verdicts, keep)
        roles.append({**shown, **_thumbnail(before.baseline_thumbnail, shown["brief"])})
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
        "failing": case_fails(result),
        "gates": [[_text(one.rule), _text(one.measured)] for one in counted_by(result, by_rule(summary))],
        "roles": roles,
        "judge_pictures": list(kept),
        "edited": [_source(source)] if source else [],
    }


def _thumbnail(small: Sample | None, brief: str) -> dict[str, JSON]:
    """What is different where the baseline keeps a thumbnail in place of the picture."""
    if small is None:
        return {}
    return {"thumbnail": True, "brief": f"{brief}; shown as a thumbnail of {small.width}×{small.height} px"}


def _source(source: SizedPicture) -> JSON:
    """The picture that an edit starts from: drawn beside the others, judged by nobody."""
    entry = {**_role(SOURCE, "the picture to be edited", None, source.file, (), _not_placed), "size": list(source.size)}
    width, height = source.size
    return {**entry, "brief": f"{width}×{height} px" if source.file.name else ""}


def case_command(command: str, case_id: str) -> str:
    """The run's command narrowed to one case, in a run folder of its own."""
    return _text(f"{command} --case {shlex.quote(case_id)} --out runs/one-case", MAX_PROMPT)


def _role(
    role: str,
    name: str,
    sample: Sample | None,
    picture: PictureFile,
    verdicts: Sequence[Verdict],
    place: PlacePicture,
) -> JSON:
    located = sorted(((v.judge, f) for v in verdicts for f in v.findings), key=_badness)
    return {
        "role": role,
        "generator": _text(name),
        "picture": picture.name,
        "missing": _text(picture.missing),
        "size": [sample.width, sample.height] if sample else [0, 0],
        "brief": _brief(sample),
        "facts": _facts(sample),
        "findings": [_finding(judge, finding, place) for judge, finding in located[:MAX_FINDINGS]],
        "more_findings": max(0, len(located) - MAX_FINDINGS),
        "scores": [row for verdict in verdicts for row in _scores(verdict)],
        **_evidence(verdicts, place),
    }


def _badness(item: tuple[str, Finding]) -> tuple[int, float]:
    """What the findings of a picture are sorted by, so that many mild ones do not bury a severe one."""
    return (-grade_of(item[1]).rank, -item[1].severity)


def _evidence(verdicts: Sequence[Verdict], place: PlacePicture) -> dict[str, JSON]:
    """The evidence of all judges: `maps` over the picture, `texts` [judge, rows], and all else, [judge, node]."""
    maps: list[JSON] = []
    texts: list[JSON] = []
    others: list[JSON] = []
    for verdict in verdicts:
        rest = dict(verdict.evidence)
        for name, block in blocks_of(verdict.evidence).items():
            if isinstance(block, HeatMap):
                maps.append(drawn_map(block))
                del rest[name]
            elif isinstance(block, TextDifference):
                texts.append([_text(verdict.judge), drawn_texts(block)])
                del rest[name]
        if rest:
            others.append([_text(verdict.judge), readable(rest, place)])
    return {"maps": maps, "texts": texts, "evidence": others}


def _finding(judge: str, finding: Finding, place: PlacePicture) -> JSON:
    return {
        "kind": _text(finding.kind),
        "judge": _text(judge),
        "box": _box(finding.box),
        "size": _amount(finding),
        "grade": grade_of(finding).value,
        "severity": finding.severity,
        "blame": finding.blame.value if finding.blame else "unknown",
        "message": _text(finding.message),
        "target": _text(finding.target),
        "evidence": readable(finding.evidence, place) if finding.evidence else None,
    }


def _box(box: Box) -> list[float]:
    return [round(v, 2) for v in (box.x0, box.y0, box.x1, box.y1)]


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


def _text(text: str, limit: int = MAX_TEXT) -> str:
    return clip(visible(text), limit)
