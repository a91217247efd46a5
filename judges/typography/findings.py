"""Turns matched words into located findings. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evalkit.api.records import DEFECT_FROM, FAILURE_FROM, JSON, Box, Finding, Grade, TextTarget
from evalkit.judges.typography.looks import alarms
from evalkit.judges.typography.match import Matching, MatchStatus, WordMatch
from evalkit.judges.typography.normalise import edit_distance, lenient
from evalkit.judges.typography.support import Sighting, flaw

DAMAGED, PLAINLY_READ = 0.3, 0.01
"""A right word has a finding of its own if its clarity is below the first value and its P(wrong) below the second. If
the reader was in doubt, the low clarity may be the reader's fault."""
SURPLUS = 0.4
"""Severity of a word too many: a defect."""
_KINDS = {MatchStatus.TYPO: "typo", MatchStatus.MALFORMED: "malformed", MatchStatus.PUNCTUATION: "typo"}


def findings(
    matching: Matching,
    sights: Sequence[Sighting | None],
    texts: Sequence[TextTarget],
    canvas: tuple[int, int],
    size: tuple[int, int],
) -> list[Finding]:
    """One finding per wrong, missing or surplus word, and per symbol drawn as another.

    Args:
        matching: the words of the picture.
        sights: the evidence for each expected word, if any.
        texts: the texts of the case.
        canvas: width and height that the boxes of `texts` refer to.
        size: width and height of the picture, px.
    """
    wrong = set(map(id, alarms(matching)))
    places = occurrences(matching.words)
    found = [
        _wrong(word, place, sight, matching, texts, canvas, size)
        for word, place, sight in zip(matching.words, places, sights, strict=True)
        if id(word) in wrong or (word.status is MatchStatus.PUNCTUATION and word.read and word.distance)
    ]
    damaged = [
        _damaged(word, place, size) for word, place in zip(matching.words, places, strict=True) if _is_damaged(word)
    ]
    return found + damaged + [_surplus(word, size) for word in matching.extras]


def occurrences(words: Sequence[WordMatch]) -> list[int]:
    """For each expected word its place among the words of its text, from 0.

    By it a defect is found again in the twin's picture: the second `the` of a text is not its first.
    """
    seen: Counter[int] = Counter()
    places = []
    for word in words:
        places.append(seen[word.target])
        seen[word.target] += 1
    return places


def _is_damaged(word: WordMatch) -> bool:
    plain = (
        word.right
        and word.p_wrong is not None
        and word.p_wrong < PLAINLY_READ
        and len(lenient(word.expected or "")) > 1
    )
    return plain and word.clarity is not None and word.clarity < DAMAGED


def _damaged(word: WordMatch, place: int, size: tuple[int, int]) -> Finding:
    """The finding of a word that is right but hardly legible."""
    clear = word.clarity or 0.0
    evidence = {"expected": word.expected, "occurrence": place, "read": word.read, "clarity": round(clear, 3)}
    message = f'"{word.expected}" can be read, but a glyph of it is badly drawn'
    box = within(word.box, size) if word.box is not None else Box(0, 0, *size)
    return Finding(
        "malformed", box, 1, "letters", _severity(1 - clear, Grade.DEFECT), message, evidence, f"text:{word.target}"
    )


def _wrong(
    word: WordMatch,
    place: int,
    sight: Sighting | None,
    matching: Matching,
    texts: Sequence[TextTarget],
    canvas: tuple[int, int],
    size: tuple[int, int],
) -> Finding:
    expected, read = word.expected or "", word.read
    letters = max(1, edit_distance(lenient(expected), lenient(read or "")))
    evidence: dict[str, JSON] = {"expected": expected, "occurrence": place, "read": read}
    if word.p_wrong is not None:
        evidence["p_wrong"] = round(word.p_wrong, 3)
    worst = flaw(sight)
    if worst is not None:
        evidence |= {"glyph": worst.character, "looks_like": worst.rival, "margin": round(worst.margin, 2)}
        box = within(worst.box, size)
        evidence["glyph_box"] = [round(v, 1) for v in (box.x0, box.y0, box.x1, box.y1)]
    target = f"text:{word.target}"
    if read is None or word.box is None:
        box = within(_where_missing(word, matching, texts, canvas, size), size)
        message = f'expected "{expected}", which is missing'
        evidence["read"] = None
        return Finding("missing-text", box, letters, "letters", 1.0, message, evidence, target)
    grade = Grade.DEFECT if word.status is MatchStatus.PUNCTUATION else Grade.FAILURE
    severity = _severity(letters / max(1, len(lenient(expected))), grade)
    message = f'expected "{expected}", read "{read}"'
    if word.status is MatchStatus.MALFORMED:
        glyph = f' at "{worst.character}"' if worst is not None else ""
        message = f'"{read}" for "{expected}" is not well formed{glyph}'
    kind, box = _KINDS[word.status], within(word.box, size)
    return Finding(kind, box, letters, "letters", severity, message, evidence, target, grade=grade)


def _severity(share: float, grade: Grade) -> float:
    """From the share of the letters that are wrong, within the range of the grade."""
    if grade is Grade.FAILURE:
        return FAILURE_FROM + (1 - FAILURE_FROM) * min(1.0, share)
    return DEFECT_FROM + (FAILURE_FROM - DEFECT_FROM) / 2 * min(1.0, share)


def _surplus(word: WordMatch, size: tuple[int, int]) -> Finding:
    read, whole = word.read or "", Box(0, 0, *size)
    target = f"text:{word.target}" if word.target >= 0 else ""
    evidence = {"expected": None, "read": read}
    box = within(word.box or whole, size)
    letters = len(lenient(read))
    if word.status is MatchStatus.DUPLICATE:
        return Finding(
            "duplicate-text", box, letters, "letters", SURPLUS, f'"{read}" is there one time too many', evidence, target
        )
    return Finding(
        "extra-text", box, letters, "letters", SURPLUS, f'read "{read}", which was not asked for', evidence, target
    )


def _where_missing(
    word: WordMatch, matching: Matching, texts: Sequence[TextTarget], canvas: tuple[int, int], size: tuple[int, int]
) -> Box:
    """The declared place of the word's text, else the hull of that text's other words, else the whole picture."""
    declared = texts[word.target].box
    if declared is not None:
        fx, fy = size[0] / canvas[0], size[1] / canvas[1]
        return Box(declared.x0 * fx, declared.y0 * fy, declared.x1 * fx, declared.y1 * fy)
    hull: Box | None = None
    for other in matching.words:
        if other.target == word.target and other.box is not None:
            hull = hull.union(other.box) if hull else other.box
    return hull or Box(0, 0, *size)


def within(box: Box, size: tuple[int, int]) -> Box:
    """The part of a box that is inside the picture."""
    x0, x1 = (min(max(x, 0.0), size[0]) for x in (box.x0, box.x1))
    y0, y1 = (min(max(y, 0.0), size[1]) for y in (box.y0, box.y1))
    return Box(x0, y0, x1, y1)
