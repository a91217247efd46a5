"""`evalkit report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--exporter", "exporters", multiple=True, envvar="EVALKIT_EXPORTER", help="Only these (repeatable).")
def command(run: Path, exporters: tuple[str, ...]) -> int:
    """Write the reports of the finished run in folder RUN again, without generating or judging anything."""
    from evalkit.config.model import RunConfig
    from evalkit.engine.run import export
    from evalkit.plugins import PluginSpec
    from evalkit.store.run_reader import RunReader

    specs = tuple(PluginSpec.parse(name, Path.cwd()) for name in exporters)
    with RunReader(run) as reader:
        files = export(specs or RunConfig.model_fields["exporters"].default, reader)
    for path in files.values():
        click.echo(str(path))
    return 0
