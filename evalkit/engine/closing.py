"""Closes plug-ins at the end of their work, whatever their `close` does."""

from __future__ import annotations

import logging
from typing import Protocol

from evalkit.api.errors import StoppedByUser
from evalkit.engine.watchdog import CallThread
from evalkit.formats.foreign_text import printable, readable, said

_LIMIT_S = 120.0
_LOG = logging.getLogger("evalkit")
_SAID: set[tuple[int, str]] = set()
"""(id of the plug-in, warning): both the one who used a plug-in and the plan close it, and one warning is enough."""


class Closable(Protocol):
    """A generator, judge or metric."""

    def close(self) -> None:
        """Free memory, processes and connections."""
        ...


def close(part: Closable, what: str, *, warn: bool = True) -> None:
    """Close a plug-in. If its `close` raises or hangs, a warning says so: the results are complete, the run goes on.

    Args:
        part: the plug-in; closed twice, it gives one warning.
        what: names it in the warning: "the judge `typography`".
        warn: false for a plug-in that did no work here: its copy in another process did, and gives the warning.
    """
    thread = CallThread("closing")
    try:
        thread.call(part.close, _LIMIT_S)
    except StoppedByUser:
        raise
    except BaseException as error:  # a plug-in: anything can happen, `sys.exit` too
        warning = printable(f"evalkit: {what} could not be closed: {_shown(error)}")
        if warn and (id(part), warning) not in _SAID:
            _SAID.add((id(part), warning))
            _LOG.warning("%s", warning)
    thread.close()


def _shown(error: BaseException) -> str:
    try:
        return readable(repr(error))
    except BaseException:  # other people's `__repr__`
        return said(error)
