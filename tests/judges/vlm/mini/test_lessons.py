"""What judge-mini learns from is true, and fits the schemas it is asked with."""

import json
import random
from itertools import pairwise

import numpy as np
import pytest

from evalkit.protocols import JudgeData
from judges.vlm.mini.lessons import Coder, levels, rows, score_of
from judges.vlm.reply_schema import violation
from judges.vlm.rubric import rubrics
from judges.vlm.scale import scale_schema


def test_the_score_falls_with_size_and_crosses_the_middle_before_twice_the_threshold() -> None:
    scores = [score_of(size / 4) for size in range(25)]
    assert scores[0] == 5
    assert all(a > b for a, b in pairwise(scores))
    assert score_of(2.0) < 3 < score_of(1.0)


@pytest.mark.parametrize("score", [1.0, 1.2, 2.75, 4.5, 5.0])
def test_levels_have_the_score_as_expectation(score: float) -> None:
    shares = levels(score)
    assert sum(share for _, share in shares) == pytest.approx(1)
    assert sum(int(level) * share for level, share in shares) == pytest.approx(score)


def test_replies_fit_the_schema(data: JudgeData) -> None:
    rng, seen = random.Random(2), set()
    for _ in range(120):
        judged = data.judged(rng)
        for row in rows(judged, rng):
            rubric = rubrics().get(row.kind.partition(".")[0])
            if rubric is None or not rubric.levels:
                continue
            reply = json.loads(row.reply)
            assert not violation(scale_schema(rubric.kinds), reply), row.reply
            assert row.reply == json.dumps(reply)
            seen.add(row.kind)
    assert {"compliance", "quality", "text", "layout", "background", "portrait", "edit.object"} <= seen


def test_tokens_of_a_row(coder: Coder, data: JudgeData) -> None:
    rng = random.Random(7)
    judged = data.judged(rng, "letters", 2.0, task="t2i", category="text")
    row = next(row for row in rows(judged, rng) if row.kind == "text")
    tokens = coder.code(row)
    assert [coder.options[name] for name, _ in row.options] == [token for token, _ in tokens.options]
    assert tokens.ids[tokens.choice + 1] in coder.options.values()
    wanted, shown = judged.case.texts[0].text, judged.text
    flags = [flag for flag in tokens.flags if flag >= 0]
    assert flags == [int(a != b) for a, b in zip(wanted, shown, strict=True)]
    assert np.all(tokens.targets[: tokens.choice - 4] == -100)
