"""Calibration of the real reader on drawn text: known good, known bad."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.api.pictures import Picture
from evalkit.api.records import Box
from evalkit.judges.typography.judge import TypographyJudge
from evalkit.judges.typography.reader import Recognition, to_line
from evalkit.judges.typography.ribbon import from_outline
from tests.judges.typography.conftest import case_of, drawn
from tests.judges.typography.drawing import capitals, on_circle

UPRIGHT = np.array([[100, 50], [300, 50], [300, 80], [100, 80]], dtype=np.float32)


def test_words_get_the_part_of_the_line_their_letters_stand_in() -> None:
    places = tuple((i + 0.5) / 8 for i in range(8))
    line = to_line(Recognition("ab  cdef", places, 0.9), from_outline(UPRIGHT))
    assert line is not None
    assert line.text == "ab cdef"
    assert [word.box for word in line.words] == [Box(100, 50, 150, 80), Box(200, 50, 300, 80)]


def test_on_a_slanted_line_word_boxes_follow_the_slant() -> None:
    slanted = np.array([[0, 100], [200, 0], [215, 30], [15, 130]], dtype=np.float32)
    line = to_line(Recognition("ab cd", (0.1, 0.3, 0.5, 0.7, 0.9), 0.9), from_outline(slanted))
    assert line is not None
    first, last = line.words[0].box, line.words[1].box
    assert first.y0 > last.y0 + 40
    assert first.x1 <= 110


def test_a_vertical_line_runs_up_or_down() -> None:
    tall = from_outline(np.array([[0, 0], [20, 0], [20, 100], [0, 100]], dtype=np.float32))
    read = Recognition("ab cd", (0.1, 0.3, 0.5, 0.7, 0.9), 0.9)
    down, up = to_line(read, tall), to_line(read, tall.turned())
    assert down is not None
    assert up is not None
    assert down.words[0].box.y1 < down.words[1].box.y0
    assert up.words[0].box.y0 > up.words[1].box.y1
    assert tall.crop(np.zeros((100, 20, 3), np.uint8)).shape[:2] == (20, 100)


def test_a_line_of_nothing_is_no_line() -> None:
    assert to_line(Recognition("", (), 0.0), from_outline(UPRIGHT)) is None
    assert to_line(Recognition("  ", (0.2, 0.4), 0.5), from_outline(UPRIGHT)) is None


@pytest.mark.parametrize(
    ("lines", "size", "side"),
    [
        (("FRESH BREAD", "Open daily, 9:00"), 40, 512),
        (("Tom & Jerry's", "50% off"), 36, 512),
        (("small print",), 11, 128),
    ],
)
def test_clean_text_is_all_right(paddle_judge: TypographyJudge, lines: tuple[str, ...], size: int, side: int) -> None:
    verdict = paddle_judge.judge(drawn(*lines, size=size, side=side), case_of(*lines, side=side), None)
    assert [score.value for score in verdict.scores[:8]] == [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    assert not verdict.findings


@pytest.mark.parametrize(
    ("asked", "shown", "wrong"),
    [
        ("FRESH BREAD", "FRESH BRAED", "BREAD"),
        ("Open daily", "Open daiily", "daily"),
        ("Our Planet", "your Planet", "Our"),
    ],
)
def test_a_misspelling_is_found_where_it_is(paddle_judge: TypographyJudge, asked: str, shown: str, wrong: str) -> None:
    from PIL import ImageFont

    [finding] = paddle_judge.judge(drawn(shown), case_of(asked), None).findings
    assert (finding.kind, finding.evidence["expected"]) == ("typo", wrong)
    font, at = ImageFont.load_default(size=40), asked.split().index(wrong)
    before, word = (font.getlength(text) for text in (" ".join([*shown.split()[:at], ""]), shown.split()[at]))
    assert finding.box.iou(Box(32 + before, 64, 32 + before + word, 64 + 46)) >= 0.5  # tolerance: half a line height


def test_missing_and_surplus_words_are_told_apart(paddle_judge: TypographyJudge) -> None:
    verdict = paddle_judge.judge(drawn("FRESH", "FRESH", "GARDEN"), case_of("Fresh Bread"), None)
    assert sorted(finding.kind for finding in verdict.findings) == ["duplicate-text", "extra-text", "missing-text"]


def test_small_capitals_of_the_mini_models_are_read(paddle_judge: TypographyJudge) -> None:
    lines = ["TEA", "COFFEE", "JUMPING", "OX", "QUARTZ", "WILD", "BACKFIRE", "VIOLET", "ZOOM", "HAYDN"]
    for pair in zip(lines[::2], lines[1::2], strict=True):
        verdict = paddle_judge.judge(capitals(list(pair)), case_of(*pair, side=128), None)
        assert [score.value for score in verdict.scores[:4]] == [1.0, 1.0, 1.0, 0.0]
        assert not verdict.findings
    verdict = paddle_judge.judge(capitals(["COFEEE"]), case_of("COFFEE", side=128), None)
    assert [finding.kind for finding in verdict.findings] == ["typo"]


@pytest.mark.parametrize(("asked", "shown"), [("Our Game", "your Game"), ("Open all day", "Open alll day")])
def test_a_word_inside_another_is_no_such_word(paddle_judge: TypographyJudge, asked: str, shown: str) -> None:
    verdict = paddle_judge.judge(drawn(shown), case_of(asked), None)
    assert [finding.kind for finding in verdict.findings] == ["typo"]
    assert verdict.findings[0].evidence["p_wrong"] > 0.9


def test_a_misspelling_on_a_circle_is_found(paddle_judge: TypographyJudge) -> None:
    picture = Picture.from_pixels(on_circle("FRESH BRAED AND GOOD COFFEE"))
    [finding] = paddle_judge.judge(picture, case_of("Fresh bread and good coffee"), None).findings
    assert (finding.kind, finding.evidence["expected"]) == ("typo", "bread")


def test_an_empty_picture_has_all_words_missing(paddle_judge: TypographyJudge) -> None:
    verdict = paddle_judge.judge(drawn(), case_of("Fresh Bread"), None)
    assert [score.value for score in verdict.scores[:4]] == [0.0, 0.0, 0.0, 0.0]


def test_reading_is_repeatable_and_silent(paddle_judge: TypographyJudge, capfd: pytest.CaptureFixture[str]) -> None:
    picture, case = drawn("FRESH BRAED"), case_of("Fresh Bread")
    assert paddle_judge.judge(picture, case, None) == paddle_judge.judge(picture, case, None)
    assert capfd.readouterr() == ("", "")


def test_the_controls_pass(paddle_judge: TypographyJudge) -> None:
    for control in paddle_judge.controls():
        verdict = paddle_judge.judge(control.picture, control.case, control.twin)
        assert control.passes(verdict), control.name
    clean, misspelled = paddle_judge.controls()
    assert not clean.passes(paddle_judge.judge(misspelled.picture, clean.case, None))
    assert not misspelled.passes(paddle_judge.judge(clean.picture, misspelled.case, None))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3000, 2), (17, 33)])
def test_absurd_shapes_are_read_as_empty(paddle_judge: TypographyJudge, shape: tuple[int, int]) -> None:
    picture = Picture.from_pixels(np.full((*shape, 3), 200, dtype=np.uint8))
    verdict = paddle_judge.judge(picture, case_of("Bread"), None)
    assert verdict.scores[0].value == 0.0
