"""Closes plug-ins at the end of their work, whatever their `close` does."""

from __future__ import annotations

import logging
from typing import Protocol

_LOG = logging.getLogger("evalkit")


class Closable(Protocol):
    """A generator, judge or metric."""

    def close(self) -> None:
        """Free memory, processes and connections."""
        ...


def close(part: Closable, what: str) -> None:
    """Close a plug-in. If its `close` raises, a warning says so: the results are complete, and the run goes on.

    `what` names the plug-in in the warning: "the judge `typography`".
    """
    try:
        part.close()
    except Exception as error:  # a plug-in: anything can happen
        _LOG.warning("evalkit: %s could not be closed: %r", what, error)
