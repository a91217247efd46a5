"""Named baselines on disk: what they keep, what a crash leaves of them, and a history that can't be read."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.pictures import decode, encode_png
from evalkit.store.baseline_history import read_history
from evalkit.store.baseline_pictures import Keep
from evalkit.store.baselines import set_baseline
from evalkit.store.fingerprint import check_pictures, run_digest
from evalkit.store.run_reader import RunReader
from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

N_KILLS = 10


def make_run(evalkit: Command, folder: Path, out: str, count: int, size: int, shade: int) -> Path:
    """A run of noisy pictures, which take time to copy."""
    pictures = folder / f"pictures-{out}"
    pictures.mkdir()
    for i in range(count):
        noise = np.random.default_rng((shade, i)).integers(shade, shade + 40, (size, size, 3), dtype=np.uint8)
        (pictures / f"flat-{i:04d}.png").write_bytes(encode_png(noise))
    done = evalkit(
        "run", "--benchmark", f"fake-benchmark:count={count},size={size}", "--student", f"folder:{pictures}",
        "--teacher", "none", "--judge", "fake-brightness", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / out


def set_main(evalkit: Command, run: Path, *more: str, reason: str = "v1") -> subprocess.CompletedProcess[str]:
    return evalkit("baseline", "set", "main", run, "--reason", reason, "--author", "Ada", *more)


def baseline(project: Path) -> Path:
    return project / ".evalkit" / "baselines" / "main"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_pictures_are_kept_by_choice(tmp_path: Path, evalkit: Command) -> None:
    run, kept = make_run(evalkit, tmp_path, "base", 3, 600, 150), baseline(tmp_path)
    for choice, n_full, n_small in (
        (("--pictures",), 3, 0),
        (("--pictures", "thumbnails"), 0, 3),
        (("--pictures", "full"), 3, 0),
        (("--pictures", "none"), 0, 0),
        ((), 0, 0),
    ):
        assert set_main(evalkit, run, *choice).returncode == 0
        assert len(list(kept.glob("pictures/*/*.png"))) == n_full, choice
        assert len(list(kept.glob("thumbnails/*/*.webp"))) == n_small, choice
        assert not [name for name in files(kept) if ".part" in name]
    assert files(kept) == ["history.json", "run.sqlite"]
    assert [entry["pictures"] for entry in read_history(kept)] == ["full", "thumbnails", "full", "none", "none"]
    assert set_main(evalkit, run, "--pictures", "some").returncode == 2


def test_reports_show_thumbnails_and_nobody_judges_them(tmp_path: Path, evalkit: Command) -> None:
    run = make_run(evalkit, tmp_path, "base", 2, 600, 150)
    assert set_main(evalkit, run, "--pictures", "thumbnails").returncode == 0
    shutil.rmtree(run)
    new = make_run(evalkit, tmp_path, "new", 2, 600, 170)
    done = evalkit("compare", "main", new, "--report")
    assert done.returncode == 0, done.stderr
    script = (new / "report/data/cases-0000.js").read_text("utf-8")
    records = [json.loads(line.rstrip(",")) for line in script.splitlines() if line.startswith("{")]
    assert len(records) == 2
    for record in records:
        (role,) = (role for role in record["roles"] if role["role"] == "baseline")
        assert role["thumbnail"] is True
        assert role["brief"].endswith("600×600 px; shown as a thumbnail of 256×256 px")
        shown = decode((new / "report/pictures" / role["picture"]).read_bytes())
        assert shown.pixels.shape == (256, 256, 3)
        assert shown.pixels.mean() == pytest.approx(170, abs=2), "the baseline's own level"
    refused = evalkit("baseline", "rejudge", "main")
    assert refused.returncode == 2
    assert "it keeps thumbnails, which are not judged" in " ".join(refused.stderr.split())
    small = baseline(tmp_path) / "thumbnails"
    assert evalkit("baseline", "rejudge", "main", "--pictures", small).returncode == 2, "not even if named"


def test_a_damaged_picture_is_not_kept(tmp_path: Path, evalkit: Command) -> None:
    run = make_run(evalkit, tmp_path, "base", 2, 16, 150)
    assert set_main(evalkit, run, "--pictures").returncode == 0
    path = next(run.glob("pictures/*/*.png"))
    path.chmod(0o644)
    path.write_bytes(encode_png(np.zeros((16, 16, 3), np.uint8)))
    done = set_main(evalkit, run, "--pictures", reason="v2")
    assert done.returncode == 2
    assert path.name in done.stderr
    assert [entry["reason"] for entry in read_history(baseline(tmp_path))] == ["v1"]
    assert len(list(baseline(tmp_path).glob("pictures/*/*.png"))) == 2


def test_a_truncated_history_is_named_and_the_rest_goes_on(tmp_path: Path, evalkit: Command) -> None:
    run = make_run(evalkit, tmp_path, "base", 2, 16, 150)
    set_main(evalkit, run)
    evalkit("baseline", "set", "other", run, "--reason", "fine", "--author", "Ada")
    history = baseline(tmp_path) / "history.json"
    history.write_bytes(history.read_bytes()[:40])
    listed = evalkit("baseline", "list")
    assert listed.returncode == 2
    assert "Ada: fine" in listed.stdout
    for done in (listed, set_main(evalkit, run), evalkit("baseline", "rejudge", "main")):
        assert done.returncode == 2
        assert str(history) in "".join(done.stderr.split("\n")), done.stderr
        assert "Traceback" not in done.stderr
    assert evalkit("compare", "main", run).returncode == 0
    for content in (b"{}", b"[1]", b'[{"set": 3}]', b"\xff"):
        history.write_bytes(content)
        assert evalkit("baseline", "list").returncode == 2


def test_an_old_history_is_read_and_goes_on(tmp_path: Path, evalkit: Command) -> None:
    run, kept = make_run(evalkit, tmp_path, "base", 2, 16, 150), baseline(tmp_path)
    set_main(evalkit, run)
    entry = read_history(kept)[0]
    (kept / "history.json").write_text(
        json.dumps([{k: v for k, v in entry.items() if k not in ("database", "pictures")}])
    )
    set_main(evalkit, run, reason="v2")
    assert [entry["reason"] for entry in read_history(kept)] == ["v1", "v2"]


def test_a_change_that_was_recorded_but_never_came_does_not_count(tmp_path: Path, evalkit: Command) -> None:
    first, kept = make_run(evalkit, tmp_path, "base", 2, 16, 150), baseline(tmp_path)
    second = make_run(evalkit, tmp_path, "second", 2, 16, 60)
    set_main(evalkit, first)
    database = (kept / "run.sqlite").read_bytes()
    set_main(evalkit, second, reason="v2")
    (kept / "run.sqlite").write_bytes(database)  # as if killed just before
    assert [entry["reason"] for entry in read_history(kept)] == ["v1"]
    set_main(evalkit, second, reason="v3")
    assert [entry["reason"] for entry in read_history(kept)] == ["v1", "v3"]


@pytest.mark.nightly
def test_a_baseline_is_whole_whenever_its_setting_is_killed(
    tmp_path: Path, evalkit: Command, environment: dict[str, str]
) -> None:
    runs = [make_run(evalkit, tmp_path, out, 60, 200, shade) for out, shade in (("a", 150), ("b", 60))]
    digests, kept = [], baseline(tmp_path)
    for run in runs:
        with RunReader(run) as reader:
            digests.append(run_digest(reader))
    set_baseline(tmp_path, "main", runs[0], author="Ada", reason="start", keep=Keep.FULL)
    start = time.monotonic()
    set_baseline(tmp_path, "main", runs[1], author="Ada", reason="start", keep=Keep.FULL)
    took, now, ends = time.monotonic() - start, 1, {"killed": 0, "done": 0}
    code = (
        "import sys, evalkit.store.baselines; from evalkit.cli import main; print('ready', flush=True);"
        "sys.exit(main(sys.argv[1:]))"
    )
    rng, delays = random.Random(7), []
    for kill in range(N_KILLS):
        target = 1 - now
        command = [sys.executable, "-c", code, "baseline", "set", "main", str(runs[target]), "--pictures", "full"]
        process = subprocess.Popen(
            [*command, "--reason", f"kill {kill}", "--author", "Ada"],
            cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        delays.append(rng.uniform(0, 1.5 * took))
        time.sleep(delays[-1])
        process.send_signal(signal.SIGKILL)
        process.communicate()
        ends["done" if process.returncode == 0 else "killed"] += 1
        with RunReader(kept) as reader:
            here = digests.index(run_digest(reader))
            check = check_pictures(reader)
        assert (check.changed, check.missing) == ((), ()), f"kill {kill} after {delays[-1]:.3f} s"
        last = read_history(kept)[-1]
        assert Path(last["run"]) == runs[here].resolve(), "the history speaks of the baseline that is there"
        now = here
    assert ends["killed"] >= N_KILLS // 2, f"{ends}, {took:.3f} s, {delays}"
    set_baseline(tmp_path, "main", runs[0], author="Ada", reason="end", keep=Keep.FULL)
    assert len(list(kept.glob("pictures/*/*"))) == 60
    assert not [name for name in files(kept) if re.search(r"\.part|journal", name)]
