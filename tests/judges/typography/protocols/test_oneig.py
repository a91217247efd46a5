from __future__ import annotations

import pytest

from evalkit.judges.typography.protocols.oneig import oneig_clean, oneig_normalise, oneig_picture, oneig_score


def test_only_letters_digits_and_french_accents_are_kept() -> None:
    assert oneig_normalise("  $9.99 —  50% off,\nÑandú café! ") == "999 50 off and café"
    assert oneig_normalise("欢迎 光临 A 1！") == "欢迎光临A1"


def test_case_counts_and_so_does_order() -> None:
    assert oneig_picture("Fresh Bread", "fresh Bread") == (1, False, 1, 2)
    swapped = oneig_picture("Fresh Bread", "Bread Fresh")
    assert (swapped.matched, swapped.complete) == (2, False)
    assert swapped.edit_distance > 0


def test_spaces_are_letters_of_the_edit_distance() -> None:
    assert oneig_picture("Fresh Bread", "FreshBread").edit_distance == 1


def test_words_are_a_multiset_and_chinese_is_counted_by_character() -> None:
    assert oneig_picture("go go go", "go go").matched == 2
    assert oneig_picture("欢迎光临", "光临欢欢") == (4, False, 3, 4)


def test_both_things_the_reader_says_of_itself_are_removed() -> None:
    assert oneig_clean("addCriterion\nHello No text recognized.").strip() == "Hello"
    assert oneig_picture("Hello", "addCriterion\nHello").complete


def test_the_score_by_hand() -> None:
    pictures = [oneig_picture("Fresh Bread", "Fresh Bread"), oneig_picture("Open Daily", "Open Dairy")]
    ed, cr, wac, text = oneig_score(pictures)
    assert (ed, cr, wac) == (0.5, 0.5, 0.75)
    assert text == pytest.approx(1 - 0.5 * 0.5 * 0.25 / 100)
    assert oneig_score(pictures, "zh").text == pytest.approx(1 - 0.5 * 0.5 * 0.25 / 50)


def test_the_edit_distance_saturates_and_one_factor_at_its_best_hides_the_others() -> None:
    assert oneig_score([oneig_picture("a" * 300, "")]).text == 0.0
    assert oneig_score([oneig_picture("Fresh Bread", "Bread Fresh" + " x" * 200)]).text == 1.0


def test_no_text_has_no_score() -> None:
    with pytest.raises(ValueError, match="no expected word"):
        oneig_score([oneig_picture("!!", "x")])
