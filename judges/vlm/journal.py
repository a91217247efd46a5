"""The journal of a run's calls, `calls.sqlite`: no call is made twice, and a run can be replayed without a server.

But for controls: each session makes their calls anew, because the server may be another one by then.

Rows are only added, by one process. A row is on the disk (WAL, full sync) before its reply is returned, so `kill -9`
loses no call that a verdict depends on. Calls that end together share one commit.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import StoreError, UnavailableError
from evalkit.formats.keys import from_json_text
from evalkit.judges.vlm.call import Call, Endpoint, Reply, ReplyForm

FILE = "calls.sqlite"
VERSION = 1
_TABLES = f"""
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, model TEXT NOT NULL, name TEXT NOT NULL,
  text TEXT NOT NULL, finish TEXT NOT NULL, probabilities TEXT NOT NULL,
  prompt_tokens INTEGER, completion_tokens INTEGER, seconds REAL NOT NULL, attempts INTEGER NOT NULL,
  error TEXT NOT NULL, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_key ON calls (key);
PRAGMA user_version = {VERSION};
"""
_COLUMNS = "text, finish, probabilities, prompt_tokens, completion_tokens, seconds, attempts, error"


class _Row(NamedTuple):
    key: str
    model: str
    name: str
    reply: Reply


class Journal:
    """The journal of one run. Use it from one event loop; `replay` opens it for reading only.

    Raises:
        StoreError: the file is no journal, is damaged, or has another format; for `replay`, it does not exist.
    """

    def __init__(self, path: Path, *, replay: bool = False) -> None:
        self.path = path
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._pending: list[tuple[_Row, asyncio.Future[None]]] = []
        self._committing: asyncio.Task[None] | None = None
        try:
            self._database = _open(path, replay=replay)
            self._writer = None if replay else _open(path, replay=False)
        except sqlite3.Error as error:
            raise self._damaged(error) from error

    def find(self, key: str, *, failed: bool = False, after: int = 0) -> Reply | None:
        """The last reply to a call, in a row behind `after`; `failed`: also one of a call that failed."""
        wanted = "" if failed else "AND error = ''"
        query = f"SELECT {_COLUMNS} FROM calls WHERE key = ? AND id > ? {wanted} ORDER BY id DESC LIMIT 1"
        try:
            row = self._database.execute(query, (key, after)).fetchone()
            return _reply(row) if row else None
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def last_row(self) -> int:
        """Number of the last row, 0 if there is none."""
        try:
            (last,) = self._database.execute("SELECT COALESCE(MAX(id), 0) FROM calls").fetchone()
            return int(last)
        except sqlite3.Error as error:
            raise self._damaged(error) from error

    def models(self) -> list[str]:
        """Names of the models that were asked."""
        try:
            return [model for (model,) in self._database.execute("SELECT DISTINCT model FROM calls ORDER BY model")]
        except sqlite3.Error as error:
            raise self._damaged(error) from error

    async def add(self, key: str, model: str, name: str, reply: Reply) -> None:
        """Write a call into the journal; returns when it is on the disk. Raises `StoreError` if it can't be written."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._pending.append((_Row(key, model, name, reply), written))
        if self._committing is None or self._committing.done():
            self._committing = loop.create_task(self._commit())
        await written

    async def close(self) -> None:
        if self._committing is not None:
            await self._committing
        self._writing.shutdown()
        self._database.close()
        if self._writer is not None:
            self._writer.close()

    async def _commit(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(self._writing, self._write, [row for row, _ in batch])
            except Exception as error:  # a full disk, a lost file: everyone who waits must get the error
                failed = StoreError(f"a call can't be written to the journal: {error}", where=str(self.path))
                for _, written in batch:
                    if not written.done():
                        written.set_exception(failed)
            else:
                for _, written in batch:
                    if not written.done():
                        written.set_result(None)

    def _write(self, rows: list[_Row]) -> None:
        assert self._writer is not None, "a replayed journal is not written to"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._writer:
            self._writer.executemany(
                f"INSERT INTO calls (key, model, name, {_COLUMNS}, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(row.key, row.model, row.name, *_values(row.reply), now) for row in rows],
            )

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(
            f"not a journal of calls, or a damaged one: {error}",
            where=str(self.path),
            hint="move the file away and run again: all calls are then made again",
        )


class JournalledEndpoint:
    """An endpoint with a journal: a call that is in the journal is answered from it, any other is made and written.

    If the same call is made twice at the same time, the endpoint is asked once.

    Args:
        inner: the endpoint that is asked; may be `None` for a replay.
        path: the journal's file.
        model: for a replay without `inner`; by default the first model in the journal.
        replay: answer from the journal alone, failed calls included.

    Raises:
        StoreError: as `Journal`.
    """

    def __init__(self, inner: Endpoint | None, path: Path, *, model: str = "", replay: bool = False) -> None:
        self._inner = inner
        self._replay = replay or inner is None
        self._journal = Journal(path, replay=self._replay)
        self.model = model or (inner.model if inner else next(iter(self._journal.models()), ""))
        self._under_way: dict[str, asyncio.Task[Reply]] = {}
        self._begun_after = 0 if self._replay else self._journal.last_row()

    async def ask(self, call: Call[ReplyForm]) -> Reply:
        return await self.answer(call, after=0)

    def this_session(self) -> Endpoint:
        """The same endpoint, which takes no answer from an earlier session: for controls, which are to show what the
        model is worth now. A replay takes the last answer."""
        return _ThisSession(self, self._begun_after)

    async def answer(self, call: Call[ReplyForm], *, after: int) -> Reply:
        """The reply to a call: from a row of the journal behind `after`, else the endpoint's."""
        key = call.key(self.model)
        reply = self._journal.find(key, failed=self._replay, after=after)
        if reply is not None:
            return reply
        if self._replay or self._inner is None:
            raise UnavailableError(
                f"this call is not in the journal (`{call.name}`, key {key[:12]}): the run can't be replayed",
                where=str(self._journal.path),
                hint="verdicts from the cache leave no calls: to replay a run later, make it with `--cache none`",
            )
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(self._call(self._inner, key, call))
        return await asyncio.shield(self._under_way[key])

    async def close(self) -> None:
        """Wait for the calls under way, then close journal and endpoint."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await self._journal.close()
        if self._inner is not None:
            await self._inner.close()

    async def _call(self, inner: Endpoint, key: str, call: Call[ReplyForm]) -> Reply:
        try:
            reply = await inner.ask(call)
            await self._journal.add(key, self.model, call.name, reply)
            return reply
        finally:
            del self._under_way[key]


class _ThisSession:
    """The endpoint of a journal, of whose rows those behind `after` count alone."""

    def __init__(self, journalled: JournalledEndpoint, after: int) -> None:
        self.model = journalled.model
        self._journalled = journalled
        self._after = after

    async def ask(self, call: Call[ReplyForm]) -> Reply:
        return await self._journalled.answer(call, after=self._after)

    async def close(self) -> None:
        await self._journalled.close()


def _open(path: Path, *, replay: bool) -> sqlite3.Connection:
    if replay:
        if not path.is_file():
            raise StoreError(
                "there is no journal of calls", where=str(path), hint="only a run that asked the model can be replayed"
            )
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    else:
        database = sqlite3.connect(path, timeout=60.0, check_same_thread=False)
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in (VERSION, 0) or (replay and version != VERSION):
        database.close()
        raise StoreError(f"written in format {version}, this evalkit reads {VERSION}", where=str(path))
    if not replay:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.executescript(_TABLES)
    database.execute("SELECT 1 FROM calls LIMIT 1").fetchone()
    return database


def _values(reply: Reply) -> tuple[object, ...]:
    counted = (reply.prompt_tokens, reply.completion_tokens, reply.seconds, reply.attempts)
    return (reply.text, reply.finish, json.dumps(dict(reply.probabilities)), *counted, reply.error)


def _reply(row: tuple[object, ...]) -> Reply:
    """A row as a reply. Raises `ValueError` if it does not hold one."""
    columns = [column.strip() for column in _COLUMNS.split(",")]
    values = dict(zip(columns, row, strict=True))
    values["probabilities"] = json.loads(str(values["probabilities"]))
    return from_json_text(Reply, json.dumps(values))
