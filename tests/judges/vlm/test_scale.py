"""The expected score."""

import json

import pytest

from evalkit.judges.vlm.call import schema_of
from evalkit.judges.vlm.rubric import rubrics
from evalkit.judges.vlm.scale import expected_level, level_form, unit_value


def test_the_expectation_is_renormalised_over_the_levels() -> None:
    score = expected_level(4, {"3": 0.2, "4": 0.4, "5": 0.2})
    assert score.score == pytest.approx(4.0)
    assert score.leaked == pytest.approx(0.2)
    assert score.confidence == pytest.approx(0.5)
    assert expected_level(5, {"5": 1.0}).score == 5.0
    assert expected_level(1, {str(level): 0.2 for level in range(1, 6)}).score == pytest.approx(3.0)


def test_tokens_that_are_no_level_do_not_count() -> None:
    score = expected_level(2, {"2": 0.5, "0": 0.3, "six": 0.2})
    assert (score.score, score.leaked) == (2.0, pytest.approx(0.5))


@pytest.mark.parametrize("probabilities", [{}, {"0": 1.0}, {"4": 0.0}])
def test_without_probabilities_the_score_is_the_stated_level(probabilities) -> None:
    score = expected_level(4, probabilities)
    assert (score.score, score.stated, score.leaked, score.confidence) == (4.0, 4, None, None)


def test_rounding_above_one_leaks_nothing() -> None:
    assert expected_level(5, {"5": 1.0000001}).leaked == 0.0


def test_levels_map_to_the_unit_interval() -> None:
    assert [unit_value(level) for level in (1, 2, 3, 4, 5)] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_the_reply_states_the_score_first_and_every_field_is_bounded() -> None:
    schema = schema_of(level_form(rubrics()["quality"].kinds))
    assert list(schema["properties"]) == ["score", "findings"] == schema["required"]
    assert schema["properties"]["findings"]["maxItems"] == 4
    assert schema["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema
