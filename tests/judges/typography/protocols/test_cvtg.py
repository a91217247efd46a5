from __future__ import annotations

import pytest

from evalkit.judges.typography.protocols.cvtg import cvtg_picture, cvtg_score, cvtg_words


def test_words_are_those_between_single_quotes() -> None:
    assert cvtg_words("A shop, 'Fresh Bread' on its sign and 'OPEN' below") == ["fresh", "bread", "open"]
    assert cvtg_words('A shop, "Fresh"') == []


def test_one_hit_credits_every_repeat() -> None:
    assert cvtg_picture("'go go go'", "GO").found == 3


def test_punctuation_stays() -> None:
    picture = cvtg_picture("'SALE!'", "SALE")
    assert picture.found == 0
    assert list(picture.similarities) == pytest.approx([1 - 1 / (5 + 1e-5)])


def test_similarity_is_to_the_closest_word_even_if_taken() -> None:
    picture = cvtg_picture("'bread break'", "bread")
    assert (picture.expected, picture.found) == (2, 1)
    assert picture.similarities[1] == pytest.approx(1 - 1 / (5 + 1e-5))


def test_closest_is_difflibs_closest_not_the_one_with_the_least_edits() -> None:
    # `cb` is one edit away, `xaxbx` three, but shares more letters
    assert list(cvtg_picture("'ab'", "cb xaxbx").similarities) == pytest.approx([1 - 3 / (5 + 1e-5)])


def test_nothing_read_is_one_empty_word() -> None:
    assert list(cvtg_picture("'bread'", " ").similarities) == pytest.approx([1 - 5 / (5 + 1e-5)])


def test_a_perfect_word_is_exactly_one() -> None:
    assert cvtg_score([cvtg_picture("'Fresh Bread'", "bread\nFRESH")]) == (1.0, 1.0)


def test_both_are_means_over_words_not_over_pictures() -> None:
    score = cvtg_score([cvtg_picture("'a'", "x"), cvtg_picture("'b c d'", "b c d")])
    assert score.word_accuracy == 0.75
    assert score.ned == pytest.approx((1 - 1 / (1 + 1e-5) + 3) / 4)


def test_no_quotes_have_no_score() -> None:
    with pytest.raises(ValueError, match="no expected word"):
        cvtg_score([cvtg_picture("a shop", "shop")])
