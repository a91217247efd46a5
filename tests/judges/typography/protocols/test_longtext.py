from __future__ import annotations

import pytest

from evalkit.judges.typography.protocols.longtext import (
    longtext_clean,
    longtext_normalise,
    longtext_picture,
    longtext_score,
)


def test_english_is_lower_cased_and_chinese_is_not() -> None:
    assert longtext_normalise("Fresh  BREAD, $9.99!") == "fresh bread 999"
    assert longtext_normalise("欢迎 Abc 光临。", "zh") == "欢迎Abc光临"


def test_prices_and_foreign_letters_are_invisible() -> None:
    assert longtext_picture("$9.99 50% off", "999 50 off") == (3, 3)
    assert longtext_picture("Ñandú", "and") == (1, 1)


def test_it_is_recall_only_whatever_the_order() -> None:
    assert longtext_picture("one two three", "three two one one one gibberish") == (3, 3)
    assert longtext_picture("go go", "go") == (1, 2)


def test_chinese_is_counted_by_character() -> None:
    assert longtext_picture("欢迎光临", "光 临 欢", "zh") == (3, 4)


def test_only_the_last_keyword_is_removed() -> None:
    assert longtext_clean("addCriterion Hello No text recognized.") == "addCriterion Hello "
    assert longtext_picture("No text", "No text recognized.") == (0, 2)
    assert longtext_picture("addCriterion", "addCriterion") == (1, 1)


def test_pictures_are_summed_before_dividing() -> None:
    pictures = [longtext_picture("one", ""), longtext_picture("a b c d e f g h i", "a b c d e f g h i")]
    assert longtext_score(pictures) == 0.9


def test_no_text_has_no_score() -> None:
    for pictures in ([], [longtext_picture("", "x")]):
        with pytest.raises(ValueError, match="no expected word"):
            longtext_score(pictures)
