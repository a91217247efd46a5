"""`evalkit faults`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from evalkit.cli.options import FOLDER, Numbers, option
from evalkit.cli.say import say, say_json


@click.command("faults")
@option(
    "--judge",
    "judges",
    multiple=True,
    metavar="J",
    help="Judge to measure, as in `run`; repeat the option for several. Default: all that declare what they see.",
)
@option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="K",
    help="Kind of fault to show; repeat the option for several. Default: all.",
)
@option(
    "--sizes",
    type=Numbers(float),
    metavar="S,S…",
    help="Sizes of the faults, in the unit of the kind. Default: the sizes each kind defines.",
)
@option(
    "--count",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    metavar="N",
    help="Faulty pictures per kind and size.",
)
@option(
    "--clean",
    type=click.IntRange(2),
    default=40,
    show_default=True,
    metavar="N",
    help="Clean scenes. A fifth as many gradients, pictures with intended grain, and photos are added.",
)
@option(
    "--size",
    type=click.IntRange(128, 2048),
    default=512,
    show_default=True,
    metavar="PX",
    help="Side of the pictures.",
)
@option(
    "--series",
    type=click.IntRange(0),
    metavar="K",
    help="Use another series of scenes, for experiments. Default: the held-out series.",
)
@option("--twin", is_flag=True, help="Show each scene with its clean version as the teacher's picture.")
@option("--out", type=FOLDER, metavar="DIR", help="Write <judge>.faults.json and faults.md into this folder.")
@option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(
    judges: tuple[str, ...],
    kinds: tuple[str, ...],
    sizes: tuple[float, ...] | None,
    count: int,
    clean: int,
    size: int,
    series: int | None,
    twin: bool,
    out: Path | None,
    as_json: bool,
) -> int:
    """Measure judges on known defects: what they detect, from which size, how precisely, and how many false alarms.

    Each kind of fault is put into held-out scenes at graded sizes. The pictures are shown, together with clean ones,
    to the judges that declare to see that fault. The declaration is the file `sees.yaml` beside each judge, which is
    written before measuring.
    """
    from evalkit.api.errors import UsageError
    from evalkit.engine.closing import close
    from evalkit.formats.keys import to_json
    from evalkit.plugins.registry import PluginSpec, create, on_command_line
    from evalkit.studies.faults.observe import measure_judge
    from evalkit.studies.faults.signals import declaring_judges, signals
    from evalkit.studies.faults.table import plain
    from evalkit.studies.faults.write import write_abilities

    given: dict[str, Any] = {"count": count, "clean": clean, "size": size, "twin": twin}
    given |= {"kinds": kinds} if kinds else {}
    given |= {"sizes": sizes} if sizes else {}
    given |= {"series": series} if series is not None else {}
    specimens = create("specimens", PluginSpec("scenes", given))
    abilities = []
    for name in judges or declaring_judges():
        judge = create("judges", on_command_line(name, Path.cwd()))
        try:
            declared = signals(judge)
            if not declared:
                hint = "write `sees.yaml` beside it, as docs/instruments.md explains"
                raise UsageError(f"the judge `{judge.name}` does not declare what it sees", hint=hint)
            again = _command_line(name, given)
            abilities.append(measure_judge(judge, declared, specimens, size, again, _say))
        finally:
            close(judge, f"the judge `{judge.name}`")
    if as_json:
        say_json([to_json(ability) for ability in abilities])
    else:
        say("\n\n".join("\n".join(plain(ability)) for ability in abilities))
    if out:
        say(str(write_abilities(abilities, out)), err=True)
    return 0


def _command_line(judge: str, given: dict[str, Any]) -> str:
    """The command that measures this judge again, for the record."""
    words = ["evalkit", "faults", "--judge", judge]
    for kind in given.get("kinds", ()):
        words += ["--kind", kind]
    if "sizes" in given:
        words += ["--sizes", ",".join(f"{size:g}" for size in given["sizes"])]
    for name in ("count", "clean", "size", "series"):
        if name in given:
            words += [f"--{name}", str(given[name])]
    return shlex.join(words + (["--twin"] if given["twin"] else []))


def _say(text: str) -> None:
    say(text, err=True)
