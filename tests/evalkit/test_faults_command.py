"""`evalkit faults`: measuring judges with known defects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.ability import Ability, Specimen
from evalkit.api.errors import ConfigError
from evalkit.api.pictures import Picture
from evalkit.api.records import Box, Case, Dimension, Finding, FindingKind, Score, Status, Verdict
from evalkit.cli import main
from evalkit.formats.keys import from_json, to_json
from evalkit.plugins.abilities import ability_of, folder_of
from evalkit.plugins.registry import PluginSpec, create
from evalkit.studies.faults.measure import Observation, auc, best_overlap, by_size, recall, sight, smallest, spearman
from evalkit.studies.faults.observe import measure_judge
from evalkit.studies.faults.signals import Signal, signals
from evalkit.studies.faults.table import markdown, plain
from tests.bench import faults as bench

pytestmark = pytest.mark.slow

TRUTH = Box(10, 10, 30, 30)


class DarkJudge:
    """Finds dark squares from 40 levels below the ground on; blind below, abstains on black pictures."""

    name, version, concurrency = "dark", "7", 1
    dimensions = (Dimension("dark.level", "darkest pixel", higher_is_better=True, high=None),)
    kinds = (FindingKind("dark"),)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        if case.id == "broken":
            raise ZeroDivisionError("told to fail")
        pixels = picture.pixels[..., 0].astype(int)
        if pixels.max() == 0:
            return Verdict(self.name, (Score("dark.level", Status.UNSCORED, reason="all black"),))
        ys, xs = np.nonzero(pixels < pixels.max() - 40)
        found = []
        if len(ys):
            box = Box(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
            found = [Finding("dark", box, 1.0, "level", 0.9, "dark")]
        return Verdict(self.name, (Score("dark.level", Status.SCORED, float(pixels.min())),), tuple(found))


class Squares:
    """Squares on grey, darker by 10, 50 and 100 levels; the smallest can't be seen."""

    def faults(self) -> tuple[str, ...]:
        return ("square", "not-declared")

    def grows(self, fault: str) -> bool:
        return True

    def faulty(self, fault: str) -> Iterator[Specimen]:
        assert fault == "square", "only what the judge declares is shown"
        for depth in (10, 50, 100):
            for number in range(10):
                pixels = np.full((40, 40, 3), 200, np.uint8)
                pixels[10:30, 10:30] = 200 - depth
                case = Case(f"square/{depth}/{number}", "", width=40, height=40)
                yield Specimen(case, pixels, fault, depth + number / 100, depth, "levels", TRUTH)

    def clean(self) -> Iterator[Specimen]:
        for number in range(20):
            pixels = np.full((40, 40, 3), 200, np.uint8)
            yield Specimen(Case(f"clean/{number}", "", width=40, height=40), pixels, "scenes")
        wolf = np.full((40, 40, 3), 200, np.uint8)
        wolf[5, 5] = 0
        yield Specimen(Case("wolf", "", width=40, height=40), wolf, "photos")
        yield Specimen(Case("black", "", width=40, height=40), np.zeros((40, 40, 3), np.uint8), "photos")
        yield Specimen(Case("broken", "", width=40, height=40), wolf, "photos")


def measured() -> tuple[Ability, list[str]]:
    told: list[str] = []
    signal = {"square": Signal(faults=("square",), dimension="dark.level", findings=("dark",))}
    return measure_judge(DarkJudge(), signal, Squares(), 40, "evalkit faults", told.append), told  # type: ignore[arg-type]


def test_a_judge_is_measured_against_the_truth() -> None:
    ability, told = measured()
    (square,) = ability.sights
    assert (square.n, square.n_scored, square.unit) == (30, 30, "levels")
    assert square.auc is not None
    assert square.auc.value == 1.0, "the value shows even what the findings leave out"
    assert square.recall == 1.0
    assert square.found == pytest.approx(2 / 3)
    assert square.iou == 1.0
    assert square.smallest == 50
    assert square.spearman is not None
    assert square.spearman > 0.9
    assert [(s.size, s.n, s.found, s.auc) for s in square.sizes] == [(10, 10, 0, 1), (50, 10, 10, 1), (100, 10, 10, 1)]
    alarms = {one.group: (one.n, one.alarms, one.abstained) for one in ability.false_alarms}
    assert alarms == {"scenes": (20, 0, 0), "photos": (3, 1, 2)}
    assert any("failed on broken" in line for line in told)
    text = "\n".join(plain(ability))
    assert "50 levels" in text
    assert "1 of 3 photos (2 abstained)" in text
    assert "| square | 1.000" in markdown([ability])


def test_ranks_and_areas() -> None:
    faulty, clean = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0])
    area = auc(faulty, clean)
    assert area is not None
    assert area.value == pytest.approx((1.5 + 2.5 + 3) / 9)
    assert area.low is not None
    assert area.high is not None
    assert area.low < area.value < area.high
    assert auc(np.array([]), clean) is None
    assert recall(faulty, clean, 4) == 1 / 4, "an abstention is not found"
    assert recall(np.array([5.0]), np.arange(200.0), 1) == 0
    assert recall(np.array([198.0]), np.arange(200.0), 1) == 1, "2 of 200 may lie above"
    assert recall(faulty, np.array([]), 3) is None
    assert spearman([1, 2, 3, 4], np.array([1.0, 4.0, 9.0, 16.0])) == 1
    assert spearman([1, 1, 1], faulty) is None


def test_smallest_means_from_there_on() -> None:
    def counts(*shares: tuple[float, int]) -> float | None:
        seen = [Observation(s, s, 1.0, 0.5 if i < n else None) for s, n in shares for i in range(10)]
        return smallest(by_size(seen, np.array([0.0])))

    assert counts((1, 0), (2, 9), (4, 10)) == 2
    assert counts((1, 10), (2, 8), (4, 10)) == 4
    assert counts((1, 10), (2, 10), (4, 8)) is None


def test_a_finding_elsewhere_is_no_find() -> None:
    assert best_overlap([Box(100, 100, 120, 120)], TRUTH) is None
    assert best_overlap([Box(29, 29, 60, 60)], TRUTH) is None, "a corner"
    assert best_overlap([Box(0, 0, 100, 100), Box(10, 10, 30, 20)], TRUTH) == 0.5
    blind = sight("x", "", [Observation(1, 1, None, None)], [0.0], grows=True)
    assert (blind.n, blind.n_scored, blind.found, blind.auc) == (1, 0, 0.0, None)


def test_without_a_dimension_severity_speaks() -> None:
    signal = Signal(faults=("x",), findings=("dark",))
    dark = Finding("dark", TRUTH, 1.0, "", 0.4, "")
    other = Finding("other", TRUTH, 1.0, "", 0.9, "")
    score = (Score("a", Status.SCORED, 1.0),)
    assert signal.value(Verdict("j", score, (dark, other)), {}) == 0.4
    assert signal.value(Verdict("j", score), {}) == 0.0
    assert signal.value(Verdict("j", (Score("a", Status.UNSCORED, reason="no text"),)), {}) is None


def test_a_wrong_declaration_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "sees.yaml"
    path.write_text("signals: [{faults: [square], dimension: dark.levle}]\n")
    with pytest.raises(ConfigError, match=r"dark\.levle") as caught:
        signals(DarkJudge(), path)  # type: ignore[arg-type]
    assert "dark.level" in caught.value.hint
    path.write_text("signals: [{faults: [square]}]\n")
    with pytest.raises(ConfigError):
        signals(DarkJudge(), path)  # type: ignore[arg-type]
    path.write_text("signals: [{faults: [square], finding: [dark]}]\n")
    with pytest.raises(ConfigError, match="findings"):
        signals(DarkJudge(), path)  # type: ignore[arg-type]
    assert signals(DarkJudge(), tmp_path / "none.yaml") == {}  # type: ignore[arg-type]


def test_what_ships_beside_a_judge_is_found_without_importing_it() -> None:
    folder = folder_of("grain")
    assert folder is not None
    assert folder.name == "grain"
    assert folder_of("no-such-judge") is None
    assert ability_of("no-such-judge") is None


@pytest.mark.parametrize("judge", ["typography", "grain"])
def test_every_declared_fault_can_be_shown(judge: str) -> None:
    specimens = create("specimens", PluginSpec("scenes"))
    declared = signals(create("judges", PluginSpec(judge)))
    assert declared
    assert set(declared) <= set(specimens.faults())


def test_the_command_measures_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--count", "2", "--clean", "4", "--size", "256", "--series", "1"]
    arguments = ["faults", "--judge", "grain", "--kind", "grain-2px", "--sizes", "1,8", *small]
    assert main([*arguments, "--json", "--out", str(tmp_path / "out")]) == 0
    (printed,) = json.loads(capsys.readouterr().out)
    ability = from_json(Ability, printed)
    assert ability.command == f"evalkit {' '.join(arguments)}"
    (grain,) = ability.sights
    assert [size.size for size in grain.sizes] == [1, 8]
    assert grain.sizes[1].found == 2, "8 levels of grain can't be missed"
    assert {one.group for one in ability.false_alarms} == {
        "scenes",
        "gradients",
        "wanted grain",
        "photos",
        "photos with text",
    }
    written = json.loads((tmp_path / "out" / "grain.faults.json").read_text(encoding="utf-8"))
    assert written == printed
    assert "grain-2px" in (tmp_path / "out" / "faults.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kind", "rust"],
        ["--sizes", "1,two"],
        ["--kind", "swap-texts", "--sizes", "1"],
        ["--judge", "no-such-judge"],
        ["--count", "0"],
    ],
)
def test_nonsense_is_a_users_mistake(arguments: list[str]) -> None:
    assert main(["faults", *arguments]) == 2


def test_shipping_replaces_a_judges_own_figures_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs, measured_file = tmp_path / "instruments.md", tmp_path / "dark.faults.json"
    docs.write_text("# Title\n\n<!-- faults dark -->\nold\n<!-- end -->\n\n<!-- faults other -->\nkept\n<!-- end -->\n")
    measured_file.write_text(json.dumps(to_json(measured()[0])), encoding="utf-8")
    monkeypatch.setattr(bench, "DOCS", docs)
    monkeypatch.setattr(bench, "folder_of", lambda name: tmp_path)
    bench.ship(measured_file, "dark")
    text = docs.read_text(encoding="utf-8")
    assert "old" not in text
    assert "| square |" in text
    assert "kept" in text
    shipped = from_json(Ability, json.loads((tmp_path / "faults.json").read_text(encoding="utf-8")))
    assert shipped.sights == measured()[0].sights
