"""Probabilities of a choice: the token is found by its place, variants are added up, the rest leaks."""

import math

import pytest

from evalkit.judges.vlm.choice import Token, choice_probabilities

SCORES = (1, 2, 3, 4, 5)
P = {p: math.log(p) for p in (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)}


def at(data: str, alternatives: dict[str, float]) -> Token:
    return Token(data.encode(), tuple((name.encode(), value) for name, value in alternatives.items()))


def plain(*parts: str) -> list[Token]:
    return [at(part, {part: 0.0}) for part in parts]


WAYS = {
    "alone": (['{"score":', " "], "4", [', "findings": []}'], "{}"),
    "with its blank": (['{"score":'], " 4", [', "findings": []}'], " {}"),
    "with the colon": (['{"score"'], ":4", [',"findings": []}'], ":{}"),
    "with quote and colon": (['{"score'], '":4', [',"findings": []}'], '":{}'),
    "with the comma": (['{"score":', " "], "4,", [' "findings": []}'], "{},"),
    "with what follows": (['{"', "score", '":'], " 4}", [], " {}}}"),
    "a byte at a time": (list('{"score":'), "4", list("}"), "{}"),
    "after prose": (['Sure é {"score":'], "4", ["}"], "{}"),
}


@pytest.mark.parametrize(("before", "chosen", "after", "form"), WAYS.values(), ids=WAYS.keys())
def test_the_token_is_found_by_its_place(before: list[str], chosen: str, after: list[str], form: str) -> None:
    text = "".join([*before, chosen, *after])
    chosen_token = at(chosen, {chosen: P[0.6], form.format(5): P[0.3], form.format(1): P[0.1]})
    got = choice_probabilities(text, [*plain(*before), chosen_token, *plain(*after)], "score", SCORES)
    assert got == pytest.approx({"1": 0.1, "2": 0, "3": 0, "4": 0.6, "5": 0.3})


def test_variants_are_added_up_and_the_rest_leaks() -> None:
    alternatives = {" 4": P[0.4], "4": P[0.2], "\t4,": P[0.05], ' "4"': P[0.01], "five": P[0.1], " ": P[0.02]}
    tokens = [*plain('{"score":'), at(" 4", alternatives), *plain("}")]
    got = choice_probabilities('{"score": 4}', tokens, "score", SCORES)
    assert got["4"] == pytest.approx(0.66)
    assert 1 - sum(got.values()) == pytest.approx(0.34)


def test_a_longer_number_is_another_value() -> None:
    tokens = [*plain('{"score":'), at("4", {"4": P[0.5], "40": P[0.3], "4.5": P[0.1], "45": P[0.05]}), *plain("}")]
    assert choice_probabilities('{"score":4}', tokens, "score", SCORES)["4"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("before", "chosen", "after", "alternatives"),
    [
        (['{"answer":', ' "'], "yes", ['"}'], {"yes": 0.7, "no": 0.2, "maybe": 0.05}),
        (['{"answer":'], ' "yes', ['"}'], {' "yes': 0.7, ' "no': 0.2, ' "': 0.05}),
        (['{"answer":'], '"yes"', ["}"], {'"yes"': 0.7, '"no"': 0.2, "yes": 0.0, '"nothing"': 0.05}),
        (['{"answer":"'], "y", ["es", '"}'], {"y": 0.7, "n": 0.1, "no": 0.1, "x": 0.05}),
        (['{"answer'], '":"yes', ['"}'], {'":"yes': 0.7, '":"no': 0.1, '": "no': 0.1, '":': 0.05}),
    ],
)
def test_words_in_quotes(before: list[str], chosen: str, after: list[str], alternatives: dict[str, float]) -> None:
    text = "".join([*before, chosen, *after])
    logs = {name: math.log(p) if p else -9999.0 for name, p in alternatives.items()}
    got = choice_probabilities(text, [*plain(*before), at(chosen, logs), *plain(*after)], "answer", ("yes", "no"))
    assert got == pytest.approx({'"yes"': 0.7, '"no"': 0.2})


def test_an_alternative_that_fits_two_options_counts_for_neither() -> None:
    tokens = [*plain('{"better":"'), at("t", {"t": P[0.5], "A": P[0.3]}), *plain('ie"}')]
    got = choice_probabilities('{"better":"tie"}', tokens, "better", ("tie", "two", "A"))
    assert got == pytest.approx({'"tie"': 0, '"two"': 0, '"A"': 0.3})


def test_tokens_after_the_choice_may_be_anything() -> None:
    """End tokens, and halves of characters that a server can't encode."""
    tokens = [*plain('{"score":'), at("4", {"4": P[0.5]}), *plain(', "why": "', "\ufffd", "\ufffd", '"}', "<|im_end|>")]
    assert choice_probabilities('{"score":4, "why": "é"}', tokens, "score", SCORES)["4"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ('{"score":4}', []),
        ('{"score":4}', plain("another reply")),
        ('{"score":4}', plain('{"score":')),
        ('{"findings":[]}', plain('{"findings":[]}')),
        ('{"score":4}', [*plain('{"score":'), at("4", {"4": 0.0, "5": 0.0}), *plain("}")]),
        ('{"score":4}', [*plain('{"score":'), at("4", {"4": 3.0}), *plain("}")]),
        ('{"score":4}', [*plain('{"score":'), at("4", {"4": math.nan, "5": -math.inf}), *plain("}")]),
    ],
)
def test_unreliable_probabilities_count_as_missing(text: str, tokens: list[Token]) -> None:
    assert choice_probabilities(text, tokens, "score", SCORES) == {}
