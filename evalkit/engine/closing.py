"""Closes plug-ins at the end of their work, whatever their `close` does."""

from __future__ import annotations

import logging
from typing import Protocol

from evalkit.api.errors import StoppedByUser
from evalkit.engine.watchdog import CallThread
from evalkit.formats.foreign_text import printable, readable, said

_LIMIT_S = 120.0
_LOG = logging.getLogger("evalkit")


class Closable(Protocol):
    """A generator, judge or metric."""

    def close(self) -> None:
        """Free memory, processes and connections."""
        ...


def close(part: Closable, what: str) -> None:
    """Close a plug-in. If its `close` raises or hangs, a warning says so: the results are complete, the run goes on.

    `what` names the plug-in in the warning: "the judge `typography`".
    """
    thread = CallThread("closing")
    try:
        thread.call(part.close, _LIMIT_S)
    except StoppedByUser:
        raise
    except BaseException as error:  # a plug-in: anything can happen, `sys.exit` too
        _LOG.warning("%s", printable(f"evalkit: {what} could not be closed: {_shown(error)}"))
    thread.close()


def _shown(error: BaseException) -> str:
    try:
        return readable(repr(error))
    except BaseException:  # other people's `__repr__`
        return said(error)
