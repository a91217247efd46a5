"""From matched words to scores and located findings (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evalkit.records import Box, Finding, TextTarget
from judges.typography.looks import alarms
from judges.typography.match import Matching, Status, WordMatch
from judges.typography.normalise import edit_distance, lenient


class Measures(NamedTuple):
    """The figures of one picture; lone separators (`-`, `/`) among the expected words count for nothing.

    `word_accuracy`: share of expected words that are there letter by letter. `exact`: 1 if each is, with its
    punctuation, and there is no other word. `ned`: mean over expected words of 1 − edit distance / longer length.
    `cer`: edits over expected letters. `extra_words`: words nobody asked for.
    """

    word_accuracy: float
    exact: float
    ned: float
    cer: float
    extra_words: int


def measure(matching: Matching) -> Measures | None:
    """The figures, or `None` where no expected word has anything to read."""
    words = [word for word in matching.words if lenient(word.expected or "")]
    if not words:
        return None
    letters = sum(len(lenient(word.expected or "")) for word in words)
    exact = all(word.status is Status.CORRECT for word in words) and not matching.extras
    return Measures(
        word_accuracy=sum(word.right for word in words) / len(words),
        exact=float(exact),
        ned=sum(word.similarity for word in words) / len(words),
        cer=sum(0 if word.right else word.distance for word in words) / letters,
        extra_words=len(matching.extras),
    )


def findings(
    matching: Matching, texts: Sequence[TextTarget], canvas: tuple[int, int], size: tuple[int, int]
) -> list[Finding]:
    """One finding per wrong, missing or surplus word.

    Args:
        matching: the words of the picture.
        texts: the texts of the case.
        canvas: width and height that the boxes of `texts` refer to.
        size: width and height of the picture, px.
    """
    found = [_wrong(word, matching, texts, canvas, size) for word in alarms(matching)]
    return found + [_surplus(word, size) for word in matching.extras]


def _wrong(
    word: WordMatch, matching: Matching, texts: Sequence[TextTarget], canvas: tuple[int, int], size: tuple[int, int]
) -> Finding:
    expected, read = word.expected or "", word.read
    letters = edit_distance(lenient(expected), lenient(read or ""))
    evidence = {"expected": expected, "read": read}
    target = f"text:{word.target}"
    if read is None or word.box is None:
        box = _within(_where_missing(word, matching, texts, canvas, size), size)
        message = f'expected "{expected}", which is missing'
        return Finding("missing-text", box, letters, "letters", 1.0, message, evidence, target)
    severity = min(1.0, max(0.25, letters / max(1, len(lenient(expected)))))
    message = f'expected "{expected}", read "{read}"'
    return Finding("typo", _within(word.box, size), letters, "letters", severity, message, evidence, target)


def _surplus(word: WordMatch, size: tuple[int, int]) -> Finding:
    read, whole = word.read or "", Box(0, 0, *size)
    target = f"text:{word.target}" if word.target >= 0 else ""
    evidence = {"expected": None, "read": read}
    box = _within(word.box or whole, size)
    letters = len(lenient(read))
    if word.status is Status.DUPLICATE:
        return Finding(
            "duplicate-text", box, letters, "letters", 0.5, f'"{read}" is there once too often', evidence, target
        )
    return Finding(
        "extra-text", box, letters, "letters", 0.5, f'read "{read}", which nobody asked for', evidence, target
    )


def _where_missing(
    word: WordMatch, matching: Matching, texts: Sequence[TextTarget], canvas: tuple[int, int], size: tuple[int, int]
) -> Box:
    """The declared place of its text, else the hull of that text's other words, else the whole picture."""
    declared = texts[word.target].box
    if declared is not None:
        fx, fy = size[0] / canvas[0], size[1] / canvas[1]
        return Box(declared.x0 * fx, declared.y0 * fy, declared.x1 * fx, declared.y1 * fy)
    hull: Box | None = None
    for other in matching.words:
        if other.target == word.target and other.box is not None:
            hull = hull.union(other.box) if hull else other.box
    return hull or Box(0, 0, *size)


def _within(box: Box, size: tuple[int, int]) -> Box:
    x0, x1 = (min(max(x, 0.0), size[0]) for x in (box.x0, box.x1))
    y0, y1 = (min(max(y, 0.0), size[1]) for y in (box.y0, box.y1))
    return Box(x0, y0, x1, y1)
