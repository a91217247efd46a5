"""Batches for judge-mini: pictures, and rows about them grouped by how many pictures they show."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.training import Judged, JudgeData
from evalkit.judges.vlm.mini.lessons import GRADED, UNKNOWN, Coder, Row, Tokens, rows

if TYPE_CHECKING:
    import torch

QUESTIONS, SCALES, ASPECTS, AGAINST, DESCRIBED, CUT = 1, 3, 2, 2, 0.2, 0.9
"""For each picture: number of yes/no questions, of scores, of aspects of an edit, and of scores against other cases or
instructions; share of the pictures that are described; share of the rows that end with the choice."""
CROWDS = 0.35
"""Share of crowded pictures, whose texts are all transcribed."""
THREE = 0.5
"""Share of the twins that are shown as a third picture, so that the model learns to compare."""
CHUNK = 64
"""Rows that are padded to one length, at most."""


class Chunk(NamedTuple):
    """R rows of about the same length.

    Args:
        of: (R,) number of the prefix of each row.
        ids, targets: (R, length).
        flags, letters: (R, length, 2) as in `Tokens`.
        choices: (choices, 2) rows and places where a distribution is learnt.
        options, shares: (choices, 5) ids of that distribution and their shares.
        astray, grades: (choices, 2, tokens) and (choices, 2, grades) as in `Tokens`.
        asked: the rows of the choices.
    """

    of: torch.Tensor
    ids: torch.Tensor
    targets: torch.Tensor
    flags: torch.Tensor
    letters: torch.Tensor
    choices: torch.Tensor
    options: torch.Tensor
    shares: torch.Tensor
    astray: torch.Tensor
    grades: torch.Tensor
    asked: tuple[Row, ...]


class Group(NamedTuple):
    """Rows that show the same number of pictures. `shown`: (P, pictures) numbers of the pictures of each prefix."""

    shown: torch.Tensor
    chunks: tuple[Chunk, ...]


class Batch(NamedTuple):
    """Pictures (N, side, side, 3), their `lessons` (N, rows, columns, classes), and the rows about them."""

    pictures: torch.Tensor
    lessons: torch.Tensor
    groups: tuple[Group, ...]


def sample_batch(data: JudgeData, coder: Coder, rng: random.Random, pictures: int) -> Batch:
    """A batch of pictures with questions about them."""
    crowds = round(CROWDS * pictures)
    judged = [data.judged(rng) for _ in range(pictures - crowds)] + [data.crowded(rng) for _ in range(crowds)]
    return make_batch(judged, [_some(list(rows(each)), rng) for each in judged], coder, rng)


def sample_seeing(data: JudgeData, rng: random.Random, pictures: int) -> Batch:
    """A batch without questions, from which the model learns to see and compare; two of three pictures are crowded."""
    import torch

    shown: dict[int, list[tuple[int, ...]]] = {2: [], 3: []}
    images: list[Pixels] = []
    lessons: list[NDArray[np.int64]] = []
    while len(images) < pictures:
        one = data.crowded(rng, compared=True) if rng.random() < 2 / 3 else data.judged(rng)
        its = [] if one.source is None or one.before is None else [(one.source, one.before)]
        its.append((one.picture, one.lesson))
        if one.twin and rng.random() < THREE:
            its.append((one.twin.picture, one.twin.lesson))
        if len(its) > 1:
            shown[len(its)].append(tuple(range(len(images), len(images) + len(its))))
        for image, lesson in its:
            images.append(image)
            lessons.append(lesson)
    groups = tuple(Group(torch.tensor(each), ()) for each in shown.values() if each)
    return Batch(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(lessons)), groups)


def make_batch(
    judged: Sequence[Judged], asked: Sequence[Sequence[Row]], coder: Coder, rng: random.Random | None = None
) -> Batch:
    """The rows `asked` about each of `judged`; with `rng`, most rows are cut off after the choice."""
    import torch

    pictures: list[Pixels] = [each.picture for each in judged]
    lessons = [each.lesson for each in judged]
    prefixes: dict[tuple[int, ...], int] = {}
    members: dict[int, list[tuple[int, Tokens, Row]]] = {}
    shown: dict[int, list[tuple[int, ...]]] = {}
    for number, (each, its) in enumerate(zip(judged, asked, strict=True)):
        at = {"picture": number}
        twin = (each.twin.picture, each.twin.lesson) if each.twin else (None, None)
        for name, extra, seen in (("source", each.source, each.before), ("twin", *twin)):
            if extra is not None and any(name in row.images for row in its):
                at[name] = len(pictures)
                pictures.append(extra)
                lessons.append(np.full_like(each.lesson, UNKNOWN) if seen is None else seen)
        for row in its:
            key = tuple(at[name] for name in row.images)
            if key not in prefixes:
                prefixes[key] = len(shown.setdefault(len(key), []))
                shown[len(key)].append(key)
            tokens = coder.code(row)
            if rng is not None and tokens.choice >= 0 and rng.random() < CUT:
                tokens = _cut(tokens)
            members.setdefault(len(key), []).append((prefixes[key], tokens, row))
    groups = tuple(
        Group(torch.tensor(shown[count]), tuple(_chunks(members[count], coder.pad))) for count in sorted(members)
    )
    return Batch(torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(lessons)), groups)


def _some(all_rows: list[Row], rng: random.Random) -> list[Row]:
    questions = [row for row in all_rows if row.kind == "question"]
    scales = [row for row in all_rows if row.choice >= 0 and row.kind.partition(".")[0] not in ("question", "pairwise")]
    own: list[list[Row]] = [[], [], []]  # levels of one picture, of an edit, of its aspects
    for row in scales:
        if not row.other:
            own[row.kind.count(".")].append(row)
    alone, edits, aspects = own
    others = [row for row in scales if row.other]
    made = [
        row
        for some, most in (
            (questions, QUESTIONS),
            (alone, SCALES - len(edits)),
            (edits, 1),
            (aspects, ASPECTS),
            (others, AGAINST),
        )
        for row in rng.sample(some, min(most, len(some)))
    ]
    for row in all_rows:
        written = row.kind == "transcribe" or (row.kind == "describe" and rng.random() < DESCRIBED)
        if written or row.kind.startswith("pairwise"):
            made.append(row)
    return made


def _cut(tokens: Tokens) -> Tokens:
    end = tokens.choice + 1
    flags, letters = tokens.flags[:, :end], tokens.letters[:, :end]
    return tokens._replace(ids=tokens.ids[:end], targets=tokens.targets[:end], flags=flags, letters=letters)


def _tokens(members: Sequence[tuple[int, Tokens, Row]]) -> int:
    """Tokens of a picture for which `astray` is known, at most; 0 if it is known for none."""
    return max((len(where) for _, tokens, _ in members for where in tokens.astray), default=0)


def _chunks(members: list[tuple[int, Tokens, Row]], pad: int) -> list[Chunk]:
    import torch

    ordered = sorted(members, key=lambda each: len(each[1].ids))
    made: list[Chunk] = []
    for start in range(0, len(ordered), CHUNK):
        part = ordered[start : start + CHUNK]
        length = max(len(tokens.ids) for _, tokens, _ in part)
        ids = np.full((len(part), length), pad, np.int64)
        targets = np.full((len(part), length), UNKNOWN, np.int64)
        flags, letters = np.full((2, len(part), length, 2), UNKNOWN, np.int64)
        choices: list[tuple[int, int]] = []
        astray = np.full((len(part), 2, _tokens(part)), UNKNOWN, np.int64)
        grades = np.full((len(part), 2, len(GRADED)), np.nan, np.float32)
        options, shares = np.zeros((len(part), 5), np.int64), np.zeros((len(part), 5), np.float32)
        for number, (_, tokens, _) in enumerate(part):
            n = len(tokens.ids)
            ids[number, :n], targets[number, :n] = tokens.ids, tokens.targets
            flags[number, :n], letters[number, :n] = tokens.flags.T, tokens.letters.T
            if tokens.choice >= 0:
                for which, where in enumerate(tokens.astray):
                    astray[len(choices), which, : len(where)] = where
                for which, graded in enumerate(tokens.grades):
                    if graded:
                        grades[len(choices), which] = graded
                for i, (option, share) in enumerate(tokens.options):
                    options[len(choices), i], shares[len(choices), i] = option, share
                choices.append((number, tokens.choice))
        made.append(
            Chunk(
                torch.tensor([prefix for prefix, _, _ in part]),
                torch.from_numpy(ids),
                torch.from_numpy(targets),
                torch.from_numpy(flags),
                torch.from_numpy(letters),
                torch.tensor(choices, dtype=torch.long).reshape(-1, 2),
                torch.from_numpy(options[: len(choices)]),
                torch.from_numpy(shares[: len(choices)]),
                torch.from_numpy(astray[: len(choices)]),
                torch.from_numpy(grades[: len(choices)]),
                tuple(row for _, tokens, row in part if tokens.choice >= 0),
            )
        )
    return made
