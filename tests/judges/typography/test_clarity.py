"""Clarity measures how letters are drawn; fidelity measures which letters they are."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Picture
from evalkit.api.records import Verdict
from evalkit.judges.typography.judge import TypographyJudge
from tests.judges.typography.conftest import case_of, drawn


def value(verdict: Verdict, dimension: str) -> float:
    score = verdict.score(f"typography.{dimension}")
    assert score is not None
    assert score.value is not None
    return score.value


def smeared(picture: Picture, box: tuple[int, int, int, int], sigma: float) -> Picture:
    import cv2

    x0, y0, x1, y1 = box
    pixels = np.array(picture.pixels)
    pixels[y0:y1, x0:x1] = cv2.GaussianBlur(pixels, (0, 0), sigma)[y0:y1, x0:x1]
    return Picture.from_pixels(pixels)


def test_clean_text_is_clear(paddle_judge: TypographyJudge) -> None:
    verdict = paddle_judge.judge(drawn("FRESH BREAD", "Open daily"), case_of("Fresh bread", "Open daily"), None)
    assert value(verdict, "clarity") > 0.95
    assert value(verdict, "fidelity") > 0.99


def test_a_smeared_letter_lowers_clarity_and_leaves_what_is_written(paddle_judge: TypographyJudge) -> None:
    clean, case = drawn("FRESH BREAD", "Open daily"), case_of("Fresh bread", "Open daily")
    harmed = smeared(clean, (32, 64, 56, 112), 4.0)  # the F
    verdict = paddle_judge.judge(harmed, case, None)
    assert value(verdict, "word_accuracy") == 1.0
    assert value(verdict, "clarity") < value(paddle_judge.judge(clean, case, None), "clarity") - 0.1
    [finding] = verdict.findings
    assert (finding.kind, finding.evidence["expected"]) == ("malformed", "Fresh")


def test_text_that_is_soft_all_over_is_a_style_and_no_damage(paddle_judge: TypographyJudge) -> None:
    soft = smeared(drawn("FRESH BREAD"), (0, 0, 512, 512), 2.0)
    verdict = paddle_judge.judge(soft, case_of("Fresh bread"), None)
    assert value(verdict, "clarity") > 0.9
    assert not verdict.findings
