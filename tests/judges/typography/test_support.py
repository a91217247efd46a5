"""The second opinion: words count as right, wrong or undecided by the reader's own probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from evalkit.api.records import Status as ScoreStatus
from evalkit.judges.typography.ctc import decode
from evalkit.judges.typography.judge import TypographyJudge
from evalkit.judges.typography.match import MatchStatus
from evalkit.judges.typography.reader import Line, Recognition, to_line
from evalkit.judges.typography.ribbon import Ribbon
from evalkit.judges.typography.support import p_wrong
from tests.judges.typography.conftest import FakeReader, blank, case_of
from tests.judges.typography.test_ctc import strip


def seen(
    text: str,
    row: int = 0,
    *,
    curved: bool = False,
    confidence: float | None = None,
    doubt: float = 0.55,
    **rivals: str,
) -> Line:
    """A line as a reader with evidence sees it: 10 px a letter."""
    evidence = strip(text, doubt=doubt, **rivals)
    x = np.linspace(20, 20 + 10 * len(text), 5 if curved else 2)
    top, bottom = (np.stack([x, np.full(len(x), y)], axis=1).astype(np.float32) for y in (40 * row, 40 * row + 30))
    letters = decode(evidence)
    sure = float(np.mean([letter.p for letter in letters])) if confidence is None else confidence
    read = Recognition(
        "".join(n.character for n in letters), tuple(n.place for n in letters), sure, tuple(n.p for n in letters)
    )
    line = to_line(read, Ribbon(top, bottom), evidence)
    assert line is not None
    return line


class DoubtfulReader(FakeReader):
    """Reads its lines, and other lines when asked to look again."""

    def __init__(self, lines: Sequence[Line], again: Sequence[Line] = ()) -> None:
        super().__init__(list(lines))
        self._again = list(again)
        self.asked: list[str] = []

    def again(self, pixels: object, line: Line) -> list[Line]:
        self.asked.append(line.text)
        return self._again


def verdict(reader: FakeReader, *texts: str) -> dict[str, tuple[str, str | None]]:
    judged = TypographyJudge(TypographyJudge.Settings(looks=(1.0,)), reader).judge(blank(), case_of(*texts), None)
    return {w["expected"]: (w["status"], w.get("reason")) for w in judged.evidence["words"] if w["expected"]}


def test_p_wrong_falls_from_one_lapse_rate_to_the_other() -> None:
    values = [p_wrong(cost) for cost in (-1e9, -4.0, -1.5, -1.0, 0.0)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(0.98)
    assert values[-1] < 0.01


def test_a_word_the_reader_nearly_read_is_upheld() -> None:
    reader = DoubtfulReader([seen("FRESH BRXAD", at8="E")], [seen("FRESH BREAD")] * 3)
    assert verdict(reader, "Fresh Bread") == {"Fresh": ("correct", None), "Bread": ("correct", None)}
    assert reader.asked == ["FRESH BRXAD"]


def test_a_word_that_stays_wrong_when_looked_at_again_is_wrong() -> None:
    reader = DoubtfulReader([seen("FRESH BRXAD", at8="E")], [seen("FRESH BRXAD")] * 3)
    assert verdict(reader, "Fresh Bread")["Bread"][0] in {"typo", "malformed"}


def test_a_word_that_is_plainly_wrong_is_not_looked_at_again() -> None:
    reader = DoubtfulReader([seen("FRESH BRXAD")])
    assert verdict(reader, "Fresh Bread")["Bread"] == ("typo", None)
    assert not reader.asked


def test_between_the_two_the_reader_is_unsure_and_says_why() -> None:
    reader = DoubtfulReader([seen("FRESH BRXAD", at8="E", doubt=0.62)])
    status, reason = verdict(reader, "Fresh Bread")["Bread"]
    assert status == "unsure"
    assert reason == "the reader is torn between “E” and “X”"


def test_unsure_words_count_for_nothing_and_leave_exactness_open() -> None:
    reader = DoubtfulReader([seen("FRESH"), seen("ZZZ QQQ", 1, curved=True, confidence=0.5)])
    judge = TypographyJudge(TypographyJudge.Settings(looks=(1.0,), extra_confidence=0.9), reader)
    judged = judge.judge(blank(), case_of("Fresh bread"), None)
    words = {w["expected"]: w for w in judged.evidence["words"] if w["expected"]}
    assert words["bread"]["status"] == MatchStatus.UNSURE
    assert "curve" in words["bread"]["reason"]
    scores = {score.dimension.removeprefix("typography."): score for score in judged.scores}
    assert scores["word_accuracy"].value == 1.0
    assert scores["exact"].status is ScoreStatus.UNSCORED
    assert "unsure of 1 word" in scores["exact"].reason
    assert not [finding for finding in judged.findings if finding.kind == "missing-text"]


def test_a_wrong_word_says_which_glyph_and_where() -> None:
    judge = TypographyJudge(TypographyJudge.Settings(looks=(1.0,)), DoubtfulReader([seen("FRESH BRDAD", at8="E")]))
    judged = judge.judge(blank(), case_of("Fresh Bread"), None)
    [glyph] = [row for row in judged.evidence["glyphs"] if row["margin"] < 0]
    assert (glyph["word"], glyph["glyph"].upper(), glyph["looks_like"]) == ("Bread", "E", "D")
    x0, _, x1, _ = glyph["box"]
    assert 90 <= x0 < x1 <= 122


def test_a_wrong_word_with_a_glyph_that_is_no_character_is_malformed() -> None:
    assert verdict(DoubtfulReader([seen("FRESH BRXAD", at8="D", doubt=0.5)]), "Fresh Bread")["Bread"][0] == "malformed"
    assert verdict(DoubtfulReader([seen("TOKY新")]), "Tokyo")["Tokyo"][0] == "malformed"


def test_evidence_elsewhere_upholds_no_word_that_stands_misspelled() -> None:
    # "art" would fit into "smart", which another word needs
    reader = DoubtfulReader([seen("SMART ARC")])
    assert verdict(reader, "Smart art")["art"] == ("typo", None)
