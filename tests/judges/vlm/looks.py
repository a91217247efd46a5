"""Verdicts of the judge on the control pictures, with a fake endpoint; and their scores."""

from collections import Counter

from evalkit.api.records import Status, Verdict
from evalkit.engine.judging import look
from evalkit.judges.vlm.controls import cases, picture
from evalkit.judges.vlm.judge import VlmJudge
from tests.judges.vlm.fakes import FakeEndpoint, content

POSTER, EDIT = cases()
CLEAN = picture("poster")
QUIET = {"repeats": 0.0, "check_text": False}


def verdict(says, case=POSTER, shown=CLEAN, twin=None, **settings) -> Verdict:
    judge = VlmJudge(VlmJudge.Settings(**{**QUIET, **settings}), FakeEndpoint(says))
    try:
        return look(judge, case, shown, twin)
    finally:
        judge.close()


def values(one: Verdict) -> dict[str, float]:
    return {s.dimension.removeprefix("vlm."): s.value for s in one.scores if s.status is Status.SCORED}


def statuses(one: Verdict) -> Counter:
    return Counter(score.status for score in one.scores)


def scale(value) -> object:
    """Answers scale questions with `value`, and all others rightly."""
    return lambda ask: value if ask.name == "scale" else content(ask)
