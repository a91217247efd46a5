"""Blind pairs: if the answer changes with the order, the pair is a tie."""

import pytest

from evalkit.api.records import Case
from evalkit.judges.vlm.call import SentImage
from evalkit.judges.vlm.pairwise import pairwise_calls, preference
from evalkit.judges.vlm.rubric import rubrics

STUDENT, TEACHER, SOURCE = (SentImage(name.encode(), name, 8, 8) for name in ("student", "teacher", "source"))


@pytest.mark.parametrize(
    ("as_a", "as_b", "value", "consistent"),
    [
        ("A", "B", 1.0, True),
        ("B", "A", 0.0, True),
        ("tie", "tie", 0.5, True),
        ("A", "A", 0.5, False),
        ("B", "B", 0.5, False),
        ("A", "tie", 0.5, False),
        ("tie", "A", 0.5, False),
    ],
)
def test_the_student_wins_only_in_both_orders(as_a: str, as_b: str, value: float, consistent: bool) -> None:
    assert preference(as_a, as_b) == (value, consistent)


def test_both_orders_are_asked_and_the_prompt_names_neither_model() -> None:
    first, second = pairwise_calls(rubrics()["preference"], Case("c", "a cat"), STUDENT, TEACHER, None)
    assert (first.images, second.images) == ((STUDENT, TEACHER), (TEACHER, STUDENT))
    assert first.text == second.text
    assert not any(word in first.text + first.system for word in ("student", "teacher"))
    assert first.options == ("A", "B", "tie")


def test_an_edit_shows_its_source_first_in_both_orders() -> None:
    first, second = pairwise_calls(rubrics()["preference"], Case("c", "make it red"), STUDENT, TEACHER, SOURCE)
    assert first.images[0] == second.images[0] == SOURCE
    assert "source" in first.text
