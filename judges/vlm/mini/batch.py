"""Batches for judge-mini: pictures, and rows about them grouped by how many pictures they show."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evalkit.pictures import Pixels
from evalkit.protocols import Judged, JudgeData
from judges.vlm.mini.lessons import Coder, Row, Tokens, rows

if TYPE_CHECKING:
    import torch

QUESTIONS, SCALES, AGAINST, DESCRIBED, PAIRS, CUT = 3, 4, 4, 0.2, 0.0, 0.9
"""Of each picture: yes/no questions, scores, scores against other cases, share of descriptions and of comparisons (not
taught: an hour of one core is too short for them); share of rows that end with the choice."""
CROWDS = 0.35
"""Share of crowded pictures, of which all text is written down."""
CHUNK = 64
"""Rows that are padded to one length."""


class Chunk(NamedTuple):
    """Rows of about one length. `of`: (R,) number of the prefix; `ids`, `targets`, `flags`, `letters`: (R, length).

    `choices` (choices, 2) are rows and places where a distribution is learnt, `options` and `shares` (choices, 5) its
    ids and shares, `asked` the questions they belong to.
    """

    of: torch.Tensor
    ids: torch.Tensor
    targets: torch.Tensor
    flags: torch.Tensor
    letters: torch.Tensor
    choices: torch.Tensor
    options: torch.Tensor
    shares: torch.Tensor
    asked: tuple[Row, ...]


class Group(NamedTuple):
    """Rows that show so many pictures. `shown`: (P, pictures) numbers of the pictures of each prefix."""

    shown: torch.Tensor
    chunks: tuple[Chunk, ...]


class Batch(NamedTuple):
    """`pictures`: (N, side, side, 3); the first of them have `lessons` (n, rows, columns, classes)."""

    pictures: torch.Tensor
    lessons: torch.Tensor
    groups: tuple[Group, ...]


def sample_batch(data: JudgeData, coder: Coder, rng: random.Random, pictures: int) -> Batch:
    """A batch to learn from."""
    crowds = round(CROWDS * pictures)
    judged = [data.judged(rng) for _ in range(pictures - crowds)] + [data.crowded(rng) for _ in range(crowds)]
    return make_batch(judged, [_some(list(rows(each, rng)), rng) for each in judged], coder, rng)


def sample_seeing(data: JudgeData, rng: random.Random, pictures: int) -> Batch:
    """Pictures and their lessons alone: three of four crowded, one of four as they are judged."""
    import torch

    seen = [data.judged(rng) for _ in range(pictures // 4)]
    seen += [data.crowded(rng) for _ in range(pictures - len(seen))]
    images = torch.from_numpy(np.stack([each.picture for each in seen]))
    return Batch(images, torch.from_numpy(np.stack([each.lesson for each in seen])), ())


def make_batch(
    judged: Sequence[Judged], asked: Sequence[Sequence[Row]], coder: Coder, rng: random.Random | None = None
) -> Batch:
    """The rows `asked` about each of `judged`; with `rng`, most end with the choice."""
    import torch

    pictures: list[Pixels] = [each.picture for each in judged]
    prefixes: dict[tuple[int, ...], int] = {}
    members: dict[int, list[tuple[int, Tokens, Row]]] = {}
    shown: dict[int, list[tuple[int, ...]]] = {}
    for number, (each, its) in enumerate(zip(judged, asked, strict=True)):
        at = {"picture": number}
        for name, extra in (("source", each.source), ("twin", each.twin)):
            if extra is not None and any(name in row.images for row in its):
                at[name] = len(pictures)
                pictures.append(extra)
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
    lessons = torch.from_numpy(np.stack([each.lesson for each in judged]))
    return Batch(torch.from_numpy(np.stack(pictures)), lessons, groups)


def _some(all_rows: list[Row], rng: random.Random) -> list[Row]:
    questions = [row for row in all_rows if row.kind == "question"]
    scales = [row for row in all_rows if row.choice >= 0 and row.kind.partition(".")[0] not in ("question", "pairwise")]
    own, others = [row for row in scales if not row.other], [row for row in scales if row.other]
    made = rng.sample(questions, min(QUESTIONS, len(questions))) + rng.sample(own, min(SCALES, len(own)))
    made += rng.sample(others, min(AGAINST, len(others)))
    for row in all_rows:
        written = row.kind == "transcribe" or (row.kind == "describe" and rng.random() < DESCRIBED)
        paired = row.kind.startswith("pairwise") and rng.random() < PAIRS
        if paired or written:
            made.append(row)
    return made


def _cut(tokens: Tokens) -> Tokens:
    end = tokens.choice + 1
    return tokens._replace(
        ids=tokens.ids[:end], targets=tokens.targets[:end], flags=tokens.flags[:end], letters=tokens.letters[:end]
    )


def _chunks(members: list[tuple[int, Tokens, Row]], pad: int) -> list[Chunk]:
    import torch

    ordered = sorted(members, key=lambda each: len(each[1].ids))
    made: list[Chunk] = []
    for start in range(0, len(ordered), CHUNK):
        part = ordered[start : start + CHUNK]
        length = max(len(tokens.ids) for _, tokens, _ in part)
        ids = np.full((len(part), length), pad, np.int64)
        targets, flags, letters = np.full((3, len(part), length), -100, np.int64)
        choices: list[tuple[int, int]] = []
        options, shares = np.zeros((len(part), 5), np.int64), np.zeros((len(part), 5), np.float32)
        for number, (_, tokens, _) in enumerate(part):
            n = len(tokens.ids)
            ids[number, :n], targets[number, :n] = tokens.ids, tokens.targets
            flags[number, :n], letters[number, :n] = tokens.flags, tokens.letters
            if tokens.choice >= 0:
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
                tuple(row for _, tokens, row in part if tokens.choice >= 0),
            )
        )
    return made
