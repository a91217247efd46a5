"""Asking about one picture: every question through the reply ladder, some of them twice."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from evalkit.api.records import JSON, Score, Status
from evalkit.judges.vlm.ask import Ask, Endpoint
from evalkit.judges.vlm.reply import Answer, answer

SHOWN_RAW = 400
"""Characters of a reply that could not be used that are kept in the evidence; the journal has all of it."""


@dataclass
class Asker:
    """Asks the questions of one look, and keeps what the evidence needs.

    Args:
        endpoint: whom to ask.
        repeats: share of the questions that are asked twice, chosen by the question itself.
        same: of each question that was asked twice: was the answer the same?
        unusable: the replies that were of no use, with the reason.
    """

    endpoint: Endpoint
    repeats: float = 0.0
    same: list[bool] = field(default_factory=list)
    unusable: list[dict[str, JSON]] = field(default_factory=list)

    async def ask(self, ask: Ask, about: str) -> Answer:
        """The answer; one without value if there is none. `about` names the question in the evidence."""
        first = await answer(self.endpoint, ask)
        if first.value is None:
            self.unusable.append({"about": about, "reason": first.reason, "raw": first.raw[:SHOWN_RAW]})
        elif ask.choice and repeated(ask, self.endpoint.model, self.repeats):
            second = await answer(self.endpoint, dataclasses.replace(ask, repeat=ask.repeat + 1))
            if second.value is not None:
                self.same.append(first.value[ask.choice] == second.value[ask.choice])
        return first


def repeated(ask: Ask, model: str, share: float) -> bool:
    """Whether a question is one of the `share` that are asked twice: the same ones in every run."""
    return int(ask.key(model)[:8], 16) < share * 2**32


def no_score(dimension: str, answer: Answer) -> Score:
    """What a question without a usable answer is worth: `error` if the call failed, `unscored` if the reply is no use.

    The same command asks again for the former.
    """
    status = Status.ERROR if answer.reply.error else Status.UNSCORED
    return Score(dimension, status, reason=f"no usable reply: {answer.reason}")
