"""`evalkit faults`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command("faults")
@click.option(
    "--judge", "judges", multiple=True, metavar="J", envvar="EVALKIT_JUDGE",
    help="Judge to measure, as in `run`; several times for several. Default: all that declare what they see.",
)  # fmt: skip
@click.option(
    "--kind", "kinds", multiple=True, metavar="K", envvar="EVALKIT_KIND",
    help="Kind of fault; several times for several. Default: all.",
)  # fmt: skip
@click.option(
    "--sizes", metavar="S,S…", envvar="EVALKIT_SIZES", help="Sizes instead of each kind's own, in the kind's unit."
)
@click.option("--count", type=click.IntRange(1), default=8, show_default=True, envvar="EVALKIT_COUNT",
              help="Faulty pictures per kind and size.")  # fmt: skip
@click.option("--clean", type=click.IntRange(2), default=40, show_default=True, envvar="EVALKIT_CLEAN",
              help="Clean scenes; a fifth of it of gradients, of wanted grain and of photos.")  # fmt: skip
@click.option("--size", type=click.IntRange(128, 2048), default=512, show_default=True, envvar="EVALKIT_SIZE",
              help="Side of the pictures, px.")  # fmt: skip
@click.option("--series", type=click.IntRange(0), envvar="EVALKIT_SERIES",
              help="Another series of scenes, to try things out. Default: the held-out one.")  # fmt: skip
@click.option("--twin", is_flag=True, envvar="EVALKIT_TWIN",
              help="Show each scene beside its clean self, as with a flawless teacher.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), envvar="EVALKIT_OUT",
              help="Write <judge>.faults.json and faults.md into this folder.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, envvar="EVALKIT_JSON", help="Print JSON instead of tables.")
def command(
    judges: tuple[str, ...],
    kinds: tuple[str, ...],
    sizes: str | None,
    count: int,
    clean: int,
    size: int,
    series: int | None,
    twin: bool,
    out: Path | None,
    as_json: bool,
) -> int:
    """Measure judges with known defects: what they find, how small, how exactly, and how often they cry wolf.

    Each kind of fault is put into held-out scenes at graded sizes and shown to the judges that declare to see it,
    beside clean pictures. What is declared stands in `sees.yaml` beside each judge, written before measuring.
    """
    from evalkit.api.errors import UsageError
    from evalkit.formats.keys import to_json
    from evalkit.plugins.registry import PluginSpec, create, on_command_line
    from evalkit.studies.faults.observe import measure_judge
    from evalkit.studies.faults.sees import signals
    from evalkit.studies.faults.table import markdown, plain

    given: dict[str, Any] = {"count": count, "clean": clean, "size": size, "twin": twin}
    given |= {"kinds": kinds} if kinds else {}
    given |= {"sizes": _numbers(sizes)} if sizes else {}
    given |= {"series": series} if series is not None else {}
    specimens = create("specimens", PluginSpec("scenes", given))
    abilities = []
    for name in judges or _declaring():
        judge = create("judges", on_command_line(name, Path.cwd()))
        try:
            declared = signals(judge)
            if not declared:
                hint = "write `sees.yaml` beside it: docs/instruments.md says how"
                raise UsageError(f"the judge `{judge.name}` does not declare what it sees", hint=hint)
            abilities.append(measure_judge(judge, declared, specimens, size, _again(name, given, twin), _tell))
        finally:
            judge.close()
    if as_json:
        click.echo(json.dumps([to_json(ability) for ability in abilities], indent=1, ensure_ascii=False))
    else:
        click.echo("\n\n".join("\n".join(plain(ability)) for ability in abilities))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for ability in abilities:
            text = json.dumps(to_json(ability), indent=1, ensure_ascii=False) + "\n"
            (out / f"{ability.judge}.faults.json").write_text(text, encoding="utf-8")
        (out / "faults.md").write_text(markdown(abilities), encoding="utf-8")
        click.echo(str(out / "faults.md"), err=True)
    return 0


def _declaring() -> list[str]:
    """The installed judges that declare what they see."""
    from evalkit.api.ability import DECLARED
    from evalkit.plugins.abilities import folder_of
    from evalkit.plugins.registry import names

    return [name for name in names("judges") if (folder := folder_of(name)) and (folder / DECLARED).is_file()]


def _numbers(text: str) -> tuple[float, ...]:
    from evalkit.api.errors import UsageError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--sizes: {text!r} is no list of numbers", hint="--sizes 1,2,4") from error


def _again(judge: str, given: dict[str, Any], twin: bool) -> str:
    """The command that measures this judge again, for the record."""
    import shlex

    words = ["evalkit", "faults", "--judge", judge]
    words += [part for kind in given.get("kinds", ()) for part in ("--kind", kind)]
    words += ["--sizes", ",".join(f"{size:g}" for size in given["sizes"])] if "sizes" in given else []
    words += [
        part
        for name in ("count", "clean", "size", "series")
        if name in given
        for part in (f"--{name}", str(given[name]))
    ]
    return shlex.join(words + (["--twin"] if twin else []))


def _tell(what: str) -> None:
    click.echo(what, err=True)
