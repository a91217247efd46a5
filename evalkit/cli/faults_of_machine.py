"""Says what is wrong with the machine where an error of the operating system or of SQLite stopped a command."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator

from evalkit.api.errors import StoreError

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("the disk quota is used up", "free some space"),
    errno.EFBIG: ("the file would become larger than this machine allows", "raise the limit: ulimit -f unlimited"),
    errno.EROFS: ("the file system is read-only", "choose a folder that can be written"),
    errno.EACCES: ("permission denied", "choose a folder that can be written, or change its rights"),
    errno.EPERM: ("operation not permitted", "choose a folder that can be written, or change its rights"),
    errno.EIO: ("the disk reports an input/output error", "look at the system's log"),
    errno.EMFILE: ("too many open files", "raise the limit: ulimit -n 4096"),
    errno.ENFILE: ("too many open files on this machine", "close other programs"),
    errno.ENOMEM: ("out of memory", "close other programs, or use a smaller batch"),
    errno.ENAMETOOLONG: ("the name is too long for the file system", "choose a shorter name"),
    errno.ENOTDIR: ("a file stands where a folder is due", "move it away, or choose another folder"),
    errno.EISDIR: ("a folder stands where a file is due", "move it away, or choose another folder"),
    errno.EEXIST: ("something else has this name already", "move it away, or choose another folder"),
    errno.ELOOP: ("symbolic links lead in a circle", "remove one of them"),
    errno.ESTALE: ("the network file system lost the file", "mount it again"),
}
_SQLITE = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_NOMEM: errno.ENOMEM,
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LACKS = ("no such table", "no such column", "malformed JSON")
"""How SQLite says that a database is not as evalkit made it."""
_AGAIN = "; then the same command continues"


def fault_of_machine(error: BaseException) -> StoreError | None:
    """The fault in words; `None` if neither the error nor what caused it comes from the machine."""
    for each in _chain(error):
        if isinstance(each, sqlite3.DatabaseError):
            code = getattr(each, "sqlite_errorcode", 0) & 0xFF  # the higher bits tell where it happened
            if code in _DAMAGED or str(each).startswith(_LACKS):
                return StoreError(
                    f"a database is damaged: {each}", hint="move the run folder (or the cache) away, and run again"
                )
            if code in _SQLITE:
                reason, todo = _REASONS[_SQLITE[code]]
                return StoreError(f"a database can't be written: {reason}", hint=todo + _AGAIN)
        elif isinstance(each, OSError) and each.errno in _REASONS:
            reason, todo = _REASONS[each.errno]
            place = each.filename if isinstance(each.filename, str) else ""
            return StoreError(reason, where=place, hint=todo + _AGAIN)
        elif isinstance(each, MemoryError):
            return StoreError("out of memory", hint=_REASONS[errno.ENOMEM][1] + _AGAIN)
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it; not what was being handled when a bug showed up."""
    for _ in range(20):
        if error is None:
            return
        yield error
        error = error.__cause__
