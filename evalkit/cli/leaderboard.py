"""`evalkit leaderboard`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.options import PATH, option
from evalkit.cli.say import say

if TYPE_CHECKING:
    from evalkit.reports.leaderboard.merge import Leaderboard
    from evalkit.store.run_reader import RunReader
    from evalkit.verdict.results import StoredResults


@click.command("leaderboard")
@click.argument("runs", metavar="RUN...", nargs=-1, type=PATH)
@option(
    "--out",
    metavar="DIR",
    type=PATH,
    default=Path("leaderboard"),
    show_default=True,
    envvar="EVALKIT_LEADERBOARD_OUT",
    help="Folder to write into.",
)
@option("--dimension", metavar="D", default="", help="Dimension to sort by. Default: the first.")
@option(
    "--format",
    "formats",
    metavar="F,…",
    default="json,html",
    show_default=True,
    envvar="EVALKIT_LEADERBOARD_FORMAT",
    help="Formats to write: json, html, eee (Every Eval Ever), hf (.eval_results for the Hugging Face hub).",
)
@option(
    "--min-coverage",
    metavar="X",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    envvar="EVALKIT_LEADERBOARD_MIN_COVERAGE",
    help="Share of a figure's cells that must be scored for a rank.",
)
@option("--hf-dataset", metavar="ID", help="For hf: id of the benchmark's dataset on the hub.")
@option("--organization", metavar="NAME", help="For eee: who ran the evaluation.")
@option("--developer", metavar="NAME", help="For eee: who makes the models.")
@option("--sign-key", metavar="FILE", type=PATH, help="Sign the entries with this Ed25519 private key (PEM).")
@option("--verify", metavar="FILE", type=PATH, help="Verify this leaderboard.json against the runs RUN...")
@option(
    "--trusted-key",
    metavar="FILE",
    type=PATH,
    help="With --verify: Ed25519 public key (PEM) that must have signed every entry.",
)
def command(
    runs: tuple[Path, ...], out: Path, dimension: str, formats: str, verify: Path | None, **settings: Any
) -> int:
    """Put runs on one leaderboard, each with the range of ranks that the data allow.

    RUN is a run folder, or a leaderboard.json to add to. Only runs of the same cases and the same judges (version,
    settings and model) can be merged. If two runs have the same generator, the newer one is kept. Runs are compared
    case by case; entries of a file by their intervals, which separate fewer of them.

    With --verify nothing is written. Instead, the digest, figures, coverage and outcome of each RUN are computed anew
    and compared with every entry of the file that claims that run. What can't be checked is listed. Exit 1 if an entry
    does not match its run or is there twice, a rank does not follow from the figures, a picture was changed, or a
    signature is wrong.
    """
    from evalkit.api.errors import EXIT_OK, UsageError
    from evalkit.formats.explain import validate
    from evalkit.reports.leaderboard.merge import Leaderboard
    from evalkit.store.run_reader import RunReader
    from evalkit.studies.leaderboard_runs import DigestedRun
    from evalkit.verdict.results import StoredResults

    files = [run for run in runs if run.is_file()]
    if verify is not None and files:
        what, hint = "entries are verified by run folders, not by a file", "--verify FILE RUN-FOLDER..."
        raise UsageError(what, where=str(files[0]), hint=hint)
    given = {key: value for key, value in settings.items() if value is not None}
    leaderboard = Leaderboard(validate(Leaderboard.Settings, given, where="leaderboard"))
    with ExitStack() as opened:
        readers = {str(run): opened.enter_context(RunReader(run)) for run in runs if run not in files}
        results = {name: opened.enter_context(StoredResults(reader)) for name, reader in readers.items()}
        if verify is not None:
            return _verify(leaderboard, verify, readers, results)
        if (out / "run.sqlite").exists():
            what = "that is a run folder, which has a leaderboard.json of its own"
            raise UsageError(what, where=str(out), hint="--out DIR")
        names = [name.strip() for name in formats.split(",") if name.strip()]
        finished = {name: DigestedRun(readers[name], results[name]) for name in readers}
        written = leaderboard.write(finished, files, out, dimension=dimension, formats=names)
    for note in written.notes:
        say(f"note: {note}", err=True)
    for path in written.files:
        say(str(path))
    return EXIT_OK


def _verify(
    leaderboard: Leaderboard, file: Path, readers: dict[str, RunReader], results: dict[str, StoredResults]
) -> int:
    from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_OK
    from evalkit.reports.leaderboard.verify import Result
    from evalkit.store.fingerprint import check_pictures
    from evalkit.studies.leaderboard_runs import RecomputedRun

    failed = False
    recomputed = {name: RecomputedRun(readers[name], results[name]) for name in readers}
    for result, text in leaderboard.verify(file, recomputed):
        failed = failed or result is Result.MISMATCH
        say(f"{result:<9} {text}")
    for name, reader in readers.items():
        for what in recomputed[name].unchecked():
            say(f"unchecked {name}: {what}")
        changed, missing = check_pictures(reader)
        if changed:
            failed = True
            say(f"MISMATCH  {name}: {len(changed)} pictures changed after judging, first {changed[0]}")
        elif missing:
            say(f"unchecked {name}: {len(missing)} picture files are missing, first {missing[0]}")
        else:
            say(f"ok        {name}: every picture is the one that was judged")
    return EXIT_GATE_FAILED if failed else EXIT_OK
