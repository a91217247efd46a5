"""The prompts that judge-mini knows, cut into constant stretches at the places where the words of a case stand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from evalkit.api.records import Background, Case, Question, SourceImage, Task, TextTarget
from evalkit.judges.vlm.call import SentImage
from evalkit.judges.vlm.checklist import question_call, read_call
from evalkit.judges.vlm.pairwise import pairwise_calls
from evalkit.judges.vlm.rubric import rubrics
from evalkit.judges.vlm.scale import scale_call

SLOT = "¤"
"""Stands for the words of a case."""
DESCRIBE = "Describe the picture."
"""A prompt that is used in training only."""
SCALES = ("compliance", "quality", "text", "layout", "background", "portrait")
EDIT_KINDS = {"scene": "background", "text": "text", "object": "move"}
"""Categories of the edit rubric, each with a kind of edit that belongs to it."""
NO_IMAGE = SentImage(b"", "", 0, 0)


@lru_cache(maxsize=1)
def templates() -> Mapping[str, str]:
    """Every prompt by name, with `SLOT` in place of the words of the case."""
    made = {name: scale_call(rubrics()[name], slot_case(), ()).text for name in SCALES}
    for category, kind in EDIT_KINDS.items():
        made[f"edit.{category}"] = scale_call(rubrics()["edit"], slot_case(kind), ()).text
    made["question"] = question_call(rubrics()["checklist"], SLOT, NO_IMAGE).text
    made["pairwise"] = pairwise_calls(rubrics()["preference"], slot_case(), NO_IMAGE, NO_IMAGE, None)[0].text
    made["pairwise.edit"] = pairwise_calls(rubrics()["preference"], slot_case("move"), NO_IMAGE, NO_IMAGE, NO_IMAGE)[
        0
    ].text
    made["transcribe"] = read_call(NO_IMAGE).text
    made["describe"] = DESCRIBE
    for category, kind in EDIT_KINDS.items():
        for aspect in rubrics()["edit"].categories[category].aspects:
            made[f"edit.{category}.{aspect}"] = scale_call(rubrics()["edit"], slot_case(kind), (), aspect).text
    return made


def system() -> str:
    """The system message."""
    return read_call(NO_IMAGE).system


def segments() -> dict[str, str]:
    """Constant stretches by name, in a fixed order; a stretch that several prompts share appears once."""
    made = {"system": system(), "roles.system": "system\n", "roles.user": "user\n", "roles.assistant": "assistant\n"}
    for name, text in templates().items():
        for number, stretch in enumerate(text.split(SLOT)):
            if stretch and stretch not in made.values():
                made[f"{name}.{number}"] = stretch
    return made


def slot_case(kind: str = "") -> Case:
    """A case whose only words are `SLOT`; an edit of that `kind`, if one is named."""
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
