"""Rubrics as data: `rubrics/*.yaml`, what their fields mean, and when they apply to a case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evalkit.api.errors import ConfigError
from evalkit.api.records import Case, Task
from evalkit.formats.explain import explain
from evalkit.formats.keys import digest
from evalkit.formats.strict_yaml import read_yaml

HERE = Path(__file__).parent
RUBRICS, PROMPTS = HERE / "rubrics", HERE / "prompts"
LEVELS = (1, 2, 3, 4, 5)
Levels = dict[int, str]
Need = Literal["texts", "layout", "ground", "portrait", "source", "twin"]
GivenText = Literal["asked", "texts", "ground", "question", "nothing"]
QUESTIONS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("text", "text-crop"), frozenset({"text"})),
    "element": frozenset({"one"}),
    "count": frozenset({"counts"}),
    **dict.fromkeys(("solid", "gradient"), frozenset()),
    **dict.fromkeys(("above", "left-of", "inside"), frozenset({"a", "b"})),
    "no-overlap": frozenset({"all"}),
    "centered": frozenset({"a"}),
}
"""Templates of checklist questions, with the `{fields}` each may have. The templates of relations may be left out."""
_NEEDED = ("text", "text-crop", "element", "count", "solid", "gradient")
CONSISTENCY, ORDER = "vlm.consistency", "vlm.order"
"""Dimensions that say how consistently the model answers; they belong to no rubric."""
_PEOPLE = ("portrait", "person", "face", "figure", "hand")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scope(_Strict):
    """When a rubric applies: to these tasks, where the case declares all of `needs`."""

    tasks: tuple[Task, ...]
    needs: tuple[Need, ...] = ()


class Aspect(_Strict):
    """One aspect of an edit, which is rated by itself."""

    look: str
    levels: Levels


class Category(_Strict):
    """One category of edits.

    Args:
        focus: what counts most in it.
        of: kinds of edits that belong to it: `Case.extra["edit"]["kind"]`, tags or the case's category.
        aspects: names of the aspects that are rated.
        caps: those of the aspects that cap the score of the whole edit.
    """

    title: str
    focus: str
    of: tuple[str, ...]
    aspects: tuple[str, ...]
    caps: tuple[str, ...] = ()


class Rubric(_Strict):
    """One rubric.

    Args:
        name: the name of its file.
        version: raise it with any change; the digest of the files is part of the judge's fingerprint anyway.
        dimension, description: of the score.
        given: the part of the case that the prompt contains.
        shows: the pictures that the model is shown, in order.
        look: what to look at.
        levels: what each level from 5 (best) to 1 means.
        fails_from: the best level at which a picture does not do what was asked for; a better one is a defect, and the
            best but one a blemish. It grades the findings.
        kinds: kinds of findings that may be reported.
        categories, aspects, other: of edits; `other` is the category of an edit of no known kind.
        questions: templates of yes/no questions.
    """

    name: str
    version: int
    title: str
    dimension: str
    description: str
    given: GivenText
    applies: Scope
    shows: tuple[Literal["source", "picture"], ...] = ("picture",)
    look: str
    levels: Levels = {}
    fails_from: int = Field(2, ge=1, le=4)
    kinds: tuple[str, ...] = ()
    categories: Mapping[str, Category] = {}
    aspects: Mapping[str, Aspect] = {}
    other: str = ""
    questions: Mapping[str, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> Rubric:
        for levels in (self.levels, *(aspect.levels for aspect in self.aspects.values())):
            if levels and set(levels) != set(LEVELS):
                raise ValueError(f"levels {sorted(levels)}, not {list(LEVELS)}")
        for name, category in self.categories.items():
            unknown = ({*category.aspects} - {*self.aspects}) | ({*category.caps} - {*category.aspects})
            if unknown:
                raise ValueError(f"category {name}: no aspect {sorted(unknown)}")
        if self.categories and self.other not in self.categories:
            raise ValueError(f"other: no category {self.other!r}")
        return self

    @model_validator(mode="after")
    def _can_be_asked(self) -> Rubric:
        if not re.fullmatch(r"vlm\.[a-z][a-z0-9_-]*", self.dimension) or self.dimension in (CONSISTENCY, ORDER):
            raise ValueError(f"dimension: {self.dimension!r}, not a `vlm.name` of its own")
        if self.levels and self.questions:
            raise ValueError("levels and questions: these are two rubrics")
        if self.levels and not self.kinds:
            raise ValueError("kinds: none, but a reply with a level names a kind for each finding")
        if not (self.levels or self.questions) and "twin" not in self.applies.needs:
            raise ValueError("neither levels nor questions: pairs have `needs: [twin]`")
        if "picture" not in self.shows or ("source" in self.shows and "source" not in self.applies.needs):
            raise ValueError("shows: the picture; the source too with `needs: [source]`")
        return self

    @model_validator(mode="after")
    def _questions_can_be_filled_in(self) -> Rubric:
        missing = [name for name in _NEEDED if self.questions and name not in self.questions]
        if missing:
            raise ValueError(f"questions: no {missing[0]!r}")
        for name, template in self.questions.items():
            if name not in QUESTIONS:
                raise ValueError(f"questions: {name!r} is none of {', '.join(QUESTIONS)}")
            if {field for _, field, _, _ in Formatter().parse(template) if field is not None} - QUESTIONS[name]:
                known = ", ".join(f"{{{field}}}" for field in sorted(QUESTIONS[name])) or "nothing"
                raise ValueError(f"questions: {name!r} can be filled in with {known} alone")
        return self


@lru_cache(maxsize=1)
def rubrics() -> Mapping[str, Rubric]:
    """The built-in rubrics by name. Raises `ConfigError` if one can't be read or two have the same dimension."""
    return read_rubrics(sorted(RUBRICS.glob("*.yaml")), {})


def read_rubrics(paths: Iterable[Path], known: Mapping[str, Rubric]) -> Mapping[str, Rubric]:
    """The rubrics in these files, by name. `known`: rubrics whose names and dimensions are taken.

    Raises:
        ConfigError: one can't be read, or has the name or the dimension of another.
    """
    found: dict[str, Rubric] = {}
    for path in paths:
        rubric = read_rubric(path)
        others = {**known, **found}
        if rubric.name in others:
            raise ConfigError(f"there is a rubric `{rubric.name}` already", where=str(path), hint="rename the file")
        twins = [name for name, other in others.items() if other.dimension == rubric.dimension]
        if twins:
            raise ConfigError(f"dimension {rubric.dimension} is that of `{twins[0]}` already", where=str(path))
        found[rubric.name] = rubric
    return found


def read_rubric(path: Path) -> Rubric:
    """The rubric in one file. Raises `ConfigError` naming what is wrong."""
    try:
        values = read_yaml(path, ConfigError)
        if "name" in values:
            raise ConfigError("`name` is the file's name", where=str(path), hint="leave it out")
        return Rubric.model_validate({**values, "name": path.stem})
    except ValidationError as error:
        explained = explain(error, Rubric)
        raise ConfigError(explained.what, where=str(path), hint=explained.hint) from error


@lru_cache(maxsize=1)
def content_digest() -> str:
    """Digest of all bytes of every built-in rubric and prompt template."""
    files = sorted([*RUBRICS.glob("*.yaml"), *PROMPTS.glob("*.jinja")])
    return digest("rubrics", [[path.name, path.read_text("utf-8")] for path in files])


def why_not(rubric: Rubric, case: Case, *, twin: bool) -> str:
    """Why `rubric` does not apply to `case`; empty where it does."""
    if case.task not in rubric.applies.tasks:
        return f"{rubric.title} is not asked of {case.task.value} cases"
    for need in rubric.applies.needs:
        reason = _missing(need, case, twin)
        if reason:
            return reason
    return ""


def category_of(rubric: Rubric, case: Case) -> str:
    """The category of an edit, from the kind it declares, its tags or the case's category; else `rubric.other`."""
    declared = case.extra.get("edit")
    kind = declared.get("kind", "") if isinstance(declared, Mapping) else ""
    for word in (kind, *case.tags, case.category):
        for name, category in rubric.categories.items():
            if word and (word == name or word in category.of):
                return name
    return rubric.other


def _missing(need: Need, case: Case, twin: bool) -> str:
    if need == "texts":
        return "" if any(text.text.split() for text in case.texts) else "the case asks for no text"
    if need == "layout":
        placed = case.relations or any(text.box for text in case.texts)
        placed = placed or any(element.kind != "region" for element in case.elements)
        return "" if placed else "the case declares no layout"
    if need == "ground":
        if case.background.texture_wanted:
            return "the prompt asks for texture"
        return "" if case.background.kind in GROUNDS else "the case declares no plain background"
    if need == "portrait":
        words = (case.category, *case.tags, *(element.kind for element in case.elements))
        return "" if any(word in _PEOPLE for word in words) else "the case asks for no person"
    if need == "source":
        return "" if case.source is not None else "the case has no source picture"
    return "" if twin else "there is no twin to compare with"


GROUNDS = {"solid": "one plain color", "gradient": "a smooth gradient"}
"""Kinds of backgrounds on which unevenness can be recognised, in words."""
