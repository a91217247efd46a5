"""`evalkit judge label`."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.options import PATH, option
from evalkit.cli.say import say


@click.command("label")
@click.argument("run", metavar="RUN", type=PATH)
@option(
    "--dimension",
    "wanted",
    metavar="D[=KIND]",
    multiple=True,
    help="Dimension to ask about, with the kind of question: scale (1 to 5), yesno or pairwise; repeat the option "
    "for several. Default: the dimensions of the VLM judge.",
)
@option(
    "--n",
    "count",
    type=click.IntRange(1, 100_000),
    metavar="N",
    default=60,
    show_default=True,
    help="Number of pictures to label. Student and teacher pictures of a case are drawn together.",
)
@option(
    "--role", type=click.Choice(["student", "teacher"]), help="Ask about the pictures of this role only. Default: both."
)
@option(
    "--seed",
    type=int,
    metavar="K",
    default=0,
    show_default=True,
    help="Seed of the sample and of the order; another seed draws other cases.",
)
@option(
    "--max-mb",
    type=click.IntRange(1),
    metavar="MB",
    default=200,
    show_default=True,
    help="Refuse to write a page larger than this.",
)
@option("--out", type=PATH, metavar="FILE", default=Path("labels.html"), show_default=True, help="File to write.")
def command(run: Path, wanted: tuple[str, ...], count: int, role: str | None, seed: int, max_mb: int, out: Path) -> int:
    """Write a page on which people label pictures of RUN: one HTML file that needs no server and no network.

    The cases are drawn at random, each with the same chance. Therefore `evalkit judge calibrate` can estimate from the
    labels what people would say of all pictures. Send the same page to several people to learn how far they agree.
    """
    from evalkit.api.errors import PictureError, StoreError, UsageError
    from evalkit.api.records import Role, Task
    from evalkit.reports.labelling.page import LabellingPage
    from evalkit.store.run_reader import RunReader
    from evalkit.studies.calibrate.sheet import ROLES, choose

    with RunReader(run) as reader:
        sheet, pictures = choose(reader, wanted, count, seed, (Role(role),) if role else ROLES)
    try:
        page = LabellingPage(LabellingPage.Settings(max_mb=max_mb)).write(sheet, pictures, out)
    except PictureError as error:
        hint = "run the same `evalkit run` again; it makes the missing pictures"
        raise StoreError(error.what, where=error.where, hint=hint) from error
    except OSError as error:
        raise UsageError(f"the page can't be written: {error.strerror or error}", where=str(out)) from error
    drawn = sheet.sampling
    say(
        f"{drawn.questions} questions about {len(pictures)} pictures: {drawn.cases_drawn} of {drawn.cases_eligible} "
        f"cases, drawn with seed {drawn.seed}"
    )
    for question in sheet.questions:
        say(f"  {question.dimension} ({question.kind})")
    if blind := sum(item.task is Task.EDIT and not item.source for item in sheet.items):
        say(
            f"note: {blind} edits are shown without the picture before the edit, because its file is missing, has "
            "changed, or is not a PNG, JPEG or WebP"
        )
    say(str(page.resolve()))
    return 0
