"""Every error evalkit raises on purpose, and the exit code each one means.

    EvalkitError
    ├── UsageError            2   the command or the config is wrong; nothing was started
    │   ├── ConfigError           a key, a value or a file of the config
    │   ├── UnknownNameError      no such benchmark, generator, judge, metric or exporter
    │   ├── PluginError           a plug-in breaks its contract
    │   └── SuiteError            a benchmark that can't be read
    ├── UnavailableError      3   a server, a device or a package that the run needs is missing
    ├── PictureError          -   one picture can't be used: its cell is marked, the run goes on
    ├── GenerationError       -   one case could not be generated: its cell is marked
    ├── JudgeError            -   one judge failed on one picture: its cell is marked
    ├── StoreError            3   a run folder is damaged, not ours, or can't be written
    └── Interrupted           130 stopped by the user; the same command continues

Each says what happened, where, and what to do next. The errors of one cell have no exit code of their own: the store
keeps them as `error(reason)`, and they count against the coverage of the run.

>>> error = ConfigError("`seeds`: not a number", where="evalkit.yaml", hint="correct the value")
>>> str(error), error.exit_code
('evalkit.yaml: `seeds`: not a number', 2)
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_GATE_FAILED = 1
EXIT_USAGE = 2
EXIT_UNDECIDED = 3
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
"""As a shell reports a program that SIGPIPE ended."""


class EvalkitError(Exception):
    """Base of all errors raised on purpose.

    Args:
        what: what happened, one sentence.
        where: the file, case, key or URL at which it happened.
        hint: what to do next: the exact command, key or package extra.
    """

    exit_code = EXIT_BUG

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.hint))


def _rebuild(cls: type[EvalkitError], what: str, where: str, hint: str) -> EvalkitError:
    return cls(what, where=where, hint=hint)


class UsageError(EvalkitError):
    """The command or the config is wrong; nothing was started."""

    exit_code = EXIT_USAGE


class ConfigError(UsageError):
    """A key, a value or a file of the config is wrong."""


class UnknownNameError(UsageError):
    """No plug-in of that name."""


class PluginError(UsageError):
    """A plug-in breaks its contract: a member is missing or of the wrong kind, or its constructor raises.

    Only the author of the plug-in can mend it. A package that the plug-in needs and that is not installed is an
    `UnavailableError` instead.
    """


class SuiteError(UsageError):
    """A benchmark that can't be read."""


class UnavailableError(EvalkitError):
    """A server, a device or a package that the run needs is missing: the run can't be decided."""

    exit_code = EXIT_UNDECIDED


class PictureError(EvalkitError):
    """One picture can't be used (empty, truncated, too large, not an image)."""


class GenerationError(EvalkitError):
    """One case could not be generated."""


class JudgeError(EvalkitError):
    """One judge failed on one picture."""


class StoreError(EvalkitError):
    """A run folder is damaged or no run folder, or it can't be written: the run can't be decided."""

    exit_code = EXIT_UNDECIDED


class Interrupted(EvalkitError):
    """Stopped by the user. Finished work is kept, and the same command continues."""

    exit_code = EXIT_INTERRUPTED


class StoppedByUser(KeyboardInterrupt):
    """The user pressed Ctrl-C. Any other `KeyboardInterrupt` was raised by a plug-in, and is that plug-in's error."""
