from __future__ import annotations

import pytest

from evalkit.judges.typography.normalise import edit_distance, lenient, similarity, strict


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("Mama’s", "mamas"),
        ("ＦＵＬＬ", "full"),
        ("ﬁre", "fire"),
        ("Straße", "strasse"),
        ("$12.99", "1299"),
        ("café", "café"),
        ("cafe\u0301", "café"),
        ("新宿方面", "新宿方面"),
        ("7・8番線", "78番線"),
        ("&", "&"),
        ("×", "×"),
        ("-", ""),
        ("—", ""),
        ("/", ""),
        ("・", ""),
    ],
)
def test_lenient_keeps_letters_and_digits_and_lone_symbols(word: str, key: str) -> None:
    assert lenient(word) == key


def test_umlauts_and_accents_are_letters_of_their_own() -> None:
    assert lenient("Über") != lenient("Uber")


def test_strict_knows_one_quotation_mark_one_dash_and_one_space() -> None:
    assert strict("“Come  Together” — it’s") == '"Come Together" - it\'s'
    assert strict("Bakery!") != strict("Bakery")


@pytest.mark.parametrize(
    ("a", "b", "distance"), [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("bakery", "bakary", 1)]
)
def test_edit_distance_is_levenshteins(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == distance


def test_similarity_is_one_minus_ned() -> None:
    assert similarity("", "") == 1.0
    assert similarity("bakery", "bakary") == pytest.approx(5 / 6)
    assert similarity("abc", "xyz") == 0.0
