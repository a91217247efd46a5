"""`evalkit doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import options
from evalkit.cli.say import say


@click.command("doctor")
@options.allow_key_variable
@click.argument("config", required=False, type=click.Path(path_type=Path), envvar="EVALKIT_CONFIG")
def command(config: Path | None) -> int:
    """Check this machine and, with CONFIG, what that run needs. The exit code is 3 if something needed is missing."""
    from evalkit.api.errors import EXIT_OK, EXIT_UNDECIDED
    from evalkit.cli.checkup import Level, check_config, check_machine

    checks = [*check_machine(), *(check_config(config) if config else ())]
    marks = {Level.OK: "ok     ", Level.NOTE: "note   ", Level.MISSING: "MISSING"}
    for check in checks:
        say(f"{marks[check.level]}  {check.name:<31} {check.found}")
        if check.todo:
            say(f"{'':<40} → {check.todo}")
    return EXIT_UNDECIDED if any(check.level is Level.MISSING for check in checks) else EXIT_OK
