"""`evalkit judge label`."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("label")
@click.argument("run", metavar="RUN", type=_PATH)
@click.option("--dimension", "wanted", metavar="D[=KIND]", multiple=True, envvar="EVALKIT_DIMENSION",
              help="Asked (repeatable): scale (1-5), yesno, pairwise. Default: those of the VLM.")  # fmt: skip
@click.option("--n", "count", type=click.IntRange(1, 100_000), default=60, show_default=True, envvar="EVALKIT_N",
              help="Pictures to look at; twins are drawn together.")  # fmt: skip
@click.option("--role", type=click.Choice(["student", "teacher"]), envvar="EVALKIT_ROLE", help="Default: both.")
@click.option("--seed", type=int, default=0, show_default=True, envvar="EVALKIT_SEED",
              help="Of the sample and the order; another seed gives other cases.")  # fmt: skip
@click.option("--max-mb", type=click.IntRange(1), default=200, show_default=True, envvar="EVALKIT_MAX_MB",
              help="Largest page that is written.")  # fmt: skip
@click.option(
    "--out", type=_PATH, default=Path("labels.html"), show_default=True, envvar="EVALKIT_OUT", help="The page."
)
def command(run: Path, wanted: tuple[str, ...], count: int, role: str | None, seed: int, max_mb: int, out: Path) -> int:
    """Write a page on which people label pictures of RUN: one HTML file, without a server or a network.

    The cases are drawn at random and each has the same chance, so that `evalkit judge calibrate` can say from the
    labels what people would say of all pictures. Send the same page to several people to learn how far they agree.
    """
    from evalkit.api.errors import PictureError, StoreError, UsageError
    from evalkit.api.records import Role, Task
    from evalkit.cli import clean
    from evalkit.plugins.registry import PluginSpec, create
    from evalkit.store.run_reader import RunReader
    from evalkit.studies.calibrate.sheet import ROLES, choose

    with RunReader(run) as reader:
        sheet, pictures = choose(reader, wanted, count, seed, (Role(role),) if role else ROLES)
    try:
        page = create("labellings", PluginSpec("default", {"max_mb": max_mb})).write(sheet, pictures, out)
    except PictureError as error:
        hint = "the same `evalkit run` again makes what is missing"
        raise StoreError(error.what, where=error.where, hint=hint) from error
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror or error}", where=str(out)) from error
    drawn = sheet.sampling
    click.echo(
        f"{drawn.questions} questions about {len(pictures)} pictures: {drawn.cases_drawn} of {drawn.cases_eligible} "
        f"cases, drawn with seed {drawn.seed}"
    )
    for question in sheet.questions:
        click.echo(clean(f"  {question.dimension} ({question.kind})"))
    if blind := sum(item.task is Task.EDIT and not item.source for item in sheet.items):
        click.echo(
            f"note: {blind} edits are shown without the picture before the edit: its file is gone, has changed, or is "
            "no PNG, JPEG or WebP"
        )
    click.echo(str(page.resolve()))
    return 0
