"""Scores a judge against hand-made labels: precision, recall and F1 of word alarms and of finding boxes.

A word is in error if its label is `typo`, `missing`, `malformed` or `duplicate` (`punct` counts as correct). An alarm
is a word that the judge calls anything but `correct` or `punct`. A found box is a hit if it has IoU >= `MIN_IOU` with
an error box, or if its centre lies in one. An error box is found if some box hits it. A found box whose centre lies
in an ignore box is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evalkit.api.errors import SuiteError
from evalkit.api.records import Box
from evalkit.benchmarks.labels import Label, word_positions

MIN_IOU = 0.1
NO_ALARM = frozenset({"correct", "punct"})


@dataclass(frozen=True, slots=True)
class TextVerdict:
    """A judge's statement about the text of one picture.

    `words` has one status per token of `expected_text.split()`, over all expected texts one after the other. `None`
    means that the judge abstained; such a word is not counted. `boxes` are the boxes of its text findings.
    """

    words: tuple[str | None, ...]
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectionCounts:
    """Hits, false alarms and misses. A rate is `None` if its denominator is 0."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0
    found: int = 0
    """Errors that were found. Differs from `hits` where two boxes hit one error, or one box hits two errors."""

    @property
    def precision(self) -> float | None:
        alarms = self.hits + self.false_alarms
        return self.hits / alarms if alarms else None

    @property
    def recall(self) -> float | None:
        truths = self.found + self.misses
        return self.found / truths if truths else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; 0 where both are 0."""
        precision, recall = self.precision, self.recall
        if precision is None or recall is None:
            return None
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def __add__(self, other: DetectionCounts) -> DetectionCounts:
        return DetectionCounts(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
            self.found + other.found,
        )


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """One judge against one set of labels. `not_judged` are the ids of labelled pictures without a verdict."""

    pictures: int = 0
    words: DetectionCounts = field(default_factory=DetectionCounts)
    boxes: DetectionCounts = field(default_factory=DetectionCounts)
    not_judged: tuple[str, ...] = ()

    def __add__(self, other: LabelAgreement) -> LabelAgreement:
        return LabelAgreement(
            self.pictures + other.pictures,
            self.words + other.words,
            self.boxes + other.boxes,
            self.not_judged + other.not_judged,
        )


def score_labels(labels: Iterable[Label], judged: Mapping[str, TextVerdict]) -> dict[str, LabelAgreement]:
    """Agreement per source (the id up to its first `/`) and, under `all`, over all pictures.

    Raises:
        SuiteError: a verdict has another number of words than the expected text.
    """
    result: dict[str, LabelAgreement] = {"all": LabelAgreement()}
    for label in labels:
        verdict = judged.get(label.id)
        one = (
            LabelAgreement(not_judged=(label.id,))
            if verdict is None
            else LabelAgreement(1, count_words(label, verdict.words), count_boxes(label, verdict.boxes))
        )
        source = label.id.split("/")[0]
        result[source] = result.get(source, LabelAgreement()) + one
        result["all"] = result["all"] + one
    return result


def count_words(label: Label, statuses: tuple[str | None, ...]) -> DetectionCounts:
    """Count word alarms on one picture. Tokens without a label (see `word_positions`) are not counted."""
    expected = sum(len(text.split()) for text in label.expected_texts)
    if len(statuses) != expected:
        what = f"{len(statuses)} judged words for {expected} expected ones"
        raise SuiteError(what, where=label.id, hint="give one status per token of expected_text.split()")
    hits = false_alarms = misses = 0
    for word, position in zip(label.words, word_positions(label), strict=True):
        status = statuses[position]
        if status is None:
            continue
        alarm, wrong = status not in NO_ALARM, word.status not in NO_ALARM
        hits += alarm and wrong
        false_alarms += alarm and not wrong
        misses += wrong and not alarm
    return DetectionCounts(hits, false_alarms, misses, found=hits)


def count_boxes(label: Label, boxes: tuple[Box, ...]) -> DetectionCounts:
    """Count the finding boxes of one picture."""
    errors = [error.box for error in label.error_boxes]
    counted = [box for box in boxes if not any(_holds_centre(ignore, box) for ignore in label.ignore_boxes)]
    hits = sum(any(is_hit(box, error) for error in errors) for box in counted)
    found = sum(any(is_hit(box, error) for box in counted) for error in errors)
    return DetectionCounts(hits, len(counted) - hits, len(errors) - found, found)


def is_hit(found: Box, error: Box) -> bool:
    """Whether a found box hits this error box."""
    return found.iou(error) >= MIN_IOU or _holds_centre(error, found)


def _holds_centre(outer: Box, inner: Box) -> bool:
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return outer.x0 <= x < outer.x1 and outer.y0 <= y < outer.y1
