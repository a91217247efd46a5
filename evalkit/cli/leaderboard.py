"""`evalkit leaderboard`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evalkit.api.records import Sample
    from evalkit.api.results import CaseResult, DimensionResult, GeneratorResult, RunSummary
    from evalkit.store.run_reader import RunReader
    from evalkit.verdict.results import StoredResults

_PATH = click.Path(path_type=Path)


@click.command("leaderboard")
@click.argument("runs", metavar="RUN...", nargs=-1, type=_PATH)
@click.option(
    "--out", metavar="DIR", type=_PATH, default=Path("leaderboard"), show_default=True,
    envvar="EVALKIT_LEADERBOARD_OUT", help="Folder to write into.",
)  # fmt: skip
@click.option(
    "--dimension", metavar="D", default="", envvar="EVALKIT_DIMENSION", help="Sort by it. Default: the first."
)
@click.option(
    "--format", "formats", metavar="F,…", default="json,html", show_default=True, envvar="EVALKIT_LEADERBOARD_FORMAT",
    help="Of json, html, eee (Every Eval Ever), hf (.eval_results for the Hugging Face hub).",
)  # fmt: skip
@click.option(
    "--hf-dataset", metavar="ID", envvar="EVALKIT_HF_DATASET", help="The benchmark's dataset on the hub, for hf."
)
@click.option("--organization", metavar="NAME", envvar="EVALKIT_ORGANIZATION", help="Who ran the evaluation, for eee.")
@click.option("--developer", metavar="NAME", envvar="EVALKIT_DEVELOPER", help="Who makes the models, for eee.")
@click.option("--sign-key", metavar="FILE", type=_PATH, envvar="EVALKIT_SIGN_KEY", help="Ed25519 private key (PEM).")
@click.option(
    "--verify", metavar="FILE", type=_PATH, envvar="EVALKIT_VERIFY", help="Check this leaderboard.json by RUN..."
)
@click.option(
    "--trusted-key", metavar="FILE", type=_PATH, envvar="EVALKIT_TRUSTED_KEY",
    help="With --verify: Ed25519 public key (PEM) that must have signed every entry.",
)  # fmt: skip
def command(
    runs: tuple[Path, ...], out: Path, dimension: str, formats: str, verify: Path | None, **settings: Any
) -> int:
    """Put runs on one leaderboard, ranked as far as their intervals tell them apart.

    RUN is a run folder, or a leaderboard.json to add to. Only runs of the same cases and judge versions are merged.
    Of two runs of the same generator the newest is kept.

    With --verify nothing is written: digest and figures of each RUN are worked out anew and compared with the file.
    Exit 1 if an entry does not match its run, a picture was changed, or a signature is wrong.
    """
    from evalkit.api.errors import EXIT_OK, UsageError
    from evalkit.cli import clean
    from evalkit.plugins.registry import PluginSpec, create
    from evalkit.store.run_reader import RunReader
    from evalkit.verdict.results import StoredResults

    files = [run for run in runs if run.is_file()]
    if verify is not None and files:
        raise UsageError("entries are checked by run folders", where=str(files[0]), hint="--verify FILE RUN-FOLDER...")
    given = {key: str(value) for key, value in settings.items() if value is not None}
    leaderboard = create("leaderboards", PluginSpec("default", given))
    with ExitStack() as opened:
        readers = {str(run): opened.enter_context(RunReader(run)) for run in runs if run not in files}
        results = {name: opened.enter_context(StoredResults(reader)) for name, reader in readers.items()}
        if verify is not None:
            return _verify(leaderboard, verify, readers, results)
        if (out / "run.sqlite").exists():
            raise UsageError(
                "that is a run folder, with a leaderboard.json of its own", where=str(out), hint="--out DIR"
            )
        names = [name.strip() for name in formats.split(",") if name.strip()]
        finished = {name: _Digested(readers[name], results[name]) for name in readers}
        written = leaderboard.write(finished, files, out, dimension=dimension, formats=names)
    for note in written.notes:
        click.echo(f"note: {clean(note)}", err=True)
    for path in written.files:
        click.echo(str(path))
    return EXIT_OK


def _verify(leaderboard: Any, file: Path, readers: dict[str, RunReader], results: dict[str, StoredResults]) -> int:
    from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_OK
    from evalkit.cli import clean
    from evalkit.store.fingerprint import check_pictures

    failed = False
    anew = {name: _Recomputed(readers[name], results[name]) for name in readers}
    for result, text in leaderboard.verify(file, anew):
        failed = failed or result == "MISMATCH"
        click.echo(f"{result:<9} {clean(text)}")
    for name, reader in readers.items():
        changed, missing = check_pictures(reader)
        if changed:
            failed = True
            click.echo(f"MISMATCH  {clean(name)}: {len(changed)} pictures changed after judging, first {changed[0]}")
        elif missing:
            click.echo(f"unchecked {clean(name)}: {len(missing)} picture files are not there, first {missing[0]}")
        else:
            click.echo(f"ok        {clean(name)}: every picture is the one that was judged")
    return EXIT_GATE_FAILED if failed else EXIT_OK


class _Digested:
    """A finished run with its digest as its store is now."""

    def __init__(self, reader: RunReader, results: StoredResults) -> None:
        self._reader = reader
        self._results = results
        self._summary: RunSummary | None = None

    def summary(self) -> RunSummary:
        """The summary. Raises `UsageError` where the store has changed since the summary was made."""
        if self._summary is None:
            self._summary = self._digested()
        return self._summary

    def _digested(self) -> RunSummary:
        from dataclasses import replace

        from evalkit.api.errors import UsageError
        from evalkit.store.fingerprint import run_digest

        stored, found = self._results.summary(), run_digest(self._reader)
        if stored.run_digest not in ("", found):
            raise UsageError(
                f"its contents have changed since it finished: digest {found[:16]}, then {stored.run_digest[:16]}",
                where=str(self._reader.folder),
                hint="the same `evalkit run` again brings them together, unless the folder was tampered with",
            )
        return replace(stored, run_digest=found)

    def cases(self) -> Iterator[CaseResult]:
        return self._results.cases()

    def picture_path(self, sample: Sample) -> Path:
        return self._results.picture_path(sample)


class _Recomputed(_Digested):
    """A finished run whose digest, counts, NFE, means and intervals are worked out anew from its cells."""

    def _digested(self) -> RunSummary:
        from dataclasses import replace

        from evalkit.store.fingerprint import run_digest

        summary = self._results.summary()
        rows = tuple(self._anew(row) for row in summary.dimensions)
        return replace(
            summary,
            dimensions=rows,
            generators=tuple(self._counted(generator) for generator in summary.generators),
            n_cases=self._reader.n_cases(),
            run_digest=run_digest(self._reader),
        )

    def _counted(self, generator: GeneratorResult) -> GeneratorResult:
        import statistics
        from dataclasses import replace

        ok = [sample.ok for sample in self._reader.samples(generator.role)]
        nfes = [sample.nfe for sample in self._reader.samples(generator.role) if sample.nfe is not None]
        nfe = int(statistics.median(nfes)) if nfes else None
        return replace(generator, n_pictures=sum(ok), n_errors=len(ok) - sum(ok), nfe=nfe)

    def _anew(self, row: DimensionResult) -> DimensionResult:
        from dataclasses import replace

        from evalkit.api.records import Role, Status
        from evalkit.stats.intervals import case_means, mean_interval
        from evalkit.verdict.compare import difference_bounds, paired_differences

        reader, dimension = self._reader, row.dimension
        means = case_means((case, value) for case, _, value in reader.scores(row.role, dimension.name))
        difference = None
        if row.difference is not None:
            low, high = difference_bounds(dimension)
            pairs = case_means(paired_differences(reader, reader, Role.TEACHER, dimension.name))
            difference = mean_interval(pairs, low=low, high=high)
        return replace(
            row,
            n_scored=reader.status_counts().get((row.role, dimension.name, Status.SCORED), 0),
            estimate=mean_interval(means, low=dimension.low, high=dimension.high),
            difference=difference,
        )
