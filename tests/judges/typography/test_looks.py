from __future__ import annotations

from evalkit.judges.typography.looks import agree, in_reading_order, read_words
from evalkit.judges.typography.match import MatchStatus, match
from tests.judges.typography.conftest import line_at, read


def test_lines_side_by_side_are_read_from_left_to_right() -> None:
    left, right, below = line_at("left", 0), line_at("right side", 0), line_at("below", 1)
    moved = type(right)(right.text, 1.0, tuple((x + 300, y + 8) for x, y in right.polygon), right.words)
    assert [line.text for line in in_reading_order([below, moved, left])] == ["left", "right side", "below"]
    assert [word.line for word in read_words([below, left])] == [0, 1]


def test_a_word_right_in_one_look_is_right() -> None:
    first = match(["Fresh Bread"], read("Fresh Braad"))
    second = match(["Fresh Bread"], read("Fresn Bread"))
    agreed = agree(first, second)
    assert [word.status for word in agreed.words] == [MatchStatus.CORRECT, MatchStatus.CORRECT]
    assert not agreed.extras


def test_a_word_wrong_in_both_looks_stays_wrong_as_first_read() -> None:
    agreed = agree(match(["Bread"], read("Braad")), match(["Bread"], read("Brood")))
    assert [(word.status, word.read) for word in agreed.words] == [(MatchStatus.TYPO, "Braad")]


def test_a_word_found_later_is_not_missing() -> None:
    agreed = agree(match(["Fresh Bread"], read("Fresh")), match(["Fresh Bread"], read("Fresh", "Braad")))
    assert [(word.status, word.read) for word in agreed.words] == [
        (MatchStatus.CORRECT, "Fresh"),
        (MatchStatus.TYPO, "Braad"),
    ]


def test_what_the_first_look_took_for_the_word_becomes_extra() -> None:
    first = match(["Bread"], read("Broad"))
    second = match(["Bread"], read("Broad", "Bread"))
    agreed = agree(first, second)
    assert agreed.words[0].status is MatchStatus.CORRECT
    assert [extra.read for extra in agreed.extras] == ["Broad"]


def test_one_drawn_word_is_never_counted_for_two_expected_ones() -> None:
    first = match(["Bread Bread"], read("Bread"))
    wrong_second = match(["Bread Bread"], [*read("Bread"), *read("Bread")])
    assert [word.status for word in agree(first, wrong_second).words].count(MatchStatus.MISSING) == 1
