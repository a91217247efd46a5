from __future__ import annotations

from tests.bench.breakdown import by_height, by_length, by_regions, rows, word_accuracy_by


def word(expected: str, status: str, height: float | None = 20.0) -> dict[str, object]:
    return {"expected": expected, "status": status} | ({"height": height} if height is not None else {})


EVIDENCE = {
    "regions": 4,
    "words": [
        word("of", "correct", 12.0),
        word("bread", "typo", 16.4),
        word("-", "punctuation"),
        word("chocolate", "unsure"),
        word("daily", "missing", None),
        {"expected": None, "status": "extra"},
    ],
}


def test_right_and_all_words_by_length() -> None:
    assert word_accuracy_by(rows(EVIDENCE), by_length) == {"  0-2 letters": (1, 1), "  3-5 letters": (0, 2)}


def test_by_height_a_word_that_was_not_seen_has_none() -> None:
    assert word_accuracy_by(rows(EVIDENCE), by_height) == {"  0-16 px": (1, 2), "not seen": (0, 1)}


def test_by_number_of_lines() -> None:
    assert word_accuracy_by(rows(EVIDENCE), by_regions) == {"  4-8 lines": (1, 3)}
