"""Joins labels and scores of the same pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.errors import ConfigError
from evalkit.api.labels import Kind, Label
from evalkit.api.records import Dimension, Role, Status
from evalkit.store.run_reader import RunReader
from evalkit.studies.calibrate.read import RatedLabel

Values = NDArray[np.float64]
Cell = tuple[int, int, Role | None]
"""Index of a case, seed, and role of the picture; the role is `None` for the pair of student and teacher."""


class CaseValues(NamedTuple):
    """Values per case: labels and scores of the labelled cases, shape (n,), and scores of the others, shape (N,).

    A picture that the judge gave no score has the mean score of the scored ones (`LabelledScores.predictions`).
    `n_judged` is the number of cases with a score of the judge.
    """

    labels: Values
    scores: Values
    others: Values
    n_judged: int


@dataclass(frozen=True)
class LabelledScores:
    """The labels and the scores of one dimension.

    Args:
        dimension: the dimension that people were asked about.
        kind: kind of question.
        raters: names of the people.
        cells: labelled pictures or pairs that the judge scored too, grouped by case.
        ratings: answers of the people in [0, 1], shape (raters, cells); NaN where a person gave none.
        scores: the judge's values of these cells, shape (cells,).
        everything: the judge's values of all cells of the run.
        unscored: the cells with a picture that the judge was asked about and gave no score.
        unscored_labels: the mean answer to each of them that people labelled.
        n_unscored_labels: number of answers in it.
    """

    dimension: Dimension
    kind: Kind
    raters: tuple[str, ...]
    cells: tuple[Cell, ...]
    ratings: Values
    scores: Values
    everything: Mapping[Cell, float]
    unscored: frozenset[Cell] = frozenset()
    unscored_labels: Mapping[Cell, float] = field(default_factory=dict)
    n_unscored_labels: int = 0

    @cached_property
    def labels(self) -> Values:
        """Mean answer of the people, shape (cells,)."""
        return np.asarray(np.nanmean(self.ratings, axis=0)) if len(self.cells) else np.zeros(0)

    @cached_property
    def cases(self) -> NDArray[np.int_]:
        """Case of each cell, shape (cells,)."""
        return np.array([idx for idx, _, _ in self.cells], dtype=int)

    @cached_property
    def predictions(self) -> Mapping[Cell, float]:
        """One value for each cell of the run, scored or not, as prediction-powered inference uses them.

        Values of a dimension without bounds are replaced by their ranks (as shares of all), so that one huge value
        can't outweigh the rest. A cell without a score takes the mean of the scored cells. Any fixed rule that gives
        each picture a value keeps the estimate valid (Angelopoulos et al. 2023), and this one needs no label: what the
        judge does not say of the pictures that it abstains on, the labels on them do.
        """
        known = dict(self.everything)
        if None in (self.dimension.low, self.dimension.high):
            from scipy import stats

            ranks = stats.rankdata(list(known.values())) / max(len(known), 1)
            known = dict(zip(known, map(float, ranks), strict=True))
        middle = float(np.mean(list(known.values()))) if known else 0.0
        return known | dict.fromkeys(self.unscored, middle)

    @cached_property
    def answers(self) -> Mapping[Cell, float]:
        """The mean answer to every labelled cell, scored or not."""
        return dict(zip(self.cells, map(float, self.labels), strict=True)) | dict(self.unscored_labels)

    @property
    def upwards(self) -> bool:
        """Whether a higher value of the judge means a better picture; for pairs it always does."""
        return self.kind == "pairwise" or self.dimension.higher_is_better

    @property
    def n_labels(self) -> int:
        """Number of answers given, those on pictures without a score included."""
        return int((~np.isnan(self.ratings)).sum()) + self.n_unscored_labels

    def judges_mean(self, role: Role | None, *, difference: bool) -> float | None:
        """The judge's own mean over cases, in its unit: of one role, of pairs (`None`), or of student minus teacher.

        `None` where it scored none of them.
        """
        if difference:
            values = [
                (idx, value - self.everything[idx, seed, Role.TEACHER])
                for (idx, seed, of), value in self.everything.items()
                if of is Role.STUDENT and (idx, seed, Role.TEACHER) in self.everything
            ]
        else:
            values = [(idx, value) for (idx, _, of), value in self.everything.items() if of is role]
        return float(np.mean(_means(values))) if values else None

    def by_case(self, role: Role | None, pass_level: float | None = None) -> CaseValues:
        """The input of prediction-powered inference for the pictures of one role (`None`: for pairs).

        The labels are the mean answers, or with a `pass_level` 1 for a pass and 0 for a fail.
        """
        said = {cell: worth for cell, worth in self.answers.items() if cell[2] is role}
        if pass_level is not None:
            said = {cell: float(passes(worth, pass_level)) for cell, worth in said.items()}
        ours = [(cell[0], worth) for cell, worth in said.items()]
        theirs = [(cell[0], self.predictions[cell]) for cell in said]
        labelled = {idx for idx, _ in ours}
        rest = [(idx, v) for (idx, _, r), v in self.predictions.items() if r is role and idx not in labelled]
        judged = {idx for idx, _, r in self.everything if r is role}
        return CaseValues(_means(ours), _means(theirs), _means(rest), len(judged))

    def differences(self) -> CaseValues:
        """The same for student minus teacher, over the cases and seeds that have both pictures."""
        change = {
            (idx, seed): value - self.predictions[idx, seed, Role.TEACHER]
            for (idx, seed, role), value in self.predictions.items()
            if role is Role.STUDENT and (idx, seed, Role.TEACHER) in self.predictions
        }
        said = self.answers
        both = [place for place in change if (*place, Role.STUDENT) in said and (*place, Role.TEACHER) in said]
        ours = [(place[0], said[*place, Role.STUDENT] - said[*place, Role.TEACHER]) for place in both]
        theirs = [(place[0], change[place]) for place in both]
        labelled = {idx for idx, _ in ours}
        rest = [(idx, value) for (idx, _), value in change.items() if idx not in labelled]
        known = self.everything
        judged = {idx for idx, seed in change if all((idx, seed, role) in known for role in Role)}
        return CaseValues(_means(ours), _means(theirs), _means(rest), len(judged))


def passes(worth: NDArray[np.float64] | float, level: float) -> NDArray[np.bool_] | np.bool_:
    """Whether people pass a picture to which they give this value."""
    return np.asarray(worth) >= level - 1e-9


def join(reader: RunReader, given: Sequence[RatedLabel], known: Mapping[str, Dimension]) -> Iterator[LabelledScores]:
    """The labels of each dimension and kind of question, with the run's scores.

    Raises:
        ConfigError: a label names a picture, a role or a dimension that this run does not have; names file and entry.
    """
    pictures = _Pictures(reader)
    answers: dict[tuple[str, Kind], dict[Cell, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for rater, label, where in given:
        if label.dimension not in known:
            has = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"this run has no dimension `{label.dimension}`", where=where, hint=f"it has {has}")
        answers[label.dimension, label.kind][pictures.cell(label, where)][rater] = label.worth
    for (name, kind), cells in answers.items():
        dimension = known[name]
        everything, unscored = _everything(reader, dimension, pairs=kind == "pairwise")
        ordered = sorted(cells, key=lambda cell: (cell[0], cell[1], str(cell[2])))
        kept = [cell for cell in ordered if cell in everything]
        silent = {cell: list(cells[cell].values()) for cell in ordered if cell in unscored}
        raters = tuple(sorted({rater for cell in (*kept, *silent) for rater in cells[cell]}))
        row = {rater: i for i, rater in enumerate(raters)}
        ratings = np.full((len(raters), len(kept)), np.nan)
        for column, cell in enumerate(kept):
            for rater, worth in cells[cell].items():
                ratings[row[rater], column] = worth
        scores = np.array([everything[cell] for cell in kept], dtype=float)
        yield LabelledScores(
            dimension, kind, raters, tuple(kept), ratings, scores, everything, unscored,
            {cell: float(np.mean(worths)) for cell, worths in silent.items()}, sum(map(len, silent.values())),
        )  # fmt: skip


class _Pictures:
    """Looks up the run's pictures, each of them once."""

    def __init__(self, reader: RunReader) -> None:
        self._reader = reader
        self._cases: dict[str, int | None] = {}
        self._shas: dict[tuple[int, int, Role], str | None] = {}

    def cell(self, label: Label, where: str) -> Cell:
        if label.case_id not in self._cases:
            found = self._reader.find_case(label.case_id)
            self._cases[label.case_id] = found.idx if found else None
        idx = self._cases[label.case_id]
        if idx is None:
            raise ConfigError(
                f"this run has no case {label.case_id!r}",
                where=where,
                hint="give the run that was labelled",
            )
        for shown in label.pictures:
            if self._sha(idx, label.seed, shown.role) != shown.sha256:
                raise ConfigError(
                    f"{label.case_id}, seed {label.seed}: this run's {shown.role.value} has another picture than "
                    f"{shown.sha256[:12]}…",
                    where=where,
                    hint="give the run that has the labelled pictures",
                )
        return idx, label.seed, label.pictures[0].role if len(label.pictures) == 1 else None

    def _sha(self, idx: int, seed: int, role: Role) -> str | None:
        key = idx, seed, role
        if key not in self._shas:
            sample = self._reader.sample(role, idx, seed)
            self._shas[key] = sample.sha256 if sample and sample.ok else None
        return self._shas[key]


def _everything(reader: RunReader, dimension: Dimension, *, pairs: bool) -> tuple[dict[Cell, float], frozenset[Cell]]:
    """The judge's value of every cell, and the cells with a picture that it gave no value.

    The value of a pair is the student's minus the teacher's, with the sign changed if lower is better. If the judge
    does not score the teacher, it is the student's own value, because a preference is already about the pair. What a
    case does not ask for is in neither.
    """
    found: dict[Cell, float] = {}
    silent: set[Cell] = set()
    drawn = {role: reader.drawn(role) for role in Role}
    for idx, _, seed, role, status, value in reader.cells(dimension.name, 0):
        if value is not None:
            found[idx, seed, role] = value
        elif status is not Status.NOT_APPLICABLE and drawn[role].get((idx, seed)):
            silent.add((idx, seed, role))
    if not pairs:
        return found, frozenset(silent)
    sign = 1.0 if dimension.higher_is_better else -1.0
    asked = {*found, *silent}
    of_pair = {(idx, seed): sign * value for (idx, seed, role), value in found.items() if role is Role.STUDENT}
    if any(role is Role.TEACHER for _, _, role in asked):
        of_pair = {
            (idx, seed): value - sign * found[idx, seed, Role.TEACHER]
            for (idx, seed), value in of_pair.items()
            if (idx, seed, Role.TEACHER) in found
        }
    known: dict[Cell, float] = {(*place, None): value for place, value in of_pair.items()}
    places = {(idx, seed) for idx, seed, _ in asked if all(drawn[role].get((idx, seed)) for role in Role)}
    return known, frozenset((idx, seed, None) for idx, seed in places if (idx, seed, None) not in known)


def _means(values: Sequence[tuple[int, float]]) -> Values:
    """Mean per case, in the order of the cases' indices; shape (n_cases,)."""
    if not values:
        return np.zeros(0)
    cases = np.array([idx for idx, _ in values])
    _, where, counts = np.unique(cases, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(where, weights=np.array([v for _, v in values])) / counts)
