"""Chooses the pictures of a run that people label: a random sample of cases, each with the same chance."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import PictureError, UsageError
from evalkit.api.labels import KINDS, Kind, LabelItem, LabelledPicture, LabelQuestion, LabelSheet, Sampling
from evalkit.api.pictures import read_file
from evalkit.api.records import Case, Dimension, Role, Sample, Status
from evalkit.api.results import RunSummary
from evalkit.store.run_reader import RunReader
from evalkit.verdict.results import StoredResults

ROLES = (Role.STUDENT, Role.TEACHER)
DEFAULT_PREFIX = "vlm."
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
"""Formats that the page can show."""
CaseSeed = tuple[int, int]
"""Index of a case, and a seed."""


class SheetFiles(NamedTuple):
    """A sheet, and the files of the pictures that it shows, by sha256."""

    sheet: LabelSheet
    pictures: dict[str, Path]


def choose(reader: RunReader, wanted: Sequence[str], n: int, seed: int, roles: Sequence[Role] = ROLES) -> SheetFiles:
    """Draw cases at random until there are `n` pictures to label, and shuffle them.

    Of each case one seed is drawn, so that no case counts twice. The student's and the teacher's picture of a case are
    drawn together, to estimate their difference, but they are shown separately unless a question is about the pair.

    Args:
        reader: a finished run.
        wanted: dimensions to ask about, as `NAME` or `NAME=KIND`; if empty, those of the VLM judge.
        n: number of pictures to label.
        seed: of the sample and of the order.
        roles: roles whose pictures are shown.

    Raises:
        UsageError: a dimension or a kind is unknown, or there is nothing to label.
    """
    summary = StoredResults(reader).summary()
    questions = _questions(summary, wanted)
    if len(roles) < 2 and any(question.kind == "pairwise" for question in questions):
        raise UsageError(
            "a pairwise question needs the pictures of both roles", where="--role", hint="leave --role out"
        )
    asked = [_asked(reader, question.dimension, roles) for question in questions]
    seeds: dict[int, set[int]] = defaultdict(set)
    for of_question in asked:
        for idx, at in of_question:
            seeds[idx].add(at)
    if not seeds:
        named = ", ".join(question.dimension for question in questions)
        raise UsageError(f"no judge was asked about a picture for {named}", where=str(reader.folder))
    rng = random.Random(seed)
    cases = sorted(seeds)
    rng.shuffle(cases)
    items: list[LabelItem] = []
    pictures: dict[str, Path] = {}
    looked = drawn = 0
    for idx in cases:
        if looked >= n:
            break
        place = idx, rng.choice(sorted(seeds[idx]))
        case = next(reader.cases(idx)).case
        samples = _samples(reader, place, roles)
        new = _items(case, place, samples, questions, asked, rng)
        if not new:  # there are only pairwise questions, and one picture of the pair is missing
            continue
        items += new
        shown = {one.sha256 for item in new for one in item.pictures}
        pictures |= {s.sha256: reader.blobs.path(s.sha256, s.suffix) for s in samples.values() if s.sha256 in shown}
        pictures |= {item.source: Path(case.source.path) for item in new if item.source and case.source}
        drawn += 1
        looked += len({one.role for item in new for one in item.pictures})
    if not items:
        raise UsageError("no case has the pictures of both roles", where=str(reader.folder))
    rng.shuffle(items)
    sampling = Sampling(seed, drawn, len(cases), sum(len(item.questions) for item in items))
    return SheetFiles(LabelSheet(questions, items, sampling, summary.benchmark, summary.run_digest), pictures)


def dimensions(summary: RunSummary) -> dict[str, Dimension]:
    """The dimensions of a run by name."""
    return {result.dimension.name: result.dimension for result in summary.dimensions}


def _questions(summary: RunSummary, wanted: Sequence[str]) -> tuple[LabelQuestion, ...]:
    known = dimensions(summary)
    named = ", ".join(sorted(known)) or "none"
    if not wanted:
        wanted = [name for name, one in known.items() if one.of_picture and name.startswith(DEFAULT_PREFIX)]
        if not wanted:
            raise UsageError(
                "no dimension is given, and this run has none of the VLM judge",
                hint=f"`--dimension NAME`, once for each of: {named}",
            )
    questions: dict[str, LabelQuestion] = {}
    for text in wanted:
        name, _, kind = text.partition("=")
        if name not in known:
            raise UsageError(f"this run has no dimension `{name}`", where="--dimension", hint=f"it has {named}")
        if name in questions:
            raise UsageError(f"`{name}` is given twice", where="--dimension")
        if kind and kind not in KINDS:
            raise UsageError(
                f"`{kind}` is not a kind of question", where="--dimension", hint=f"one of {', '.join(KINDS)}"
            )
        questions[name] = LabelQuestion(name, _kind(name, kind), known[name].description)
    return tuple(questions.values())


def _kind(name: str, given: str) -> Kind:
    for kind in KINDS:
        if kind == given:
            return kind
    return "pairwise" if name.endswith(".preference") else "scale"


def _asked(reader: RunReader, dimension: str, roles: Sequence[Role]) -> Mapping[CaseSeed, set[Role]]:
    """The roles whose picture the judge was asked about, by case and seed.

    Pictures without a score are among them: were only scored pictures labelled, nothing would follow for the others.
    """
    found: dict[CaseSeed, set[Role]] = defaultdict(set)
    drawn = {role: reader.drawn(role) for role in roles}
    for idx, _, seed, role, status, _ in reader.cells(dimension, 0):
        if role in roles and status is not Status.NOT_APPLICABLE and drawn[role].get((idx, seed)):
            found[idx, seed].add(role)
    return dict(found)


def _samples(reader: RunReader, place: CaseSeed, roles: Sequence[Role]) -> dict[Role, Sample]:
    samples = {role: reader.sample(role, *place) for role in roles}
    return {role: sample for role, sample in samples.items() if sample and sample.ok}


def _items(
    case: Case,
    place: CaseSeed,
    samples: Mapping[Role, Sample],
    questions: Sequence[LabelQuestion],
    of_question: Sequence[Mapping[CaseSeed, set[Role]]],
    rng: random.Random,
) -> list[LabelItem]:
    """What is shown of one case and seed: each single picture with its questions, and the pair with its questions."""
    shown = {role: LabelledPicture(role, sample.sha256) for role, sample in samples.items()}
    texts = tuple(target.text for target in case.texts)
    source = _source(case)

    def item(pictures: tuple[LabelledPicture, ...], asked: list[int]) -> LabelItem:
        return LabelItem(case.id, place[1], case.prompt, case.task, texts, pictures, tuple(asked), source)

    items = []
    single = [i for i, question in enumerate(questions) if question.kind != "pairwise"]
    for role, picture in shown.items():
        asked = [i for i in single if role in of_question[i].get(place, ())]
        if asked:
            items.append(item((picture,), asked))
    about_pairs = [i for i, question in enumerate(questions) if question.kind == "pairwise" and place in of_question[i]]
    if about_pairs and len(shown) == 2:
        sides = list(shown.values())
        rng.shuffle(sides)
        items.append(item(tuple(sides), about_pairs))
    return items


def _source(case: Case) -> str:
    """Sha256 of an edit's source picture; empty if its file is missing, has changed, or can't be shown."""
    if case.source is None:
        return ""
    try:
        actual = hashlib.sha256(read_file(Path(case.source.path))).hexdigest()
    except PictureError:
        return ""
    return actual if case.source.sha256 in ("", actual) and Path(case.source.path).suffix.lower() in SUFFIXES else ""
