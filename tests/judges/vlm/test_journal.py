"""The journal: each call is made once, is on the disk before it is used, and can be replayed; damage is reported."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalkit.api.errors import StoreError, UnavailableError
from evalkit.judges.vlm.call import Call, Reply
from evalkit.judges.vlm.journal import FILE, JournalledEndpoint
from tests.judges.vlm.asks import question, scale

REPLY = Reply('{"score": 4, "findings": []}', "stop", {"4": 0.6, "5": 0.25}, 100, 7, 0.1 + 0.2, 2)


class Counting:
    """A fake endpoint that counts its calls."""

    model = "counting"

    def __init__(self, *replies: Reply | Exception) -> None:
        self.replies, self.asked = list(replies), []

    async def ask(self, ask: Call) -> Reply:
        self.asked.append(ask)
        await asyncio.sleep(0.001)
        reply = self.replies.pop(0) if self.replies else Reply(f"{ask.text} {len(self.asked)}", "stop")
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def close(self) -> None: ...


def ask(path: Path, inner: Counting | None, *asks: Call, replay: bool = False) -> list[Reply]:
    async def run() -> list[Reply]:
        endpoint = JournalledEndpoint(inner, path, replay=replay)
        try:
            return await asyncio.gather(*(endpoint.ask(each) for each in asks))
        finally:
            await endpoint.close()

    return asyncio.run(run())


def rows(path: Path) -> list[tuple]:
    with sqlite3.connect(path) as database:
        return database.execute("SELECT key, model, name, text, error FROM calls ORDER BY id").fetchall()


def test_a_call_in_the_journal_is_not_made_again(tmp_path: Path) -> None:
    first, second = Counting(REPLY), Counting()
    assert ask(tmp_path / FILE, first, scale()) == [REPLY]
    assert ask(tmp_path / FILE, second, scale()) == [REPLY]
    assert second.asked == []


def test_a_control_is_asked_once_in_each_session(tmp_path: Path) -> None:
    """A session takes no answer to a control from an earlier one; a replay takes the last one."""

    async def session(inner: Counting | None) -> list[str]:
        endpoint = JournalledEndpoint(inner, tmp_path / FILE, replay=inner is None)
        try:
            return [(await endpoint.this_session().ask(scale())).text for _ in range(2)]
        finally:
            await endpoint.close()

    assert asyncio.run(session(Counting(Reply("first", "stop")))) == ["first"] * 2
    second = Counting(Reply("second", "stop"))
    assert asyncio.run(session(second)) == ["second"] * 2
    assert len(second.asked) == 1
    assert asyncio.run(session(None)) == ["second"] * 2


def test_a_change_of_anything_the_model_is_shown_changes_the_key(tmp_path: Path) -> None:
    inner = Counting()
    asks = [question(), question("Is it red?"), question(repeat=1), question(max_tokens=9), question(system="x")]
    ask(tmp_path / FILE, inner, *asks)
    assert len(inner.asked) == len(asks) == len({key for key, *_ in rows(tmp_path / FILE)})


def test_the_same_call_made_twice_at_once_reaches_the_endpoint_once(tmp_path: Path) -> None:
    inner = Counting()
    one, two = ask(tmp_path / FILE, inner, scale(), scale())
    assert one == two
    assert len(inner.asked) == len(rows(tmp_path / FILE)) == 1


def test_a_replay_needs_no_endpoint(tmp_path: Path) -> None:
    asks = [question(f"Is it {i}?") for i in range(50)]
    replies = ask(tmp_path / FILE, Counting(), *asks)
    assert ask(tmp_path / FILE, None, *asks) == replies
    assert ask(tmp_path / FILE, Counting(), *asks, replay=True) == replies
    assert len(rows(tmp_path / FILE)) == 50


def test_a_replay_names_the_call_that_is_missing(tmp_path: Path) -> None:
    ask(tmp_path / FILE, Counting(), question())
    inner = Counting()
    with pytest.raises(UnavailableError, match="not in the journal") as error:
        ask(tmp_path / FILE, inner, question("Another?"), replay=True)
    assert "--cache none" in error.value.hint
    assert inner.asked == []


def test_a_failed_call_is_kept_in_the_journal_but_made_again(tmp_path: Path) -> None:
    """The same command tries an `error` cell again; a replay gives the same failure."""
    failed = Reply(error="HTTP 500 (5 attempts)", attempts=5)
    ask(tmp_path / FILE, Counting(failed), scale())
    assert ask(tmp_path / FILE, None, scale()) == [failed]
    assert ask(tmp_path / FILE, Counting(REPLY), scale()) == [REPLY]
    assert ask(tmp_path / FILE, None, scale()) == [REPLY]
    assert [row[-1] for row in rows(tmp_path / FILE)] == ["HTTP 500 (5 attempts)", ""]


def test_a_server_that_is_gone_leaves_no_row(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        ask(tmp_path / FILE, Counting(UnavailableError("gone")), scale())
    assert rows(tmp_path / FILE) == []
    assert ask(tmp_path / FILE, Counting(REPLY), scale()) == [REPLY]


def test_calls_to_another_model_are_not_used(tmp_path: Path) -> None:
    ask(tmp_path / FILE, Counting(REPLY), scale())
    other = Counting()
    other.model = "other"
    ask(tmp_path / FILE, other, scale())
    assert len(other.asked) == 1


def test_any_text_is_read_back_unchanged(tmp_path: Path) -> None:
    odd = Reply("\x00\u2028'; DROP TABLE calls; --\U0001f600é\r\n", "stop")
    ask(tmp_path / FILE, Counting(odd), scale())
    assert ask(tmp_path / FILE, None, scale()) == [odd]


@pytest.mark.parametrize("damage", ["text", "truncated", "garbled", "other tables", "newer"])
def test_a_damaged_journal_is_reported(tmp_path: Path, damage: str) -> None:
    path = tmp_path / FILE
    if damage == "text":
        path.write_text("not a database" * 100)
    elif damage == "other tables":
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE calls (a, b)")
    else:
        ask(path, Counting(), *(question(f"Is it {i}?") for i in range(200)))
        if damage == "newer":
            with sqlite3.connect(path) as database:
                database.execute("PRAGMA user_version = 99")
        else:
            data = bytearray(path.read_bytes())
            data[4096:] = b"" if damage == "truncated" else bytes(b ^ 0x5A for b in data[4096:])
            path.write_bytes(data)
    for inner, replay in ((None, True), (Counting(), False)):
        with pytest.raises(StoreError) as error:
            ask(path, inner, question("Is it 3?"), replay=replay)
        assert str(path) in str(error.value)


def test_a_replay_without_a_journal_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no journal"):
        ask(tmp_path / FILE, None, scale())


CHILD = """
import asyncio, sys
from pathlib import Path
from evalkit.judges.vlm.journal import JournalledEndpoint
from tests.judges.vlm.asks import question
from tests.judges.vlm.test_journal import Counting

async def run():
    endpoint = JournalledEndpoint(Counting(), Path(sys.argv[1]))
    async def one(number):
        await endpoint.ask(question(f"Is it {number}?"))
        print(number, flush=True)
    for start in range(0, 10_000, 8):
        await asyncio.gather(*map(one, range(start, start + 8)))

asyncio.run(run())
"""


def test_kill_9_loses_no_call_that_was_returned(tmp_path: Path) -> None:
    path, log = tmp_path / FILE, tmp_path / "log"
    with log.open("w") as out:
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=out)
        deadline = time.monotonic() + 60
        while log.read_text().count("\n") < 40 and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    handed_over = [int(line) for line in log.read_text().split("\n")[:-1]]
    assert len(handed_over) >= 40
    inner = Counting()
    ask(path, inner, *(question(f"Is it {number}?") for number in handed_over))
    assert inner.asked == []
