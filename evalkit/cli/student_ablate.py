"""`evalkit student ablate`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evalkit.cli import resumable, same_command
from evalkit.cli.options import FILE, FOLDER, option
from evalkit.cli.say import say


@click.command("ablate")
@click.argument("plan", type=FILE)
@option("--out", type=FOLDER, metavar="DIR", help="Folder to work in. Default: PLAN without its suffix.")
def command(plan: Path, out: Path | None) -> int:
    """Train the arms of PLAN with the same budget, measure each of them, and print their paired differences.

    If the work is interrupted, the same command continues it and repeats nothing that is finished.
    """
    from evalkit.cli.interrupt import stop_on_signal
    from evalkit.cli.student_distill import open_training
    from evalkit.engine.progress import make_progress
    from evalkit.student.recipe.run import RecipeRunner
    from evalkit.studies.ablation import as_markdown, read_plan, run_ablation

    read, folder = read_plan(plan), out or plan.with_suffix("")
    with resumable(folder):
        result = run_ablation(
            read,
            folder.resolve(),
            RecipeRunner.read,
            open_training,
            command=same_command(),
            progress=lambda: make_progress(sys.stderr),
            stop=stop_on_signal("step"),
            say=lambda text: say(text, err=True),
        )
    say(as_markdown(read, result))
    say(str(folder / "ablation.md"))
    return 0
