from __future__ import annotations

import pytest

from evalkit.judges.typography.match import Matching, MatchStatus, match, split_like
from evalkit.judges.typography.measures import measure
from tests.judges.typography.conftest import read


def statuses(matching: Matching) -> list[str]:
    return [word.status.value for word in matching.words]


def test_perfect_text_is_all_right() -> None:
    matching = match(["Fresh Bread", "Open daily"], read("FRESH BREAD", "Open daily"))
    assert statuses(matching) == ["correct"] * 4
    assert [word.target for word in matching.words] == [0, 0, 1, 1]
    measures = measure(matching)
    assert measures is not None
    assert measures[:4] == (1.0, 1.0, 1.0, 0)


@pytest.mark.parametrize("n", [1, 3, 10])
def test_one_substitution_in_n_words_costs_exactly_one_nth(n: int) -> None:
    words = [f"word{chr(97 + i) * 3}" for i in range(n)]
    drawn = [*words[:-1], words[-1].replace("o", "x")]
    measures = measure(match([" ".join(words)], read(" ".join(drawn))))
    assert measures is not None
    assert measures.word_accuracy == pytest.approx((n - 1) / n)
    assert measures.ned == pytest.approx(1 - 1 / 7 / n)
    assert measures.exact == 0.0


def test_a_missing_word_is_missing_and_has_no_box() -> None:
    matching = match(["Fresh Bread Daily"], read("FRESH DAILY"))
    assert statuses(matching) == ["correct", "missing", "correct"]
    assert matching.words[1].box is None
    assert not matching.extras


def test_a_duplicate_costs_no_accuracy_but_is_one_extra_word() -> None:
    matching = match(["Fresh Bread"], read("FRESH BREAD", "BREAD"))
    assert statuses(matching) == ["correct", "duplicate"]
    measures = measure(matching)
    assert measures is not None
    assert (measures.word_accuracy, measures.ned, measures.extra_words) == (1.0, 1.0, 1)
    assert matching.extras[0].status is MatchStatus.DUPLICATE
    assert matching.extras[0].box == read("FRESH BREAD", "BREAD")[2].box


def test_unasked_words_are_extra_unless_the_reader_doubts_them() -> None:
    doubtful = [*read("FRESH BREAD"), *read("", "", "smudge", confidence=0.3)]
    assert [extra.read for extra in match(["Fresh Bread"], doubtful).extras] == ["smudge"]
    assert not match(["Fresh Bread"], doubtful, extra_confidence=0.5).extras


def test_a_line_of_one_letter_is_an_icon_but_a_stray_letter_in_a_line_is_extra() -> None:
    assert not match(["Fresh Bread"], read("FRESH BREAD", "O")).extras
    assert [extra.read for extra in match(["To Kyoto"], read("T To Kyoto")).extras] == ["T"]
    assert [extra.read for extra in match(["Fresh"], read("FRESH", "新")).extras] == ["新"]


def test_two_words_read_as_one_are_cut_and_share_its_box() -> None:
    matching = match(["Hello World again"], read("HELLOWORLD again"))
    assert statuses(matching) == ["correct"] * 3
    first, second = matching.words[0].box, matching.words[1].box
    assert first is not None
    assert second is not None
    assert (first.x0, first.x1, second.x0, second.x1) == (0, 50, 50, 100)


def test_a_typo_in_glued_words_falls_on_the_right_word() -> None:
    matching = match(["National Park"], read("NATlONALBARK"))
    assert [(w.status.value, w.read) for w in matching.words] == [("typo", "NATlONAL"), ("typo", "BARK")]


def test_a_symbol_glued_to_a_word_is_a_word_of_its_own() -> None:
    assert statuses(match(["Bread & Cakes"], read("BREAD &CAKES"))) == ["correct"] * 3
    assert statuses(match(["Bread & Cakes"], read("BREAD& CAKES"))) == ["correct"] * 3
    assert statuses(match(["Bread & Cakes"], read("BREAD CAKES"))) == ["correct", "missing", "correct"]


def test_one_symbol_for_another_is_no_misspelling() -> None:
    matching = match(["Beatles \u2117 1969"], read("BEATLES \u00a9 1969"))
    assert statuses(matching) == ["correct", "punctuation", "correct"]


def test_an_exact_word_and_a_worse_one_rather_than_two_near_misses() -> None:
    matching = match(["Platforms", "Platform"], read("Platforns", "Platforms"))
    assert [(word.expected, word.read) for word in matching.words] == [
        ("Platforms", "Platforms"),
        ("Platform", "Platforns"),
    ]


def test_a_short_word_among_other_text_is_no_copy() -> None:
    matching = match(["the degree of Master"], read("the degree of Master", "Dean of School"))
    assert statuses(matching) == ["correct"] * 4
    assert {extra.status for extra in matching.extras} == {MatchStatus.EXTRA}
    assert "duplicate" in statuses(match(["Harvard University"], read("Harvard University", "Harvard University xyz")))


@pytest.mark.parametrize("icon", ["111", "O-O", "11)", '"ll'])
def test_bars_and_rings_are_no_text(icon: str) -> None:
    assert not match(["Fresh"], read("Fresh", icon)).extras
    assert match(["Fresh"], read("Fresh", f"{icon}x")).extras


def test_separators_between_glued_words_belong_to_none() -> None:
    assert [w.read for w in match(["Open 9am - 6pm"], read("Open 9am-6pm")).words] == ["Open", "9am", None, "6pm"]


def test_a_word_read_in_pieces_is_joined() -> None:
    matching = match(["Bakery open"], read("BAK ERY open"))
    assert statuses(matching) == ["correct", "correct"]
    box = matching.words[0].box
    assert box is not None
    assert (box.x0, box.x1) == (0, 70)


def test_expected_words_are_never_joined_away() -> None:
    assert statuses(match(["every day everyday"], read("every day", "everyday"))) == ["correct"] * 3


def test_a_word_broken_over_two_lines_is_joined_only_if_exact() -> None:
    assert statuses(match(["欢迎光临"], read("欢迎", "光临"))) == ["correct"]
    assert statuses(match(["Bakery"], read("BAK", "ARY"))) == ["typo"]


def test_repeated_words_stand_for_each_other_in_order() -> None:
    matching = match(["Platform 7 Platform 8"], read("Platform 7", "Platforn 8"))
    assert [(w.status.value, w.read) for w in matching.words] == [
        ("correct", "Platform"),
        ("correct", "7"),
        ("typo", "Platforn"),
        ("correct", "8"),
    ]


def test_of_two_equal_words_the_one_beside_its_neighbour_is_meant() -> None:
    lines = read("8,000 ft", "ELEVATION: 8,000 ft.")
    matching = match(["Park ELEVATION: 8,000 ft"], lines)
    assert matching.words[2].box == lines[3].box
    assert [extra.box for extra in matching.extras] == [lines[0].box, lines[1].box]


def test_inside_another_word_is_not_there() -> None:
    matching = match(["Save Our Planet"], read("Save your planet"))
    assert (matching.words[1].status, matching.words[1].read) == (MatchStatus.TYPO, "your")


def test_punctuation_alone_is_no_alarm_but_not_exact() -> None:
    matching = match(["Special: Soup"], read("Special Soup"))
    assert statuses(matching) == ["punctuation", "correct"]
    measures = measure(matching)
    assert measures is not None
    assert (measures.word_accuracy, measures.exact) == (1.0, 0.0)


def test_lone_separators_count_for_nothing_but_symbols_do() -> None:
    measures = measure(match(["Bread - Cakes"], read("Bread", "Cakes")))
    assert measures is not None
    assert (measures.word_accuracy, measures.exact) == (1.0, 1.0)
    assert statuses(match(["Bread & Cakes"], read("Bread", "Cakes"))) == ["correct", "missing", "correct"]


def test_nothing_read_is_all_missing() -> None:
    matching = match(["Fresh Bread"], [])
    assert statuses(matching) == ["missing", "missing"]
    measures = measure(matching)
    assert measures is not None
    assert (*measures[:4], measures.cer) == (0.0, 0.0, 0.0, 0, 1.0)


def test_nothing_to_read_has_no_measure() -> None:
    assert measure(match(["—"], read("Bread"))) is None


def test_cjk_words_are_compared_by_character() -> None:
    matching = match(["東京駅 新宿方面"], read("東京駅", "新新方面"))
    assert statuses(matching) == ["correct", "typo"]
    assert matching.words[1].distance == 1


def test_unlike_words_are_missing_and_extra_not_a_typo() -> None:
    matching = match(["Bakery"], read("Zoo"))
    assert statuses(matching) == ["missing"]
    assert [extra.read for extra in matching.extras] == ["Zoo"]


def test_long_texts_are_matched() -> None:
    text = " ".join(f"word{i:03d}" for i in range(150))
    assert statuses(match([text], read(*[text] * 2)))[0] == "duplicate"


@pytest.mark.parametrize(
    ("text", "keys", "pieces"),
    [
        ("helloworld", ["hello", "world"], ["hello", "world"]),
        ("helo-world", ["hello", "world"], ["helo", "-world"]),
        ("abc", ["a", "b", "c"], ["a", "b", "c"]),
    ],
)
def test_split_like_cuts_where_it_costs_least(text: str, keys: list[str], pieces: list[str]) -> None:
    assert split_like(text, keys) == pieces


def test_figures_of_several_texts_read_as_one_word_are_cut_only_where_they_fit() -> None:
    texts = ["90%", "48%", "75%"]
    assert [word.status for word in match(texts, read("90%48%75%")).words] == [MatchStatus.CORRECT] * 3
    assert not all(word.right for word in match(texts, read("90%43%75%")).words)
