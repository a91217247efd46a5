"""The digest of a run store: what moves it and what does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.records import Box, Case, Finding, Role, Sample, Score, SourceImage, Status, Task, Verdict
from evalkit.api.results import ControlResult
from evalkit.store.fingerprint import check_pictures, run_digest
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore, VerdictRow
from tests.reports.conftest import a_sample

PNG = b"not really a picture"
SHA = hashlib.sha256(PNG).hexdigest()
CASES = [Case(f"case/{i}", f"prompt {i}", width=8, height=8) for i in range(2)]
FINDING = Finding("typo", Box(1, 2, 3, 4), 1.0, "letters", 0.7, "a typo", {"seconds": 1.0}, "text:0")
VERDICT = Verdict("typography", (Score("words", Status.SCORED, 0.5),), (FINDING,), {"seconds": 0.1})


def make(
    folder: Path,
    *,
    sample: Callable[[Sample], Sample] = lambda s: s,
    verdict: Verdict = VERDICT,
    cases: list[Case] = CASES,
    control: bool = True,
    backwards: bool = False,
    meta: dict[str, Any] | None = None,
) -> str:
    """The digest of a small run, stored anew."""
    store = RunStore(folder)
    for key, value in {"benchmark": "b" * 64, "seeds": 1, "judges": {"typography": "t1"}, **(meta or {})}.items():
        store.set_meta(key, value)
    store.put_cases(cases)
    store.put_control("t1", ControlResult("typography", "misspelling", "is found", control))
    store.blobs.put(PNG, ".png")
    rows: list[Any] = []
    for idx, case in enumerate(cases):
        for role in Role:
            drawn = a_sample(role, case.id, 0, SHA)
            rows.append((idx, sample(drawn) if (role, idx) == (Role.STUDENT, 1) else drawn))
            said = verdict if (role, idx) == (Role.STUDENT, 1) else VERDICT
            rows.append(VerdictRow(role, idx, 0, f"key{idx}", said, 0.5))
    store.transaction(reversed(rows) if backwards else rows)
    found = run_digest(store)
    store.close()
    return found


@pytest.fixture
def plain(tmp_path: Path) -> str:
    return make(tmp_path / "plain")


def test_is_the_same_wherever_and_in_whatever_order_it_was_made(plain: str, tmp_path: Path) -> None:
    assert plain == make(tmp_path / "elsewhere" / "deep", backwards=True)
    with RunReader(tmp_path / "plain") as reader:
        assert run_digest(reader) == plain
    assert len(plain) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"sample": lambda s: replace(s, seconds=99.0, peak_memory_mb=3.0, batch_size=1, batch_invariant=True)},
        {"sample": lambda s: replace(s, notes={"host": "other"})},
        {"verdict": replace(VERDICT, evidence={"seconds": 7})},
        {"verdict": replace(VERDICT, findings=(replace(FINDING, evidence={"seconds": 7}),))},
        {"meta": {"created": "2030-01-01", "plan": "other", "summary": {}, "baseline": "/elsewhere"}},
    ],
    ids=["timings", "notes", "evidence", "finding's evidence", "meta"],
)
def test_does_not_see_timings_and_places(change: dict[str, Any], plain: str, tmp_path: Path) -> None:
    assert make(tmp_path / "other", **change) == plain


@pytest.mark.parametrize(
    "change",
    [
        {"sample": lambda s: replace(s, sha256="0" * 64)},
        {"sample": lambda s: replace(s, nfe=5)},
        {"sample": lambda s: replace(s, sha256="", suffix="", error="gone")},
        {"sample": lambda s: replace(s, fingerprint="other")},
        {"verdict": replace(VERDICT, scores=(Score("words", Status.SCORED, 0.6),))},
        {"verdict": replace(VERDICT, scores=(Score("words", Status.UNSCORED, reason="no text"),))},
        {"verdict": replace(VERDICT, findings=())},
        {"verdict": replace(VERDICT, findings=(replace(FINDING, severity=0.1),))},
        {"verdict": replace(VERDICT, findings=(replace(FINDING, box=Box(1, 2, 3, 5)),))},
        {"cases": [CASES[0], replace(CASES[1], prompt="prompt 2")]},
        {"cases": [CASES[0]]},
        {"control": False},
        {"meta": {"benchmark": "c" * 64}},
        {"meta": {"judges": {"typography": "t2"}}},
    ],
    ids=[
        *("picture", "nfe", "missing picture", "generator", "score", "abstained", "no finding", "severity", "box"),
        *("prompt", "fewer cases", "control", "benchmark", "judge settings"),
    ],
)
def test_sees_every_change_of_content(change: dict[str, Any], plain: str, tmp_path: Path) -> None:
    assert make(tmp_path / "other", **change) != plain


def test_the_source_of_an_edit_counts_by_its_content(tmp_path: Path) -> None:
    def edit(path: str, sha: str) -> list[Case]:
        return [CASES[0], replace(CASES[1], task=Task.EDIT, source=SourceImage(path, sha))]

    here = make(tmp_path / "1", cases=edit("/here/a.png", "1" * 64))
    assert here == make(tmp_path / "2", cases=edit("/there/b.png", "1" * 64))
    assert here != make(tmp_path / "3", cases=edit("/here/a.png", "2" * 64))


def test_a_changed_or_missing_picture_file_is_found(plain: str, tmp_path: Path) -> None:
    with RunReader(tmp_path / "plain") as reader:
        assert check_pictures(reader) == ((), ())
        path = reader.blobs.path(SHA, ".png")
        path.chmod(0o644)
        path.write_bytes(PNG + b"!")
        assert check_pictures(reader).changed == ("case/0", "case/1") * 2
        path.unlink()
        assert check_pictures(reader) == ((), ("case/0", "case/1") * 2)
