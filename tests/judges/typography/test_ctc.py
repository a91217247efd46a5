"""Forced alignment on evidence made by hand: three frames a character, a blank after each."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.judges.typography.ctc import Evidence, align, decode, keep

ALPHABET = ("", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789É新宿駅日.,:'-&", " ")
SURE, DOUBT = 0.98, 0.55


def strip(text: str, *, doubt: float = DOUBT, **rivals: str) -> Evidence:
    """The output of a good reader for `text`. `at3="x"`: with probability 1 - `doubt`, character number 3 is an `x`."""
    frames = []
    for number, character in enumerate(text):
        rival = rivals.get(f"at{number}")
        chances = {character: SURE} if rival is None else {character: doubt, rival: 0.99 - doubt}
        frames += [chances, chances, chances, {"": SURE}]
    p = np.full((len(frames), len(ALPHABET)), 1e-6, np.float32)
    for row, chances in zip(p, frames, strict=True):
        for character, chance in chances.items():
            row[ALPHABET.index(character)] = chance
    return keep(p, 1.0, ALPHABET)


def costs(evidence: Evidence, *words: str) -> list[float | None]:
    return [None if found is None else found.cost for found in align(evidence, words)]


def test_what_was_seen_is_what_is_decoded() -> None:
    letters = decode(strip("ab c"))
    assert "".join(letter.character for letter in letters) == "ab c"
    assert [letter.place for letter in letters] == sorted(letter.place for letter in letters)
    assert letters[0].p == pytest.approx(SURE, abs=1e-3)


@pytest.mark.parametrize("text", ["bread", "BREAD", "Bread daily", "daily bread.", "'bread'", "新宿bread"])
def test_a_word_that_is_there_costs_nothing(text: str) -> None:
    assert costs(strip(text), "Bread") == [pytest.approx(0.0, abs=1e-3)]


@pytest.mark.parametrize(
    ("word", "drawn"),
    [
        ("our", "your"),
        ("game", "gamie"),
        ("all", "alll"),
        ("book", "boook"),
        ("boook", "book"),
        ("a", "an"),
        ("bread", "breads"),
        ("bread", "brxad"),
        ("89:45", "29:89:45"),
        ("7:8", "7:8日"),
        ("caf\u00c9", "cafe"),
    ],
)
def test_a_word_that_is_not_there_costs_much(word: str, drawn: str) -> None:
    [cost] = costs(strip(drawn), word)
    assert cost is not None
    assert cost < -6


def test_neighbours_of_one_text_may_run_together_and_marks_may_be_left_out() -> None:
    assert costs(strip("freshbread"), "fresh", "bread") == pytest.approx([0.0, 0.0], abs=1e-3)
    assert costs(strip("its"), "it's") == [pytest.approx(0.0, abs=1e-3)]
    assert costs(strip("it's"), "its") == [pytest.approx(0.0, abs=1e-3)]


def test_a_wrong_neighbour_costs_the_right_word_nothing() -> None:
    fresh, bread = costs(strip("frexh bread"), "fresh", "bread")
    assert fresh is not None
    assert fresh < -6
    assert bread == pytest.approx(0.0, abs=1e-3)


def test_the_margin_names_the_wrong_glyph_and_its_place() -> None:
    [found] = align(strip("brxad"), ["bread"])
    assert found is not None
    worst = min(found.letters, key=lambda letter: letter.margin)
    assert (found.letters.index(worst), worst.rival) == (2, "x")
    assert worst.margin < -6
    assert 0.4 < worst.place < 0.6
    assert all(letter.margin > 6 for letter in found.letters if letter is not worst)


def test_doubt_of_the_reader_costs_little() -> None:
    [cost] = costs(strip("brxad", at2="e"), "bread")
    assert cost is not None
    assert -2 < cost < -0.1
    [found] = align(strip("bread", at2="x"), ["bread"])
    assert found is not None
    assert 0 < found.letters[2].margin < 1


def test_what_nobody_can_tell_apart_is_the_same() -> None:
    assert costs(strip("5Oth Illinois"), "50th", "lIlinois") == pytest.approx([0.0, 0.0], abs=1e-3)


def test_an_accent_nobody_asked_for_counts_less() -> None:
    (accent,), (other,) = costs(strip("cafÉ"), "cafe"), costs(strip("cafx"), "cafe")
    assert accent is not None
    assert other is not None
    assert other < accent < -1


def test_ideographs_are_characters_of_their_own() -> None:
    assert costs(strip("新宿駅"), "新宿") == [pytest.approx(costs(strip("新宿駅"), "新宿")[0])]
    [found] = align(strip("新日駅"), ["新宿駅"])
    assert found is not None
    assert [letter.margin < 0 for letter in found.letters] == [False, True, False]


def test_nothing_to_align_is_none() -> None:
    assert align(strip("bread"), []) == []
    assert costs(strip("bread"), " ") == [None]
    assert align(strip("bread"), ["zoo"], least=-8.0) == [None]
