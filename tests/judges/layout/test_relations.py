from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.api.records import Box, Element, Relation
from evalkit.judges.layout.ink import moved
from tests.judges.layout.conftest import (
    DISC,
    GREEN,
    INK,
    NOTE,
    RED,
    SIDE,
    SQUARE,
    TITLE,
    case,
    design,
    judged,
    one,
    shape,
)

DOTS = tuple(Box(x, 224, x + 16, 240) for x in (40, 100, 160))
ROW = tuple(Element(f"dot-{i}", "shape", box, INK) for i, box in enumerate(DOTS))
NAMES = tuple(element.id for element in ROW)


def row(*, middle: float = 0.0, count: int = 3):
    pixels = design()
    for i, box in enumerate(DOTS[:count]):
        shape(pixels, moved(box, middle if i == 1 else 0, 0), INK, "square")
    return pixels


def test_an_axis_nobody_declared_is_one_all_the_same() -> None:
    verdict = judged(design(note=moved(NOTE, 4, 0)))
    finding = one(verdict, "misaligned")
    assert (finding.size, finding.target) == (pytest.approx(4, abs=1), "text:1")
    assert finding.box.iou(moved(NOTE, 4, 0)) > 0.9


def test_declared_alignment_is_checked_against_its_tolerance() -> None:
    def with_tolerance(px: float):
        return case([Relation("aligned-top", ("circle-0", "square-0"), px)])

    dropped = design(square=moved(SQUARE, 0, 4))
    assert one(judged(dropped, with_tolerance(1.0)), "misaligned").target == "element:square-0"
    assert not judged(dropped, with_tolerance(6.0)).findings


@pytest.mark.parametrize("shift", [4, 8])
def test_uneven_spacing_is_the_difference_of_the_gaps(shift: int) -> None:
    spaced = case([Relation("evenly-spaced", NAMES)], elements=ROW)
    assert not judged(row(), spaced).findings
    finding = one(judged(row(middle=shift), spaced), "uneven-spacing")
    assert finding.size == pytest.approx(2 * shift, abs=2)
    assert finding.target == "element:dot-1"


def test_texts_that_changed_places_are_in_the_wrong_order() -> None:
    ordered = case([Relation("reading-order", ("title", "note")), Relation("above", ("title", "note"))])
    swapped = design(title=moved(TITLE, 0, 50), note=moved(NOTE, 0, -64))
    finding = one(judged(swapped, ordered), "wrong-order")
    assert {finding.evidence["element"], finding.evidence["other"]} == {"title", "note"}


def test_what_sticks_out_of_what_holds_it_is_clipped() -> None:
    card = Element("card", "panel", Box(32, 30, 224, 132), (255, 255, 255))
    inside = case([Relation("inside", ("note", "card"))])
    inside = replace(inside, elements=(card, *inside.elements))

    def on_card(note: Box):
        pixels = design(title=None, note=None)
        shape(pixels, card.box, (255, 255, 255), "square")
        top = design(note=note)
        changed = (top != design(title=None, note=None)).any(axis=2)
        pixels[changed] = top[changed]
        return pixels

    assert not judged(on_card(NOTE), inside).findings
    finding = one(judged(on_card(moved(NOTE, 0, 20)), inside), "clipped")
    assert finding.size == pytest.approx(12, abs=2)


def test_counts_know_what_is_missing_and_what_is_too_much() -> None:
    counted = case([Relation("count", NAMES)], elements=ROW)
    assert not judged(row(), counted).findings
    fewer = one(judged(row(count=2), counted), "wrong-count")
    assert (fewer.evidence["found"], fewer.evidence["declared"]) == (2, 3)
    pixels = row()
    shape(pixels, Box(220, 224, 236, 240), INK, "square")
    assert one(judged(pixels, counted), "wrong-count").evidence["found"] == 4


def test_margins_and_the_centre_of_the_canvas() -> None:
    declared = case([Relation("margin", ("circle-0", "square-0")), Relation("centered", ("title",))])
    assert not judged(design(), declared).findings
    assert one(judged(design(square=moved(SQUARE, 6, 0)), declared), "margin").size == pytest.approx(6, abs=1)
    assert one(judged(design(title=moved(TITLE, 5, 0)), declared), "misaligned").target == "text:0"


def test_a_spec_that_contradicts_itself_accuses_nobody() -> None:
    wrong = case([Relation("above", ("note", "title")), Relation("left-of", ("square-0", "circle-0"))])
    assert not judged(design(), wrong).findings
    unknown = case([Relation("above", ("title", "nobody")), Relation("dances-with", ("title", "note"))])
    assert not judged(design(), unknown).findings


def test_boxes_of_the_fixture_are_apart() -> None:
    assert DISC.intersection(SQUARE) == TITLE.intersection(NOTE) == 0
    assert RED != GREEN
    assert SIDE == 256
