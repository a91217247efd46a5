"""The prompts judge-mini knows, cut where a case speaks: constant stretches, and what stands between them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from evalkit.api.records import Background, Case, Question, SourceImage, Task, TextTarget
from evalkit.judges.vlm.ask import Ask, Shot
from evalkit.judges.vlm.checklist import question_ask
from evalkit.judges.vlm.pairwise import pairwise_asks
from evalkit.judges.vlm.rubric import rubrics
from evalkit.judges.vlm.scale import scale_ask
from evalkit.judges.vlm.transcribe import transcribe_ask

SLOT = "¤"
"""Stands for what the case says."""
DESCRIBE = "Describe the picture."
"""A question of the training only."""
SCALES = ("compliance", "quality", "text", "layout", "background", "portrait")
EDIT_KINDS = {"scene": "background", "text": "text", "object": "move"}
"""Categories of the edit rubric with a kind of edit that belongs to each."""
NO_SHOT = Shot(b"", "", 0, 0)


@lru_cache(maxsize=1)
def templates() -> Mapping[str, str]:
    """Every prompt by name, with `SLOT` where the case speaks."""
    made = {name: scale_ask(rubrics()[name], slot_case(), ()).text for name in SCALES}
    for category, kind in EDIT_KINDS.items():
        made[f"edit.{category}"] = scale_ask(rubrics()["edit"], slot_case(kind), ()).text
    made["question"] = question_ask(rubrics()["checklist"], SLOT, NO_SHOT).text
    made["pairwise"] = pairwise_asks(rubrics()["preference"], slot_case(), NO_SHOT, NO_SHOT, None)[0].text
    made["pairwise.edit"] = pairwise_asks(rubrics()["preference"], slot_case("move"), NO_SHOT, NO_SHOT, NO_SHOT)[0].text
    made["transcribe"] = transcribe_ask(NO_SHOT).text
    made["describe"] = DESCRIBE
    for category, kind in EDIT_KINDS.items():
        for aspect in rubrics()["edit"].categories[category].aspects:
            made[f"edit.{category}.{aspect}"] = scale_ask(rubrics()["edit"], slot_case(kind), (), aspect).text
    return made


def system() -> str:
    """The system message."""
    return transcribe_ask(NO_SHOT).system


def segments() -> dict[str, str]:
    """Constant stretches by name, in a fixed order; those that several prompts share once."""
    made = {"system": system(), "roles.system": "system\n", "roles.user": "user\n", "roles.assistant": "assistant\n"}
    for name, text in templates().items():
        for number, stretch in enumerate(text.split(SLOT)):
            if stretch and stretch not in made.values():
                made[f"{name}.{number}"] = stretch
    return made


def slot_case(kind: str = "") -> Case:
    """A case that says nothing but `SLOT`; an edit of a `kind`, if one is named."""
    source = SourceImage("", "") if kind else None
    return Case(
        "slot",
        SLOT,
        task=Task.EDIT if kind else Task.T2I,
        texts=(TextTarget(SLOT),),
        background=Background("solid"),
        checklist=(Question("slot", SLOT),),
        source=source,
        tags=("edit", kind) if kind else (),
    )


def asked_kind(ask: Ask) -> str:
    """The name of the prompt an ask is made of; empty for one judge-mini does not know."""
    for name, text in templates().items():
        before, _, after = text.partition(SLOT)
        if ask.text == text or (SLOT in text and ask.text.startswith(before) and ask.text.endswith(after)):
            return name
    return ""
