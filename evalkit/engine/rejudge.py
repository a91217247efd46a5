"""Judges the pictures of a baseline anew, with the judges as they are today.

A baseline whose judges have changed since can't be compared with. Its pictures are the same, so they are judged again:
those kept in the baseline, or those in a folder, found by their hash.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from evalkit.api.errors import UsageError
from evalkit.api.records import JSON, Role, Sample
from evalkit.api.results import RunSummary
from evalkit.api.scope import kinds_of
from evalkit.config.model import RunConfig
from evalkit.config.stored import config_from_json, config_to_json
from evalkit.engine.plan import check_gates
from evalkit.engine.progress import Progress
from evalkit.engine.replay import Replayer, recorded_plan
from evalkit.engine.run import summarise
from evalkit.engine.summarise import judge_fingerprints
from evalkit.formats.keys import to_json
from evalkit.store.baseline_history import read_history
from evalkit.store.baseline_pictures import THUMBNAILS
from evalkit.store.baselines import FOLDER, copy_database, replace_run
from evalkit.store.blobs import BlobFolder, link_or_copy
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore
from evalkit.verdict.results import StoredResults


def rejudge(
    project: Path,
    name: str,
    pictures: Path | None,
    *,
    author: str,
    reason: str,
    progress: Progress,
    stop: threading.Event,
) -> RunSummary:
    """Judge the pictures of the baseline `name` again; the baseline is replaced when all of them are judged.

    Its gates are decided anew, but for those against a baseline of its own. Metrics keep their figures.

    Args:
        project: the folder that holds `.evalkit`.
        name: of the baseline.
        pictures: a folder with its pictures, under any names; `None`: they are kept in the baseline.
        author: who does it, for the history.
        reason: why, for the history.
        progress: shows how far it is.
        stop: set on Ctrl-C.

    Raises:
        UsageError: there is no such baseline, its config is missing or can't be read here, a gate is on what its judges
            no longer measure, a picture is not found (thumbnails are not judged), or its history can't be read.
        UnavailableError: a judge can't judge any picture.
        Interrupted: `stop` was set; the baseline is as it was.
    """
    folder = project / FOLDER / name
    if not (folder / "run.sqlite").is_file():
        raise UsageError(f"this project has no baseline `{name}`", where=str(folder), hint="evalkit baseline list")
    read_history(folder)  # one that can't be read is refused before anything is judged
    with RunReader(folder) as reader, StoredResults(reader) as results:
        before, config = results.summary(), _config(reader)
        with tempfile.TemporaryDirectory(prefix=".rejudge-", dir=folder.parent) as made:
            work = Path(made)
            _gather(reader, pictures, BlobFolder(work / "pictures"))
            copy_database(folder / "run.sqlite", work / "run.sqlite")
            summary = _judge(work, folder, config, before, progress, stop)
            replace_run(folder, work / "run.sqlite", summary, author=author, reason=reason)
    return summary


def _judge(
    work: Path, folder: Path, config: RunConfig, before: RunSummary, progress: Progress, stop: threading.Event
) -> RunSummary:
    plan = recorded_plan(config, config.judges, before, folder)
    try:
        check_gates(plan)
        _forget_judges(work / "run.sqlite")
        with closing(RunStore(work)) as store:
            store.set_meta("config", config_to_json(config))
            store.set_meta("judges", judge_fingerprints(plan))
            store.set_meta("kinds", {j.name: [to_json(kind) for kind in kinds_of(j).values()] for j in plan.judges})
            with progress:
                controls = Replayer(plan, store, None, progress, stop).run()
            summary = summarise(config, plan, store, controls, before.metrics, None, frozenset(), before.command)
            summary = dataclasses.replace(
                summary, created=before.created, environment=before.environment, generators=before.generators
            )
            store.set_meta("summary", to_json(summary))
            return summary
    finally:
        plan.close()


def _config(reader: RunReader) -> RunConfig:
    """The config of the baseline's run, without what lies outside of the baseline."""
    stored = reader.meta("config")
    if stored is None:
        what = "the baseline does not hold its config, so that its judges are not known"
        raise UsageError(what, where=str(reader.folder), hint="`evalkit baseline set` a new run")
    stored = {**stored, "baseline": None, "flaky": None, "exporters": [], "stop_early": False}
    stored["gates"] = [gate for gate in stored.get("gates") or () if not _is_against_its_baseline(gate)]
    return config_from_json(stored, where=str(reader.folder))


def _is_against_its_baseline(gate: JSON) -> bool:
    return gate.get("max_drop") is not None and gate.get("against") == "baseline"


def _forget_judges(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in ("verdicts", "scores", "controls"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM meta WHERE key = 'summary'")


def _gather(reader: RunReader, folder: Path | None, blobs: BlobFolder) -> None:
    """Put every picture of the baseline into `blobs`. Raises `UsageError` if one is not found by its hash."""
    missing = {}
    for sample in _drawn(reader):
        if not blobs.adopt(reader.blobs, sample.sha256, sample.suffix):
            missing[sample.sha256] = sample
    for path in _files(folder, {sample.suffix for sample in missing.values()}) if missing else ():
        with path.open("rb") as file:
            sample_found = missing.pop(hashlib.file_digest(file, "sha256").hexdigest(), None)
        if sample_found is not None:
            target = blobs.path(sample_found.sha256, sample_found.suffix)
            target.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(path.resolve(), target)
    if missing:
        example = next(iter(missing.values()))
        only_small = "it keeps thumbnails, which are not judged, and " if reader.meta(THUMBNAILS) else ""
        raise UsageError(
            f"{only_small}{len(missing)} of its pictures are not found by their hash, first the "
            f"{example.role.value}'s of `{example.case_id}`",
            where=str(folder or reader.folder),
            hint="--pictures DIR: the pictures/ folder of the run that became the baseline",
        )


def _drawn(reader: RunReader) -> Iterator[Sample]:
    for role in Role:
        yield from (sample for sample in reader.samples(role) if sample.ok)


def _files(folder: Path | None, suffixes: set[str]) -> Iterator[Path]:
    if folder is not None:
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in suffixes)
