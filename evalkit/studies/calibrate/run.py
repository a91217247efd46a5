"""Labels and a run in, a calibration out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from evalkit import __version__
from evalkit.api.errors import ConfigError
from evalkit.api.labels import LabelFile
from evalkit.store.run_reader import RunReader
from evalkit.studies.calibrate.assess import Judge, assess
from evalkit.studies.calibrate.join import join
from evalkit.studies.calibrate.read import gather, read_labels
from evalkit.studies.calibrate.records import Calibration
from evalkit.studies.calibrate.sheet import dimensions
from evalkit.verdict.results import StoredResults


def calibrate(paths: Sequence[Path], run: Path, *, pass_level: float, command: str = "") -> Calibration:
    """Hold the scores of `run` against the labels in `paths`.

    Raises:
        UsageError: no finished run.
        ConfigError: a file that is no labels, an entry that is wrong or of another run, or the same one twice.
    """
    files: dict[Path, LabelFile] = {}
    for path in paths:
        if path in files:
            raise ConfigError("this file is given twice", where=str(path))
        files[path] = read_labels(path)
    given = gather(files)
    with RunReader(run) as reader:
        summary = StoredResults(reader).summary()
        judges = {row.dimension.name: Judge(row.judge, row.judge_version) for row in summary.dimensions}
        reason = _not_random(files)
        found = tuple(
            assess(judged, judges[judged.dimension.name], pass_level=pass_level, no_estimate=reason)
            for judged in join(reader, given, dimensions(summary))
        )
    return Calibration(
        summary.benchmark,
        summary.run_digest,
        datetime.now(UTC).isoformat(timespec="seconds"),
        __version__,
        command,
        tuple(sorted(found, key=lambda each: (each.dimension, each.kind))),
        tuple(_warnings(files, summary.run_digest)),
    )


def _not_random(files: Mapping[Path, LabelFile]) -> str:
    by_hand = [path.name for path, file in files.items() if file.sampling is None]
    if not by_hand:
        return ""
    return f"{', '.join(by_hand)}: no random sample (`sampling` is missing), so it says nothing of other pictures"


def _warnings(files: Mapping[Path, LabelFile], run_digest: str) -> list[str]:
    said = []
    for path, file in files.items():
        asked, answered = file.sampling.questions if file.sampling else 0, len(file.labels)
        if answered < asked:
            said.append(
                f"{path.name}: {answered} of {asked} questions answered; estimates hold if what is left out was not "
                "chosen by its looks (the order is random: to stop early is fine, to leave out the hard ones is not)"
            )
        if file.run_digest and file.run_digest != run_digest:
            said.append(f"{path.name}: made from another run that shows the same pictures")
    return said
