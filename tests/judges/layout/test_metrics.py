"""Hand-made layouts whose figures follow from the definitions."""

from __future__ import annotations

import math

import pytest

from evalkit.api.records import Box
from evalkit.judges.layout import metrics

LEFT, RIGHT = Box(0, 0, 40, 40), Box(20, 0, 60, 40)


def test_overlaps() -> None:
    assert metrics.overlap([LEFT, RIGHT]) == pytest.approx(0.5 + 0.5)
    assert metrics.overlap_area([LEFT, RIGHT], 100, 100) == pytest.approx(800 / 10_000)
    assert metrics.poster_overlap([LEFT, RIGHT]) == pytest.approx((800 / 2400) / 2)
    assert metrics.overlap([LEFT]) == metrics.poster_overlap([]) == 0.0


def test_alignment() -> None:
    aligned = [Box(10, 0, 30, 20), Box(10, 40, 50, 70)]
    assert metrics.alignment(aligned, 100, 100) == 0.0
    # left edges 3 apart; every other anchor farther
    off = [Box(10, 0, 30, 20), Box(13, 40, 63, 75)]
    assert metrics.alignment(off, 100, 100) == pytest.approx(-math.log(1 - 0.03))
    assert metrics.poster_alignment(off, 100, 100) == pytest.approx(-2 * math.log10(1 - 0.03))
    # the published code of PosterLayout takes the closest pair for all: a third, far-off box changes only the factor
    assert metrics.poster_alignment([*off, Box(81, 81, 97, 99)], 100, 100) == pytest.approx(-3 * math.log10(0.97))
    assert metrics.alignment([LEFT], 100, 100) == 0.0


def test_underlays() -> None:
    under, inside, half = Box(0, 0, 50, 50), Box(10, 10, 20, 20), Box(40, 0, 60, 10)
    assert metrics.underlay_loose([under], [half]) == pytest.approx(0.5)
    assert metrics.underlay_loose([under], [half, inside]) == 1.0
    assert metrics.underlay_strict([under, under], [inside]) == 1.0
    assert metrics.underlay_strict([under], [half]) == 0.0
    assert metrics.underlay_loose([], [inside]) is None


def test_validity() -> None:
    assert metrics.validity([Box(0, 0, 1, 1), Box(0, 0, 50, 50)], 100, 100) == 0.5
    assert metrics.validity([], 100, 100) is None


def test_max_iou_assigns_within_classes() -> None:
    one = [("text", LEFT), ("text", Box(50, 50, 90, 90)), ("logo", RIGHT)]
    other = [("logo", RIGHT), ("text", Box(50, 50, 90, 90)), ("text", RIGHT)]
    assert metrics.max_iou(one, other) == pytest.approx((1 / 3 + 1 + 1) / 3)
    assert metrics.max_iou(one, other[:2]) is None


def test_doc_sim() -> None:
    layout = [("text", Box(0, 0, 50, 50))]
    assert metrics.doc_sim(layout, layout, 100, 100) == pytest.approx(0.5)  # the square root of a quarter
    shifted = [("text", Box(30, 40, 80, 90))]
    assert metrics.doc_sim(layout, shifted, 100, 100) == pytest.approx(0.5 * 2**-0.5)
    wider = [("text", Box(0, 0, 100, 50))]
    assert metrics.doc_sim(layout, wider, 100, 100) == pytest.approx(0.5 * 2 ** (-0.25 - 2 * 0.5))
    assert metrics.doc_sim(layout, [("logo", Box(0, 0, 50, 50))], 100, 100) == 0.0
