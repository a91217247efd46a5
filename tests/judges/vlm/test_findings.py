"""From boxes of a model to pixels, and the check by the instruments."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from evalkit.api.records import Box, Case, Finding, TextTarget
from evalkit.judges.typography.reader import Line, Word
from evalkit.judges.vlm.controls import GRAIN_PATCH, grainy_pixels, picture
from evalkit.judges.vlm.findings import located, merged, to_pixels, with_target
from evalkit.judges.vlm.instruments import Instruments, compare, uneven, where_read
from evalkit.judges.vlm.look import StatedFinding
from evalkit.judges.vlm.pixels import crop, sent_image
from evalkit.judges.vlm.rubric import rubrics
from evalkit.judges.vlm.scale import expected_level

SIZE = (640, 320)
QUALITY = rubrics()["quality"]
HERE = Box(10, 10, 60, 40)
CASE = Case("c", "OCEAN", texts=(TextTarget("OCEAN"),))


def finding(kind: str, box: Box = HERE, severity: float = 0.5, **evidence) -> Finding:
    return Finding(kind, box, 50, "px", severity, "seen", {"rubric": "text", **evidence})


def test_thousandths_become_pixels_of_the_picture() -> None:
    assert to_pixels([0, 500, 250, 1000], SIZE, SIZE, "relative-1000") == Box(0, 160, 160, 320)


def test_pixels_are_those_of_the_picture_as_the_model_saw_it() -> None:
    assert to_pixels([10, 20, 110, 60], SIZE, (320, 160), "pixels") == Box(20, 40, 220, 120)


def test_boxes_are_cut_at_the_edges() -> None:
    assert to_pixels([600, 100, 9999, 300], SIZE, SIZE, "pixels") == Box(600, 100, 640, 300)


@pytest.mark.parametrize("stated", [[5, 5, 5, 9], [900, 5, 100, 9], [1000, 0, 1000, 1000], [0, 0, 0, 0]])
def test_broken_boxes_are_not_located_but_counted(stated) -> None:
    found = located(
        QUALITY,
        [StatedFinding(kind="grain", box=stated)],
        expected_level(2, {}),
        SIZE,
        SIZE,
        "relative-1000",
    )
    assert found == ([], 1, 0)


def test_severity_follows_from_the_score() -> None:
    stated = [StatedFinding(kind="grain", box=[0, 0, 500, 500])]
    severities = [
        located(QUALITY, stated, expected_level(level, {}), SIZE, SIZE, "relative-1000").findings[0].severity
        for level in (1, 2, 3, 4)
    ]
    assert severities == [1.0, 0.75, 0.5, 0.25]
    assert located(QUALITY, stated, expected_level(5, {}), SIZE, SIZE, "relative-1000") == ([], 0, 1)


def test_one_defect_that_two_rubrics_report_is_one_finding() -> None:
    one = finding("grain", severity=0.5)
    other = Finding("grain", Box(12, 10, 60, 40), 48, "px", 0.8, "seen", {"rubric": "background"})
    apart = Finding("grain", Box(200, 10, 260, 40), 60, "px", 0.1, "seen", {"rubric": "quality"})
    kept = merged([one, other, apart])
    assert [f.severity for f in kept] == [0.8, 0.1]
    assert kept[0].evidence["also"] == ["text"]


def test_findings_get_the_target_they_are_about() -> None:
    texts = {0: Box(0, 0, 30, 30), 1: Box(30, 0, 90, 30)}
    assert with_target(finding("typo"), texts).target == "text:1"
    assert with_target(finding("grain"), texts).target == "background"
    assert with_target(finding("blur"), texts).target == ""
    assert with_target(finding("typo", Box(300, 300, 310, 310)), texts).target == ""


def test_a_cut_out_is_native_pixels_with_a_margin() -> None:
    pixels = np.arange(100 * 200 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 200, 3)
    part = crop(pixels, Box(40, 40, 120, 80))
    assert np.array_equal(part, pixels[30:90, 30:130])
    assert crop(pixels, Box(0, 0, 4, 4)).shape[:2] == (18, 18)
    assert crop(pixels, Box(198, 98, 200, 100)).size


def test_what_is_sent_depends_on_the_pixels_alone() -> None:
    clean = picture("poster").pixels
    assert sent_image(clean).sha256 == sent_image(clean.copy()).sha256
    assert (sent_image(clean).width, sent_image(clean).height) == (128, 128)


# ------------------------------------------------------------------------------------------------------- instruments


def test_the_grain_instrument_confirms_and_refutes() -> None:
    clean = picture("poster").pixels
    assert uneven("grain", grainy_pixels(clean), GRAIN_PATCH).opinion == "confirmed"
    assert uneven("grain", clean, GRAIN_PATCH).opinion == "refuted"


def test_a_cast_needs_a_declared_color() -> None:
    clean = picture("poster").pixels
    assert uneven("cast", clean, GRAIN_PATCH).opinion == "silent"
    assert uneven("cast", clean, GRAIN_PATCH, [(247, 247, 245)]).opinion == "refuted"
    assert uneven("cast", clean, GRAIN_PATCH, [(247, 225, 225)]).opinion == "confirmed"


def test_the_grain_instrument_is_silent_where_something_is_drawn() -> None:
    assert uneven("grain", picture("poster").pixels, Box(84, 84, 90, 90)).opinion == "silent"


@pytest.mark.parametrize(
    ("kind", "read", "word"),
    [
        ("typo", "OCKAN", "confirmed"),
        ("typo", "ocean", "refuted"),
        ("typo", "", "silent"),
        ("missing-text", "OCEAN", "refuted"),
        ("missing-text", "", "confirmed"),
        ("missing-text", "OCKAN", "silent"),
        ("extra-text", "FREE", "confirmed"),
        ("extra-text", "OCEAN", "refuted"),
        ("malformed", "OCEAN", "silent"),
        ("duplicate-text", "OCEAN OCEAN", "silent"),
        ("typo", "● OCEAN", "refuted"),  # a circle
        ("extra-text", "● OCEAN", "refuted"),
        ("typo", "●", "silent"),
        ("missing-text", "●", "confirmed"),
        ("extra-text", "O", "silent"),
        ("typo", "CEAN", "silent"),  # the box may have cut it off
    ],
)
def test_the_text_at_a_place_confirms_or_refutes(kind: str, read: str, word: str) -> None:
    assert compare(kind, read, ["OCEAN"]) == word


class FakeReader:
    """A fake reader that reads the same line from every picture."""

    def __init__(self, text: str, confidence: float = 0.9) -> None:
        self.text, self.confidence, self.shapes, self.closed = text, confidence, [], False

    def read(self, pixels):
        self.shapes.append(pixels.shape)
        corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))
        return [Line(self.text, self.confidence, corners, (Word(self.text, Box(0, 0, 9, 9)),))]

    def close(self) -> None:
        self.closed = True


def test_text_is_read_on_the_cut_out_alone() -> None:
    reader = FakeReader("OCEAN")
    checked = Instruments(reader=reader).check(finding("typo"), picture("poster").pixels, CASE)
    assert checked.evidence["instrument"] == "refuted"
    assert checked.severity < 0.1
    assert "refutes" in checked.message
    assert reader.shapes[0][0] < 250


def test_a_confirmed_finding_keeps_its_severity() -> None:
    checked = Instruments(reader=FakeReader("OCKAN")).check(finding("typo"), picture("poster").pixels, CASE)
    assert (checked.evidence["instrument"], checked.severity) == ("confirmed", 0.5)
    assert checked.evidence["text_seen"] == "OCKAN"


def test_an_unsure_reader_is_silent() -> None:
    reader = FakeReader("OCKAN", confidence=0.4)
    checked = Instruments(reader=reader).check(finding("typo"), picture("poster").pixels, CASE)
    assert (checked.evidence["instrument"], checked.evidence["text_seen"]) == ("silent", "OCKAN")


def test_reading_can_be_switched_off() -> None:
    reader = FakeReader("OCEAN")
    checked = Instruments(read=False, reader=reader).check(finding("typo"), picture("poster").pixels, CASE)
    assert checked.evidence["instrument"] == "silent"
    assert not reader.shapes


def test_other_kinds_of_findings_are_not_checked() -> None:
    assert (
        Instruments(read=False).check(finding("blur"), picture("poster").pixels, CASE).evidence["instrument"]
        == "silent"
    )


def test_the_real_reader_reads_the_controls() -> None:
    box = Box(0, 0, 128, 128)  # with the circle, which is read as a symbol
    with_reader = Instruments()
    wrong = with_reader.check(finding("typo", box), picture("misspelled").pixels, CASE)
    right = with_reader.check(finding("typo", box), picture("poster").pixels, CASE)
    with_reader.close()
    assert (wrong.evidence["instrument"], right.evidence["instrument"]) == ("confirmed", "refuted")


def test_a_text_is_found_by_its_words_even_if_misspelled() -> None:
    read = [Word("BIG", Box(10, 0, 40, 20)), Word("SAIE", Box(50, 0, 90, 20)), Word("now", Box(200, 90, 240, 99))]
    assert where_read(read, {0: "Big sale", 2: "NOW!", 3: "OCEAN", 4: "big ocean liner"}) == {
        0: Box(10, 0, 90, 20),
        2: Box(200, 90, 240, 99),
    }
    assert where_read([], {0: "Big sale"}) == {}


def test_the_real_reader_finds_a_text_without_a_declared_box() -> None:
    image = Image.new("RGB", (512, 384), (240, 240, 230))
    ImageDraw.Draw(image).text((260, 250), "HARVEST", font=ImageFont.load_default(size=36), fill=(20, 30, 70))
    instruments = Instruments()
    (box,) = instruments.places(np.asarray(image), {3: "Harvest"}).values()
    assert instruments.places(np.asarray(image), {}) == {}
    instruments.close()
    assert 250 < box.x0 < 266
    assert 245 < box.y0 < 275
    assert box.x1 < 470
    assert Instruments(read=False).places(np.asarray(image), {3: "Harvest"}) == {}
