"""Makes a calibration from label files and a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from evalkit import __version__
from evalkit.api.errors import ConfigError
from evalkit.api.labels import LabelFile
from evalkit.store.run_reader import RunReader
from evalkit.studies.calibrate.assess import JudgeVersion, assess
from evalkit.studies.calibrate.join import LabelledScores, join
from evalkit.studies.calibrate.read import gather, read_labels
from evalkit.studies.calibrate.records import Calibration
from evalkit.studies.calibrate.sheet import dimensions
from evalkit.verdict.results import StoredResults


def calibrate(paths: Sequence[Path], run: Path, *, pass_level: float, command: str = "") -> Calibration:
    """Compare the scores of `run` with the labels in `paths`.

    Raises:
        UsageError: `run` is not a finished run.
        ConfigError: a file is not a label file or is given twice, or an entry is wrong or belongs to another run.
    """
    files: dict[Path, LabelFile] = {}
    for path in paths:
        if path in files:
            raise ConfigError("this file is given twice", where=str(path))
        files[path] = read_labels(path)
    given = gather(files)
    with RunReader(run) as reader:
        summary = StoredResults(reader).summary()
        judges = {row.dimension.name: JudgeVersion(row.judge, row.judge_version) for row in summary.dimensions}
        reason = _no_estimate_reason(files)
        joined = tuple(join(reader, given, dimensions(summary)))
        found = tuple(
            assess(judged, judges[judged.dimension.name], pass_level=pass_level, no_estimate=reason)
            for judged in joined
        )
    return Calibration(
        summary.benchmark,
        summary.run_digest,
        datetime.now(UTC).isoformat(timespec="seconds"),
        __version__,
        command,
        tuple(sorted(found, key=lambda each: (each.dimension, each.kind))),
        tuple(_warnings(files, summary.run_digest, joined)),
    )


def _no_estimate_reason(files: Mapping[Path, LabelFile]) -> str:
    by_hand = [path.name for path, file in files.items() if file.sampling is None]
    if not by_hand:
        return ""
    return f"{', '.join(by_hand)}: not a random sample (`sampling` is missing), so it says nothing about other pictures"


def _warnings(files: Mapping[Path, LabelFile], run_digest: str, joined: Sequence[LabelledScores]) -> list[str]:
    warnings = []
    n_asked = max((len({cell[0] for cell in judged.predictions}) for judged in joined), default=0)
    for path, file in files.items():
        asked, answered = file.sampling.questions if file.sampling else 0, len(file.labels)
        if answered < asked:
            warnings.append(
                f"{path.name}: {answered} of {asked} questions are answered; the estimates are valid only if the rest "
                "was not skipped because of its content (stopping early is fine; skipping the hard ones is not)"
            )
        if file.sampling and file.sampling.cases_eligible < n_asked:
            warnings.append(
                f"{path.name}: drawn from {file.sampling.cases_eligible} of {n_asked} cases; the estimates are valid "
                "only if people would say the same of the others"
            )
        if file.run_digest and file.run_digest != run_digest:
            warnings.append(f"{path.name}: made from another run, which has the same pictures")
    return warnings
