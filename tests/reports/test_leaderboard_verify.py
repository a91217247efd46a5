"""Signatures, and a leaderboard file against the runs it claims to come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.errors import UnavailableError, UsageError
from evalkit.api.install import install_line
from evalkit.reports.leaderboard.merge import Leaderboard
from evalkit.reports.leaderboard.verify import Check, Result
from tests.reports.conftest import FakeRunResults
from tests.reports.leaderboard_runs import a_run, merged

pytest.importorskip("jsonschema")


def board_file(runs: Mapping[str, FakeRunResults], folder: Path, **settings: Any) -> Path:
    leaderboard = Leaderboard(Leaderboard.Settings(**settings))
    return leaderboard.write(runs, (), folder, formats=("json",)).files[0]


def verified(file: Path, runs: Mapping[str, FakeRunResults], **settings: Any) -> tuple[Check, ...]:
    return Leaderboard(Leaderboard.Settings(**settings)).verify(file, runs)


def mismatches(checks: tuple[Check, ...]) -> list[str]:
    return [check.text for check in checks if check.result is Result.MISMATCH]


def edit(file: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(file.read_text())
    change(content["entries"][0])
    file.write_text(json.dumps(content))


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private key and its public half."""
    pytest.importorskip("cryptography")
    return make_keys(tmp_path, "key")


def make_keys(folder: Path, name: str) -> tuple[Path, Path]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key, pem = Ed25519PrivateKey.generate(), serialization.Encoding.PEM
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def test_an_honest_file_matches_its_runs(tmp_path: Path) -> None:
    runs = {"one": a_run("a", digest="01" * 32), "two": a_run("b", digest="02" * 32)}
    checks = verified(board_file(runs, tmp_path), runs)
    assert [check.result for check in checks] == [Result.OK, Result.OK, Result.OK]
    assert "the ranks follow" in checks[-1].text
    assert "digest 0101010101010101 as one" in checks[0].text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: entry["dimensions"][0].update(value=0.91), "dimensions.words.value is 0.91, not 0.9"),
        (lambda entry: entry["dimensions"][0].update(ci_low=0.88), "dimensions.words.ci_low is 0.88, not 0.85"),
        (lambda entry: entry["dimensions"][0].update(n_scored=7), "n_scored is 7, not 8"),
        (lambda entry: entry.update(licence="MIT"), "licence is 'MIT', not 'Apache-2.0'"),
        (lambda entry: entry.update(run_digest="ff" * 32), "run digest ffffffffffffffff in the file"),
        (lambda entry: entry.update(run_digest=""), "run digest none in the file"),
        (lambda entry: entry.update(generator="b"), "in one, but not in the file"),
        (lambda entry: entry["dimensions"].clear(), "dimensions is ()"),
    ],
)
def test_a_tampered_entry_is_found(change: Callable[[Any], None], said: str, tmp_path: Path) -> None:
    runs = {"one": a_run("a")}
    file = board_file(runs, tmp_path)
    edit(file, change)
    assert said in " ".join(mismatches(verified(file, runs)))


def test_a_run_that_was_replaced_by_a_newer_one_is_fine(tmp_path: Path) -> None:
    old = a_run("a", created="2026-01-01T00:00:00Z", digest="01" * 32)
    new = a_run("a", created="2026-02-01T00:00:00Z", digest="02" * 32)
    checks = verified(board_file({"old": old, "new": new}, tmp_path), {"old": old, "new": new})
    assert mismatches(checks) == []
    assert "replaced in the file by a newer run than old" in checks[1].text


def test_a_newer_run_that_nobody_shows_proves_nothing(tmp_path: Path) -> None:
    runs = {"one": a_run("a")}
    file = board_file(runs, tmp_path)
    edit(file, lambda entry: entry.update(created="2030-01-01T00:00:00Z", run_digest="ee" * 32))
    (found,) = mismatches(verified(file, runs))
    assert "run digest eeeeeeeeeeeeeeee in the file" in found


def test_an_entry_without_its_run_is_unchecked(tmp_path: Path) -> None:
    runs = {"one": a_run("a"), "two": a_run("b", digest="02" * 32)}
    checks = verified(board_file(runs, tmp_path), {"one": runs["one"]})
    assert [check.result for check in checks] == [Result.OK, Result.UNCHECKED, Result.OK]
    with pytest.raises(UsageError, match="no run folder is given"):
        verified(tmp_path / "leaderboard.json", {})


@pytest.mark.parametrize("first", [True, False], ids=["copy in front", "copy behind"])
def test_a_forged_copy_beside_the_true_entry_is_found(first: bool, tmp_path: Path) -> None:
    runs = {"one": a_run("a")}
    file = board_file(runs, tmp_path)
    content = json.loads(file.read_text())
    (true,) = content["entries"]
    (figure,) = true["dimensions"]
    forged = {**true, "dimensions": [{**figure, "value": 0.94}]}
    content["entries"] = [forged, true] if first else [true, forged]
    file.write_text(json.dumps(content))
    found = mismatches(verified(file, runs))
    assert "a (student), NFE 4: is in the file twice" in found
    assert any("value is 0.94, not 0.9" in text for text in found)


def test_an_entry_that_claims_a_run_without_that_generator_is_found(tmp_path: Path) -> None:
    runs = {"one": a_run("a")}
    file = board_file(runs, tmp_path)
    content = json.loads(file.read_text())
    (true,) = content["entries"]
    content["entries"] = [true, {**true, "nfe": 2}]
    file.write_text(json.dumps(content))
    assert "claims to be of one, which has no such generator" in " ".join(mismatches(verified(file, runs)))


def test_a_forged_rank_is_found(tmp_path: Path) -> None:
    runs = {"one": a_run("a"), "two": a_run("b", (0.99, 0.98, 1.0), digest="02" * 32)}
    file = board_file(runs, tmp_path)
    content = json.loads(file.read_text())
    content["entries"][1]["dimensions"][0]["rank_best"] = 1
    file.write_text(json.dumps(content))
    assert "rank on words: 1–2 in the file, not 2–2" in mismatches(verified(file, runs))[0]


def test_a_signature_holds_until_the_entry_is_changed(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    file = board_file({"one": a_run("a")}, tmp_path, sign_key=keys[0])
    (check,) = verified(file, {}, trusted_key=keys[1])[:1]
    assert check.result is Result.OK
    edit(file, lambda entry: entry["dimensions"][0].update(value=0.91))
    assert "changed after it was signed" in mismatches(verified(file, {}))[0]


def test_a_signature_survives_new_ranks(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    file = board_file({"one": a_run("a")}, tmp_path, sign_key=keys[0])
    content = merged({"two": a_run("b", (0.99, 0.98, 1.0))}, tmp_path / "more", file)
    assert content["entries"][1]["dimensions"][0]["rank_best"] == 2
    checks = verified(tmp_path / "more" / "leaderboard.json", {})
    assert (checks[0].result, "a (student): signed" in checks[0].text) == (Result.OK, True)


def test_another_key_or_none_is_not_trusted(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    _, other = make_keys(tmp_path, "other")
    file = board_file({"one": a_run("a")}, tmp_path, sign_key=keys[0])
    assert "not with ed25519:" in mismatches(verified(file, {}, trusted_key=other))[0]
    unsigned = board_file({"one": a_run("a")}, tmp_path / "unsigned")
    assert mismatches(verified(unsigned, {}, trusted_key=other)) == ["a (student): not signed"]


def test_a_broken_signature_is_a_mismatch_not_a_crash(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    file = board_file({"one": a_run("a")}, tmp_path, sign_key=keys[0])
    for broken in ({"public_key": "AAAA"}, {"value": "§"}, {"algorithm": "none"}):
        content = json.loads(file.read_text())
        content["entries"][0]["signature"] |= broken
        bad = tmp_path / "bad.json"
        bad.write_text(json.dumps(content))
        assert len(mismatches(verified(bad, {}))) == 1


def test_a_key_that_is_none_is_said(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("not a key")
    for path in (rubbish, tmp_path / "absent.pem", keys[1]):
        with pytest.raises(UsageError) as refused:
            board_file({"one": a_run("a")}, tmp_path, sign_key=path)
        assert str(path) in str(refused.value)
        assert "openssl" in refused.value.hint


def test_without_the_package_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    with pytest.raises(UnavailableError) as missing:
        board_file({"one": a_run("a")}, tmp_path, sign_key=tmp_path / "key.pem")
    assert missing.value.hint == install_line("leaderboard")


def test_figures_worked_out_on_another_machine_may_differ_in_the_last_digits(tmp_path: Path) -> None:
    run = a_run("a")
    file = board_file({"one": run}, tmp_path)
    (row,) = run.run.dimensions
    estimate = row.estimate
    assert estimate is not None
    nearly = replace(run.run, dimensions=(replace(row, estimate=replace(estimate, value=estimate.value + 1e-12)),))
    assert mismatches(verified(file, {"one": replace(run, run=nearly)})) == []
