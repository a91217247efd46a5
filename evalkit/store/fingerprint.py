"""Computes the digest of a run, with which anybody who has the run folder can check a leaderboard entry.

The digest covers the cases, the pictures (by SHA-256, with their NFE), and the scores and findings of every judge. It
does not cover what may differ between a run that was killed and resumed and one that was not: timings, memory, batches,
notes, evidence, the wording of errors, and paths on this machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from evalkit.api.records import JSON, Case, Finding, Role, Sample, Score, Status, Verdict
from evalkit.formats.keys import digest, to_json
from evalkit.store.run_reader import RunReader

_FORMAT = "evalkit run 1"


def run_digest(reader: RunReader) -> str:
    """SHA-256 (hex) over the contents of a run; needs the memory of one case.

    Two runs with the same cases, pictures, judges and verdicts have the same digest, no matter when, where and in how
    many attempts they were made. The figures of a run follow from what the digest covers.
    """
    contents = hashlib.sha256()
    for part in _contents(reader):
        contents.update(digest(part).encode())
    return contents.hexdigest()


class PictureCheck(NamedTuple):
    """Ids of the cases whose picture file has changed since it was judged, or is missing."""

    changed: tuple[str, ...]
    missing: tuple[str, ...]


def check_pictures(reader: RunReader) -> PictureCheck:
    """Hash every picture file of a run again and compare it with the hash in its sample."""
    changed, missing = [], []
    for role in Role:
        for sample in reader.samples(role):
            path = reader.blobs.path(sample.sha256, sample.suffix)
            if not sample.ok:
                continue
            if not path.is_file():
                missing.append(sample.case_id)
                continue
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sample.sha256:
                    changed.append(sample.case_id)
    return PictureCheck(tuple(changed), tuple(missing))


def _contents(reader: RunReader) -> Iterator[JSON]:
    seeds = reader.meta("seeds") or 1
    yield [_FORMAT, reader.meta("benchmark"), seeds, reader.meta("judges")]
    for _, control in reader.control_results():
        yield [control.judge, control.name, control.passed]
    for idx, case in reader.cases():
        yield _case(case)
        for seed in range(seeds):
            for role in Role:
                sample = reader.sample(role, idx, seed)
                if sample is not None:
                    yield _sample(sample)
                    yield [_verdict(verdict) for verdict in reader.verdicts(role, idx, seed)]


def _case(case: Case) -> JSON:
    content = to_json(case)
    content["source"] = case.source.sha256 if case.source else None  # its content, not where it lies
    return content


def _sample(sample: Sample) -> JSON:
    place = [sample.role.value, sample.case_id, sample.seed]
    return [*place, sample.key, sample.fingerprint, sample.noise_seed, sample.ok, sample.sha256, sample.nfe]


def _verdict(verdict: Verdict) -> JSON:
    return [verdict.judge, [_score(s) for s in verdict.scores], [_finding(f) for f in verdict.findings]]


def _score(score: Score) -> JSON:
    abstained = score.reason if score.status is Status.UNSCORED else ""
    return [score.dimension, score.status.value, score.value, abstained]


def _finding(finding: Finding) -> JSON:
    box = finding.box
    where = [box.x0, box.y0, box.x1, box.y1]
    graded = [finding.grade.value] if finding.grade else []  # runs of version 0.1.0 have none, and keep their digest
    return [
        finding.kind, where, finding.size, finding.unit, finding.severity, finding.message, finding.target, *graded
    ]  # fmt: skip
