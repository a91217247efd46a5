"""The questions about a case, their order, and the share of right answers."""

import pytest

from evalkit.api.records import Background, Box, Case, Element, Question, Relation, TextTarget
from evalkit.judges.vlm.checklist import ChecklistAnswer, ChecklistItem, checklist_items, p_yes, reads, ready, share
from evalkit.judges.vlm.rubric import rubrics

RUBRIC = rubrics()["checklist"]


def case(**fields) -> Case:
    return Case("c", "a poster", **fields)


def asked(one: Case, crops=()) -> dict[str, str]:
    return {item.id: item.question.text for item in checklist_items(RUBRIC, one, crops)}


def answered(id: str, yes: bool | None, expected: bool = True) -> ChecklistAnswer:
    return ChecklistAnswer(ChecklistItem(Question(id, "?", expected)), yes)


TEXT = TextTarget("SALE", Box(10, 10, 60, 30))
CIRCLE, SQUARE = Element("c", "circle", Box(0, 0, 9, 9)), Element("s", "square", Box(20, 0, 29, 9))
WORD = Element("w", "text", TEXT.box)


def test_texts_elements_relations_and_background_make_questions() -> None:
    one = case(
        texts=(TEXT,),
        elements=(CIRCLE, SQUARE, WORD),
        relations=(Relation("above", ("w", "c")), Relation("count", ("c", "s")), Relation("no-overlap", ("c", "s"))),
        background=Background("solid"),
    )
    made = asked(one)
    assert made["text:0"] == 'Does the picture show the text "SALE", spelled exactly like that?'
    assert made["element:c"] == "Does the picture show a circle?"
    assert made["relation:0"] == 'Is the text "SALE" above the circle?'
    assert made["relation:1"] == "Is this the exact number of each: circle: 1, square: 1?"
    assert made["relation:2"] == "Do the circle and the square stand apart, without touching?"
    assert "plain color" in made["background"]
    assert set(made) == {"text:0", "element:c", "element:s", "relation:0", "relation:1", "relation:2", "background"}


def test_a_relation_depends_on_the_questions_for_its_elements() -> None:
    one = case(texts=(TEXT,), elements=(CIRCLE, WORD), relations=(Relation("above", ("w", "c")),))
    made = {item.id: item.question.depends_on for item in checklist_items(RUBRIC, one)}
    assert made["relation:0"] == ("text:0", "element:c")


def test_what_the_case_asks_itself_is_not_asked_again() -> None:
    own = (Question("word", 'Does it show "SALE"?'), Question("background", "Is it plain?"))
    one = case(texts=(TEXT,), elements=(CIRCLE,), background=Background("solid"), checklist=own)
    assert asked(one) == {"word": own[0].text, "background": own[1].text}


def test_texts_are_asked_about_again_on_cut_outs() -> None:
    made = checklist_items(RUBRIC, case(texts=(TEXT,)), [0])
    assert [(item.id, item.text_index) for item in made] == [("text:0", None), ("text:0@crop", 0), ("text:0@read", 0)]


@pytest.mark.parametrize(
    ("read", "same"),
    [
        ("SALE", True),
        ("Big sale!", True),
        ("SALT", False),
        ("", False),
        ("S ALE", False),
        ("SALEM", False),
        ("on SALE now", True),
    ],
)
def test_a_text_that_was_read_must_contain_the_expected_words(read: str, same: bool) -> None:
    assert reads(read, "SALE") is same


def test_a_text_of_punctuation_alone_is_compared_literally() -> None:
    assert reads("-", "-")
    assert not reads("SALE", "-")


def test_elements_without_an_unambiguous_name_are_not_asked_about() -> None:
    twice = (CIRCLE, Element("d", "circle", Box(30, 0, 39, 9)), Element("p", "panel", Box(0, 50, 90, 90)))
    relations = (Relation("above", ("c", "d")), Relation("inside", ("c", "p")), Relation("margin", ("c",)))
    assert asked(case(elements=twice, relations=relations)) == {}


def test_braces_in_a_text_are_text() -> None:
    assert '"{0.__class__}"' in asked(case(texts=(TextTarget("{0.__class__}"),)))["text:0"]


def test_a_child_waits_for_its_parent_and_fails_with_it() -> None:
    parent, child = ChecklistItem(Question("p", "?")), ChecklistItem(Question("c", "?", depends_on=("p",)))
    assert ready([child, parent], {}) == ([parent], [])
    assert ready([child], {"p": answered("p", True)}) == ([child], [])
    now, settled = ready([child], {"p": answered("p", False)})
    assert not now
    assert settled[0].right is False
    now, settled = ready([child], {"p": answered("p", None)})
    assert not now
    assert settled[0].right is None


def test_a_child_that_expects_no_fails_with_its_parent_too() -> None:
    child = ChecklistItem(Question("c", "?", expected=False, depends_on=("p",)))
    assert ready([child], {"p": answered("p", False)})[1][0].right is False


def test_a_parent_that_is_rightly_absent_lets_its_child_be_asked() -> None:
    child = ChecklistItem(Question("c", "?", depends_on=("p",)))
    assert ready([child], {"p": answered("p", False, expected=False)})[0] == [child]


def test_circular_and_unknown_dependencies_end() -> None:
    a, b = ChecklistItem(Question("a", "?", depends_on=("b",))), ChecklistItem(Question("b", "?", depends_on=("a",)))
    now, settled = ready([a, b], {})
    assert not now
    assert [one.yes for one in settled] == [None, None]
    assert ready([ChecklistItem(Question("x", "?", depends_on=("nobody",)))], {})[0]


def test_the_share_counts_answered_questions_and_needs_half_of_them() -> None:
    assert share([answered("a", True), answered("b", False)]) == 0.5
    assert share([answered("a", False, expected=False)]) == 1.0
    assert share([answered("a", True), answered("b", None)]) == 1.0
    assert share([answered("a", True), answered("b", None), answered("c", None)]) is None
    assert share([answered("a", None)]) is None


@pytest.mark.parametrize(
    ("probabilities", "p"),
    [({'"yes"': 0.6, '"no"': 0.2}, 0.75), ({'"yes"': 0.5}, 1.0), ({}, None), ({"yes": 1.0}, None)],
)
def test_the_probability_of_yes(probabilities, p) -> None:
    assert p_yes(probabilities) == (None if p is None else pytest.approx(p))
