"""The pictures on which judges are measured: graded faults and clean pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evalkit.benchmarks.faults.grades import GRADES
from evalkit.benchmarks.faults.inject import strengths
from evalkit.benchmarks.faults.registry import FAULTS
from evalkit.benchmarks.faults.specimens import HELD_OUT, SceneSpecimens
from evalkit.benchmarks.scenes.benchmark import ScenesBenchmark


def specimens(**settings: object) -> SceneSpecimens:
    return SceneSpecimens(SceneSpecimens.Settings(**{"series": 1, **settings}))


def test_every_fault_is_graded() -> None:
    assert {grades.kind for grades in GRADES.values()} == set(FAULTS)
    for name, grades in GRADES.items():
        known = strengths(grades.kind)
        assert set(grades.fixed) <= set(known), name
        assert not grades.strength or grades.strength in known, name
        assert list(grades.sizes) == sorted(grades.sizes), name


@pytest.mark.parametrize("fault", GRADES)
def test_every_grade_can_be_shown_at_512_px(fault: str) -> None:
    shown = list(specimens(count=1).faulty(fault))
    assert [one.nominal for one in shown] == list(GRADES[fault].sizes)
    for one in shown:
        assert one.group == fault
        assert one.box is not None
        assert one.box.area > 0
        assert one.case.width == one.pixels.shape[0] == 512
        assert one.size > 0
        if one.nominal and GRADES[fault].grows and fault != "mirror-strokes":  # whole letters only
            assert one.size == pytest.approx(one.nominal, rel=0.6), "the measured size is near the wanted one"


def test_the_same_settings_show_the_same_pictures() -> None:
    first, second = (list(specimens(count=2).faulty("melt-strokes")) for _ in range(2))
    assert all(np.array_equal(a.pixels, b.pixels) and a.box == b.box for a, b in zip(first, second, strict=True))


def test_clean_pictures_of_every_kind() -> None:
    shown = list(specimens(clean=10, size=256).clean())
    few = dict.fromkeys(("gradients", "wanted grain", "photos", "photos with text"), 2)
    assert Counter(one.group for one in shown) == {"scenes": 10, **few}
    assert all(one.box is None for one in shown)
    by_group = {one.group: one for one in shown}
    assert by_group["wanted grain"].case.background.texture_wanted
    assert by_group["photos"].twin is not None
    (text,) = by_group["photos with text"].case.texts
    assert text.box is not None
    assert 0 <= text.box.x0 < text.box.x1 <= 256
    steps = np.abs(np.diff(by_group["gradients"].pixels.astype(int), axis=0)).max()
    assert steps <= 1, "a gradient of 8 bits has no larger step"


def test_a_twin_is_the_clean_scene() -> None:
    with_twin = next(specimens(count=1, twin=True).faulty("substitute-letter"))
    alone = next(specimens(count=1).faulty("substitute-letter"))
    assert alone.twin is None
    assert with_twin.twin is not None
    changed = (with_twin.twin != with_twin.pixels).any(axis=2)
    ys = np.flatnonzero(changed.any(axis=1))
    assert with_twin.box is not None
    assert ys.min() < with_twin.box.y1
    assert ys.max() >= with_twin.box.y0
    assert changed.mean() < 0.2


def test_held_out_scenes_are_in_no_suite() -> None:
    held_out = {specimen.case.extra["scene"]["seed"] for specimen in specimens(series=HELD_OUT, clean=20).clean()
                if specimen.group == "scenes"}  # fmt: skip
    suite = {case.extra["scene"]["seed"] for case in ScenesBenchmark(ScenesBenchmark.Settings(count=20)).cases()}
    assert not held_out & suite


def test_every_fault_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "instruments.md").read_text(encoding="utf-8")
    assert [name for name in GRADES if f"`{name}`" not in text] == []
