"""Every Eval Ever's rows: one per picture and dimension that was scored.

The format has no field for a picture, so `output.raw` names it by its SHA-256 and `metadata` describes it. It wants an
`is_correct` with every score; a graded dimension has none, so the field says whether the case fails in evalkit's sense.
A picture that was not scored has no row: the format demands a number there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from evalkit.api.failing import is_failure
from evalkit.api.records import JSON, Role, Sample, Score, Status, Verdict
from evalkit.api.results import CaseResult
from evalkit.formats.leaderboard import Entry

IS_CORRECT = "this judge has no finding of grade `failure` on the picture, and no failed gate counted its case"


class Identity(NamedTuple):
    """The names of one entry in the format."""

    uuid: str
    collection: str
    developer: str
    model: str
    evaluation_id: str

    @property
    def model_id(self) -> str:
        return f"{self.developer}/{self.model}"

    def path(self, ending: str) -> str:
        """Path of one of the entry's files, from the root of the data store."""
        return f"data/{self.collection}/{self.developer}/{self.model}/{self.uuid}{ending}"

    def result_id(self, dimension: str) -> str:
        return f"{self.uuid}/{dimension}"


def write_rows(path: Path, entry: Entry, names: Identity, cases: Iterable[CaseResult]) -> dict[str, JSON] | None:
    """Write the rows of an entry, streaming; how the aggregate refers to them, `None` where nothing was scored."""
    path.parent.mkdir(parents=True, exist_ok=True)
    checksum, n = hashlib.sha256(), 0
    with path.open("wb") as file:
        for row in _rows(entry, names, cases):
            line = json.dumps(row, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"
            file.write(line)
            checksum.update(line)
            n += 1
    if n == 0:
        path.unlink()
        return None
    return {
        "format": "jsonl",
        "file_path": names.path("_samples.jsonl"),
        "hash_algorithm": "sha256",
        "checksum": checksum.hexdigest(),
        "total_rows": n,
        "additional_details": {"output.raw": "SHA-256 of the picture file", "is_correct": IS_CORRECT},
    }


def _rows(entry: Entry, names: Identity, cases: Iterable[CaseResult]) -> Iterator[JSON]:
    wanted = {figure.dimension for figure in entry.dimensions if figure.value is not None}
    for result in cases:
        sample = result.samples.get(entry.role)
        if sample is None or not sample.ok:
            continue
        for verdict in result.verdicts.get(entry.role, ()):
            for score in verdict.scores:
                if score.status is Status.SCORED and score.dimension in wanted:
                    yield _row(entry, names, result, sample, score, verdict)


def _row(entry: Entry, names: Identity, result: CaseResult, sample: Sample, score: Score, verdict: Verdict) -> JSON:
    case = result.case
    reference = [target.text for target in case.texts]
    seconds = {"performance": {"generation_time_ms": 1000 * sample.seconds}} if sample.seconds is not None else {}
    return {
        "schema_version": "0.3.0",
        "evaluation_id": names.evaluation_id,
        "model_id": names.model_id,
        "evaluation_name": f"{entry.benchmark}: {score.dimension}",
        "evaluation_result_id": names.result_id(score.dimension),
        "sample_id": f"{case.id}#{result.seed}",
        "sample_hash": _sha256(case.prompt + "".join(reference)),
        "interaction_type": "single_turn",
        "input": {"raw": case.prompt, "reference": reference},
        "output": {"raw": [f"sha256:{sample.sha256}{sample.suffix}"]},
        "answer_attribution": [],
        "evaluation": {
            "score": score.value,
            "is_correct": not (
                any(map(is_failure, verdict.findings)) or (entry.role is Role.STUDENT and result.failed_gates)
            ),
        },
        **seconds,
        "metadata": {
            "task": case.task.value,
            "category": case.category,
            "seed": str(result.seed),
            "noise_seed": str(sample.noise_seed),
            "width": str(sample.width),
            "height": str(sample.height),
            "nfe": "not known" if sample.nfe is None else str(sample.nfe),
            "findings": json.dumps([finding.kind for finding in verdict.findings]),
        },
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
