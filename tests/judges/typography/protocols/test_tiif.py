from __future__ import annotations

import pytest

from evalkit.judges.typography.protocols.tiif import tiif_picture, tiif_score


def test_a_perfect_text_in_any_order_and_case_is_zero() -> None:
    assert tiif_picture("Fresh Bread Daily", "daily FRESH bread") == (0.0, 1.0)


def test_surplus_words_are_charged_like_missing_ones() -> None:
    assert tiif_picture("fresh bread", "fresh bread zoo zoo").gned == 0.5
    assert tiif_picture("fresh bread", "fresh").gned == 0.5
    assert tiif_picture("fresh bread", "fresh bread zoo zoo").recall == 1.0


def test_pairs_are_chosen_for_the_least_total() -> None:
    # greedily bread would take break and leave brake with nothing near
    assert tiif_picture("bread break", "break brexd").gned == pytest.approx((1 / 5 + 0) / 2)


def test_recall_is_greedy_and_in_order() -> None:
    # the first word takes the only near one, though the second is the exact match
    assert tiif_picture("bread break", "break").recall == 0.5
    assert tiif_picture("breads break", "break xxxxx").recall == 0.5
    assert tiif_picture("abcdefghij", "abcdefgxyz").recall == 1.0
    assert tiif_picture("abcdefghij", "abcdefwxyz").recall == 0.0


def test_nothing_read_is_all_wrong() -> None:
    assert tiif_picture("fresh bread", "") == (1.0, 0.0)


def test_the_benchmark_is_the_mean_over_pictures() -> None:
    pictures = [tiif_picture("one", "one"), tiif_picture("a b c d", "")]
    assert tiif_score(pictures) == (0.5, 0.5)


def test_no_text_has_no_score() -> None:
    with pytest.raises(ValueError, match="no expected word"):
        tiif_picture(" ", "x")
    with pytest.raises(ValueError, match="no picture"):
        tiif_score([])
