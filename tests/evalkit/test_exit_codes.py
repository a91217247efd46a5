"""Every exit code of the contract, through the real command."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.evalkit.conftest import FAKE_RUN, Command

pytestmark = pytest.mark.slow


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "evalkit.yaml"
    path.write_text(text, encoding="utf-8")
    return path


BASE = """
benchmark: fake-benchmark
student: {use: fake-flat, level: 100, spread: 10}
teacher: {use: fake-flat, level: 200}
judges: [fake-brightness]
out: out
"""


def test_0_all_gates_passed(tmp_path: Path, evalkit: Command) -> None:
    done = evalkit("run", config(tmp_path, BASE + "gates: [{dimension: fake.brightness, min_value: 0.1}]"))
    assert done.returncode == 0, done.stderr
    assert "passed: 1 of 1 gates passed" in done.stdout
    assert Path(done.stdout.splitlines()[-1]) == tmp_path / "out" / "report" / "index.html"
    assert (tmp_path / "out" / "report" / "index.html").is_file()


def test_0_without_a_gate_says_so(evalkit: Command) -> None:
    done = evalkit(*FAKE_RUN, "--student", "fake-flat")
    assert done.returncode == 0, done.stderr
    assert "no gate applied" in done.stdout


@pytest.mark.parametrize("gate", ["min_value: 0.9", "max_drop: 0.05", "max_value: 0.2"])
def test_1_a_gate_failed(tmp_path: Path, evalkit: Command, gate: str) -> None:
    done = evalkit("run", config(tmp_path, BASE + f"gates: [{{dimension: fake.brightness, {gate}}}]"))
    assert done.returncode == 1, done.stderr
    assert "gate failed: fake.brightness" in done.stdout


def test_3_too_few_cases_to_decide(tmp_path: Path, evalkit: Command) -> None:
    gate = "gates: [{{dimension: fake.brightness, min_value: 0.411{}}}]"
    done = evalkit("run", config(tmp_path, BASE + gate.format("")))
    assert done.returncode == 3, done.stderr
    assert "gate undecided: fake.brightness at least 0.411" in done.stdout
    warned = evalkit("run", config(tmp_path, BASE + gate.format(", undecided: warn")))
    assert warned.returncode == 0, warned.stderr
    assert "undecided: gate undecided: fake.brightness at least 0.411" in warned.stdout
    assert "0 of 1 gates passed; undecided only for too few cases" in warned.stdout


def test_3_a_part_of_the_suite_passes_no_gate(tmp_path: Path, evalkit: Command) -> None:
    path = config(tmp_path, BASE + "gates: [{dimension: fake.brightness, min_value: 0.1}]")
    done = evalkit("run", path, "--limit", "4")
    assert done.returncode == 3, done.stderr
    assert "only the first 4 cases were asked" in done.stdout
    smoke = evalkit("run", path, "--limit", "4", "--no-gates", "--out", "smoke")
    assert smoke.returncode == 0, smoke.stderr
    assert "measured: no gate applied" in smoke.stdout


def test_1_regression_against_a_baseline(tmp_path: Path, evalkit: Command) -> None:
    many = BASE.replace("benchmark: fake-benchmark", "benchmark: {use: fake-benchmark, count: 60}")
    assert evalkit("run", config(tmp_path, many.replace("level: 100", "level: 200"))).returncode == 0
    gates = "gates: [{dimension: fake.brightness, max_drop: 0.1, against: baseline}]"
    worse = many.replace("out: out", "out: new\nbaseline: out") + gates
    done = evalkit("run", config(tmp_path, worse))
    assert done.returncode == 1, done.stderr
    same = worse.replace("level: 100", "level: 200").replace("out: new", "out: same")
    assert evalkit("run", config(tmp_path, same)).returncode == 0


def test_2_a_drop_from_the_teacher_of_a_distance_to_the_teacher(tmp_path: Path, evalkit: Command) -> None:
    gate = "gates: [{dimension: fidelity.ssim, max_drop: 0.1}]"
    path = config(tmp_path, BASE.replace("fake-brightness", "fidelity") + gate)
    for command in ("run", "doctor"):
        done = evalkit(command, path)
        said = done.stderr + done.stdout
        assert done.returncode == (2 if command == "run" else 3), said
        assert "`fidelity.ssim` has no value of the teacher's own to drop from" in said
        assert "`min_value` in place of `max_drop`" in said
    assert not list((tmp_path / "out").rglob("*.png")), "nothing was drawn"


def test_2_a_baseline_of_another_benchmark(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit(*FAKE_RUN, "--student", "fake-flat").returncode == 0
    gates = "gates: [{dimension: fake.brightness, max_drop: 0.1, against: baseline}]"
    other = BASE.replace("benchmark: fake-benchmark", "benchmark: {use: fake-benchmark, count: 3}")
    done = evalkit("run", config(tmp_path, other.replace("out: out", "out: new\nbaseline: out") + gates))
    assert done.returncode == 2
    assert "another benchmark" in done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("studnet: fake-flat", "unknown key `studnet`, did you mean `student`?"),
        ("gates: [{dimension: fake.brightness, min_vale: 1}]", "did you mean `min_value`?"),
        ("student: {use: fake-flat, levle: 3}", "did you mean `level`?"),
        ("student: fake-flatt", "did you mean `fake-flat`?"),
        ("seeds: many", "`seeds`"),
        ("gates: [{dimension: fake.brightness}]", "exactly one of"),
        ("gates: [{dimension: fake.brightnes, min_value: 1}]", "no judge of this run measures"),
        ("gates: [{finding: drak, max_rate: 0.1}]", "did you mean `dark`?"),
        ("gates: [{dimension: fake.brightness, min_value: .nan}]", "finite"),
        ("a: &a [1]\nb: *a", "evalkit.yaml:1: anchors and aliases are not read"),
        ("seeds: 1\nseeds: 2", "key 'seeds' is given twice"),
        ("!!python/object/apply:os.system ['touch pwned']", "tags are not read"),
        ("[1, 2]", "not a mapping of keys to values"),
    ],
)
def test_2_wrong_config(tmp_path: Path, evalkit: Command, text: str, says: str) -> None:
    key = text.split(":")[0]
    lines = [line for line in BASE.strip().splitlines() if line.split(":")[0] != key]
    done = evalkit("run", config(tmp_path, text if text.startswith(("!", "[", "a:")) else "\n".join([*lines, text])))
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists(), "nothing may be started"
    assert not (tmp_path / "pwned").exists()


def test_2_missing_config_and_unknown_flag(evalkit: Command) -> None:
    assert evalkit("run", "nowhere.yaml").returncode == 2
    assert evalkit("run", "--studnet", "x").returncode == 2
    assert evalkit("frobnicate").returncode == 2


def test_2_somebody_elses_folder(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit(*FAKE_RUN, "--student", "fake-flat").returncode == 0
    done = evalkit(*FAKE_RUN, "--student", "fake-flat:level=3")
    assert done.returncode == 2
    assert "holds another run" in done.stderr


def test_3_server_missing(evalkit: Command) -> None:
    done = evalkit(*FAKE_RUN, "--student", "fake-unreachable")
    assert done.returncode == 3
    assert "no server answers" in done.stderr
    assert "start it" in done.stderr


def test_3_judge_gone(evalkit: Command) -> None:
    done = evalkit(*FAKE_RUN[:3], "--judge", "fake-brightness:gone=true", *FAKE_RUN[5:], "--student", "fake-flat")
    assert done.returncode == 3


def test_3_control_failed_is_an_invalid_judge_and_no_regression(tmp_path: Path, evalkit: Command) -> None:
    blind = BASE.replace("[fake-brightness]", "[{use: fake-brightness, blind: true}]")
    done = evalkit("run", config(tmp_path, blind + "gates: [{dimension: fake.brightness, max_value: 0.2}]"))
    assert done.returncode == 3, done.stderr
    assert "the judge fake-brightness failed the control `black is dark`" in done.stdout


def test_3_coverage_below_the_limit(evalkit: Command) -> None:
    done = evalkit(*FAKE_RUN, "--student", "fake-flat:fail_on=flat/0001")
    assert done.returncode == 3
    assert (
        "coverage of fake-brightness on the student's pictures is 83.3% (5 of 6 cells of fake.brightness), below the "
        "limit of 95.0%, mostly for: " in done.stdout
    )
    (said,) = (line for line in done.stdout.splitlines() if "mostly for" in line)
    assert not said.endswith("mostly for: "), "the reason is said"


def test_3_plugin_that_cannot_be_imported(evalkit: Command) -> None:
    done = evalkit(*FAKE_RUN, "--student", "fake-import-error")
    assert done.returncode == 3
    assert "can't be imported" in done.stderr


def test_3_a_bug_in_an_exporter_leaves_its_traceback_in_the_run_folder(tmp_path: Path, evalkit: Command) -> None:
    text = BASE + "exporters: [fake-broken-exporter, junit]"
    done = evalkit("run", config(tmp_path, text))
    assert done.returncode == 3, "the run is finished, but an output is missing"
    assert "the exporter `fake-broken-exporter` failed: KeyError" in done.stderr
    assert "a bug in the exporter (fake)" in (tmp_path / "out" / "traceback.txt").read_text()
    assert (tmp_path / "out" / "junit.xml").is_file(), "one broken exporter must not keep the others from writing"


def test_130_interrupted_says_how_to_go_on(tmp_path: Path, environment: dict[str, str], evalkit: Command) -> None:
    log = tmp_path / "log"
    arguments = [*FAKE_RUN, "--student", f"fake-flat:seconds=0.2,batch_size=1,log={log}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", *arguments], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    while not log.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "to continue, run the same command again: evalkit run" in stderr
    drawn_before = log.read_text().splitlines()
    assert evalkit(*arguments).returncode == 0
    assert log.read_text().splitlines() == [f"flat/{i:04d}" for i in range(6)], "finished pictures are not drawn again"
    assert drawn_before
