"""Drops what a judge has said in a run in which it failed a control, so that it is judged anew.

Whatever made the judge fail (another model behind its server, a broken installation) made its verdicts too. If the
control passes the next time, that proves the verdicts of that time, and not the old ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from evalkit.api.hooks import Replayable
from evalkit.api.protocols import Judge
from evalkit.store.run_store import RunStore

SUSPECT = ".suspect"
"""Ending that is added to the journal of a judge that failed, so that no call is answered from it."""


def drop_suspects(judges: Iterable[Judge], store: RunStore) -> list[str]:
    """Drop verdicts, controls and journal of each judge that failed a control in this run; say so, a line for each."""
    failed = {result.judge: result.name for _, result in store.control_results() if not result.passed}
    said = []
    for judge in (judge for judge in judges if judge.name in failed):
        if isinstance(judge, Replayable):
            for name in judge.journal_files():
                _set_aside(store.folder / name)
        n = store.drop_judge(judge.name)
        said.append(
            f"{judge.name} failed the control `{failed[judge.name]}` when this folder was last used: "
            f"its {n} verdicts are dropped, and it judges anew"
        )
    return said


def _set_aside(journal: Path) -> None:
    """Rename a file; with SQLite's files beside it, which belong to its contents."""
    for beside in ("-wal", "-shm", ""):
        old, new = Path(f"{journal}{beside}"), Path(f"{journal}{SUSPECT}{beside}")
        new.unlink(missing_ok=True)
        if old.is_file():
            os.replace(old, new)
