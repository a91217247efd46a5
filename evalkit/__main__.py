"""Entry point of `evalkit` and `python -m evalkit`: cleans the import path and runs the command line."""

from __future__ import annotations

import os
import sys


def forget_working_folder() -> None:
    """Remove the working folder, which `python -m` puts on the import path.

    Otherwise a user's own `yaml.py` or `numpy/` in that folder would be imported instead of the installed package. The
    folder stays on the path only if evalkit itself lies in it (a clone that is not installed).
    """
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    here = os.path.abspath(os.getcwd())
    if here != home:
        sys.path[:] = [entry for entry in sys.path if entry and os.path.abspath(entry) != here]


def main() -> None:
    """Entry point of the `evalkit` command; exits with the codes of `evalkit.api.errors`."""
    forget_working_folder()
    from evalkit.cli import main as run_command_line

    code = run_command_line(sys.argv[1:])
    watchdog = sys.modules.get("evalkit.engine.watchdog")
    if watchdog and watchdog.is_busy():  # foreign code still runs in a thread, and would crash while Python shuts down
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
