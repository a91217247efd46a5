"""Decides which read word stands for which expected word. Pure functions on strings and boxes.

Expected strings are split at white space. Read words are first cut or joined if that makes them fit (`HELLOWORLD` for
two words, `BAK ERY` for one), then assigned one to one (Hungarian method) by edit distance. Of equal candidates the one
that is nearest in reading order and beside its neighbour in the text wins: of repeated words the first read one stands
for the first expected one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Box
from evalkit.judges.typography.normalise import SEPARATORS, edit_distance, is_symbol, lenient, similarity, strict

LEAST_SIMILAR = 0.4
"""Least similarity of a read word to an expected word. Below it, the expected word counts as missing."""
FITS_CUT_OR_JOINED = 0.75
"""Least similarity of a cut or joined word to its expected word. Cutting or joining must also improve the match."""
MOST_PARTS = 4
COPIED_LINE, SHORTEST_COPY = 0.6, 4
"""A surplus word that is also an expected word counts as a copy if this share of its line was asked for and it has this
many letters, or if all of its line was asked for."""
_BARS_AND_RINGS = frozenset("il1o0")
"""Readers see these characters in rules, bars and rings. A line of nothing else that was not asked for is not text."""
_EXACT_BONUS = 0.05
"""Prefers one right word and one with two wrong letters to two words with one wrong letter each."""
_MARKS_BONUS = 0.03
"""Prefers, of two copies, the one with its marks (`ft.`)."""
_OTHER_SYMBOL = 0.5
"""Similarity of two different symbols (`℗` drawn as `©`): enough to stand for each other if nothing else does."""
_ORDER_WEIGHT = 0.02
"""Weight of the reading order: less than one letter of a 50-letter word, so that it only decides between equals."""


class MatchStatus(StrEnum):
    """The result for a word.

    `DUPLICATE`: correct, and drawn again elsewhere; the copies have this status too. `MALFORMED`: there, but with a
    glyph that is not a character. `UNSURE`: the reader abstains.
    """

    CORRECT = "correct"
    TYPO = "typo"
    MISSING = "missing"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"
    UNSURE = "unsure"
    PUNCTUATION = "punctuation"
    EXTRA = "extra"


RIGHT = frozenset({MatchStatus.CORRECT, MatchStatus.DUPLICATE, MatchStatus.PUNCTUATION})
"""The statuses of an expected word that is there letter by letter."""


@dataclass(frozen=True, slots=True)
class ReadWord:
    """One word as read: `line` numbers its line in reading order; `confidence` is that of the line.

    `clarity` is the probability of its least sure character, `None` where it is not known.
    """

    text: str
    box: Box
    line: int
    confidence: float = 1.0
    clarity: float | None = None


@dataclass(frozen=True, slots=True)
class WordMatch:
    """One expected word (`expected` is set) and what was read for it, or one read word that was not asked for.

    `target` is the index of the text it belongs to, -1 for an extra word that belongs to no text. `p_wrong` is the
    calibrated probability that the word is wrong; `None` if there is no evidence besides the reading. `reason` says why
    an unsure word is unsure.
    """

    target: int
    expected: str | None
    read: str | None
    status: MatchStatus
    box: Box | None
    confidence: float = 1.0
    p_wrong: float | None = None
    reason: str = ""
    clarity: float | None = None

    @property
    def right(self) -> bool:
        return self.status in RIGHT

    @property
    def distance(self) -> int:
        """Edits between the lenient keys: wrong, missing or surplus letters."""
        return edit_distance(lenient(self.expected or ""), lenient(self.read or ""))

    @property
    def similarity(self) -> float:
        """1 − NED of the lenient keys."""
        return 1.0 if self.right else similarity(lenient(self.expected or ""), lenient(self.read or ""))


@dataclass(frozen=True, slots=True)
class Matching:
    """`words`: one per expected word, in order. `extras`: the read words that stand for no expected word."""

    words: tuple[WordMatch, ...]
    extras: tuple[WordMatch, ...]


@dataclass(frozen=True, slots=True)
class _ExpectedWord:
    target: int
    text: str
    key: str

    @property
    def symbol(self) -> bool:
        return is_symbol(self.key)


def match(expected: Sequence[str], read: Sequence[ReadWord], *, extra_confidence: float = 0.0) -> Matching:
    """Assign `read` words (in reading order) to the words of the `expected` texts.

    Args:
        expected: the texts that were asked for; each is split at white space.
        read: the words of the picture.
        extra_confidence: words of lines read with less confidence are never called extra. Neither is a line of a single
            Latin letter or digit, or of bars and rings (`111`), because readers see those in icons.
    """
    wanted = [_ExpectedWord(i, word, lenient(word)) for i, text in enumerate(expected) for word in text.split()]
    words = _join(_cut(list(read), wanted), wanted)
    pairs = _assign(wanted, words)
    owner = {e.key: e.target for e in reversed(wanted)}
    matches = [_judged(e, words[pairs[i]] if i in pairs else None) for i, e in enumerate(wanted)]
    found = {wanted[i].key for i in pairs if matches[i].right}
    used = set(pairs.values())
    surplus = [w for j, w in enumerate(words) if j not in used and lenient(w.text)]
    on_line: Counter[int] = Counter()
    for word in words:
        on_line[word.line] += len(lenient(word.text))
    drawn = {w.line for w in words if not set(lenient(w.text)) <= _BARS_AND_RINGS}
    credible = [w for w in surplus if w.line in drawn and (on_line[w.line] > 1 or not lenient(w.text).isascii())]
    copies = _copied_lines(surplus, wanted) if any(lenient(w.text) in found for w in credible) else {}
    extras = [_surplus(w, owner, found, copies) for w in credible if w.confidence >= extra_confidence]
    copied = {lenient(x.read or "") for x in extras if x.status is MatchStatus.DUPLICATE}
    return Matching(tuple(_mark(m, copied) for m in matches), tuple(extras))


def _judged(wanted: _ExpectedWord, word: ReadWord | None) -> WordMatch:
    if word is None:
        status = MatchStatus.MISSING if wanted.key else MatchStatus.PUNCTUATION
        return WordMatch(wanted.target, wanted.text, None, status, None)
    if lenient(word.text) != wanted.key:
        status = MatchStatus.PUNCTUATION if wanted.symbol else MatchStatus.TYPO
    elif strict(word.text).casefold() == strict(wanted.text).casefold():
        status = MatchStatus.CORRECT
    else:
        status = MatchStatus.PUNCTUATION
    return WordMatch(wanted.target, wanted.text, word.text, status, word.box, word.confidence, clarity=word.clarity)


def _surplus(word: ReadWord, owner: dict[str, int], found: set[str], copies: dict[int, float]) -> WordMatch:
    """A word that was not asked for. It is a copy only in a line of copies: an `of` in other text is not a copy."""
    key = lenient(word.text)
    share = copies.get(word.line, 0.0)
    copy = key in found and (share == 1 or (share >= COPIED_LINE and len(key) >= SHORTEST_COPY))
    status = MatchStatus.DUPLICATE if copy else MatchStatus.EXTRA
    return WordMatch(owner.get(key, -1) if copy else -1, None, word.text, status, word.box, word.confidence)


def _copied_lines(words: Sequence[ReadWord], wanted: Sequence[_ExpectedWord]) -> dict[int, float]:
    """For each line with surplus `words`, the share of their letters that belong to expected words.

    At least `COPIED_LINE` for a line with two long neighbours of an expected text, whatever else stands in it.
    """
    keys = {e.key for e in wanted if e.key}
    runs = {
        (a.key, b.key)
        for a, b in pairwise(wanted)
        if a.target == b.target and min(len(a.key), len(b.key)) >= SHORTEST_COPY
    }
    lines: dict[int, list[str]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(lenient(word.text))
    shares = {}
    for line, read in lines.items():
        shares[line] = sum(len(key) for key in read if key in keys) / max(1, sum(map(len, read)))
        if shares[line] < COPIED_LINE and any(pair in runs for pair in pairwise(read)):
            shares[line] = COPIED_LINE
    return shares


def _mark(found: WordMatch, copied: set[str]) -> WordMatch:
    copied_too = found.right and lenient(found.expected or "") in copied
    return replace(found, status=MatchStatus.DUPLICATE) if copied_too else found


def _assign(wanted: Sequence[_ExpectedWord], words: Sequence[ReadWord]) -> dict[int, int]:
    """Expected index -> read index, at the least total cost. Pairs below `LEAST_SIMILAR` are not matched.

    The assignment is solved twice. The second time, of two equal words the one beside its neighbour in the text wins.
    """
    if not wanted or not words:
        return {}
    cost = _costs(wanted, words)
    first = _solve(cost)
    for i in range(len(wanted)):
        for step in (-1, 1):
            neighbour = first.get(i + step)
            beside = neighbour - step if neighbour is not None else -1
            if 0 <= beside < len(words) and words[beside].line == words[beside + step].line:
                cost[i, beside] -= _ORDER_WEIGHT
    return _solve(cost)


def _costs(wanted: Sequence[_ExpectedWord], words: Sequence[ReadWord]) -> NDArray[np.float64]:
    """NED of every pair plus the distance of the two in reading order; infinite for unlike pairs."""
    cost = np.full((len(wanted), len(words)), np.inf)
    for i, e in enumerate(wanted):
        for j, word in enumerate(words):
            key = lenient(word.text)
            if bool(e.key) != bool(key):
                continue
            likeness = _likeness(e.key, key) if key else similarity(strict(e.text), strict(word.text))
            if e.symbol and likeness < _OTHER_SYMBOL and is_symbol(key):
                likeness = _OTHER_SYMBOL
            if likeness > LEAST_SIMILAR:
                order = abs((i + 0.5) / len(wanted) - (j + 0.5) / len(words))
                cost[i, j] = 1.0 - likeness + _ORDER_WEIGHT * order
                if likeness == 1.0:
                    same = strict(e.text).casefold() == strict(word.text).casefold()
                    cost[i, j] -= _EXACT_BONUS + (_MARKS_BONUS if same else 0.0)
    return cost


def _solve(cost: NDArray[np.float64]) -> dict[int, int]:
    from scipy.optimize import linear_sum_assignment

    n, m = cost.shape
    # each row has a column of its own: no partner costs 1, more than any partner
    square = np.full((n, m + n), 1.0)
    square[:, :m] = np.where(np.isfinite(cost), cost, 2.0)
    rows, columns = linear_sum_assignment(square)
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True) if j < m and np.isfinite(cost[i, j])}


def _likeness(a: str, b: str, least: float = LEAST_SIMILAR) -> float:
    """`similarity`, or 0 at once if the lengths alone show that it is at most `least`."""
    longest = max(len(a), len(b))
    return similarity(a, b) if longest and min(len(a), len(b)) > least * longest else 0.0


# ------------------------------------------------------------------------------------------- words cut and joined


def _cut(words: list[ReadWord], wanted: Sequence[_ExpectedWord]) -> list[ReadWord]:
    """Cut read words that are two to four neighbouring expected words without their spaces.

    Neighbours of one text may have a typo; those of several texts (`90%48%75%` in a row of figures) must be exact.
    """
    symbols = {e.key for e in wanted if len(e.key) == 1 and not e.key.isalnum()}
    apart = [part for word in words for part in _symbols_apart(word, symbols)]
    return [part for word in apart for part in _cut_one(word, wanted)]


def _symbols_apart(word: ReadWord, symbols: set[str]) -> list[ReadWord]:
    """Cut a read word in two if an expected symbol is joined to its front or back (`&Co`)."""
    if len(word.text) > 1 and word.text[0] in symbols:
        return _pieces(word, [word.text[0], word.text[1:]])
    if len(word.text) > 1 and word.text[-1] in symbols:
        return _pieces(word, [word.text[:-1], word.text[-1]])
    return [word]


def _cut_one(word: ReadWord, wanted: Sequence[_ExpectedWord]) -> list[ReadWord]:
    key, keyed = lenient(word.text), [e for e in wanted if e.key]
    best = max((_likeness(e.key, key) for e in keyed), default=0.0)
    chosen: list[_ExpectedWord] = []
    for start in range(len(keyed)):
        for stop in range(start + 2, min(start + MOST_PARTS, len(keyed)) + 1):
            run = keyed[start:stop]
            value = _likeness("".join(e.key for e in run), key, FITS_CUT_OR_JOINED)
            if value > best and (value == 1.0 or run[0].target == run[-1].target):
                best, chosen = value, run
    if not chosen or best < FITS_CUT_OR_JOINED:
        return [word]
    pieces = _pieces(word, _split(word.text, chosen))
    if any(not e.key and e.target == chosen[0].target for e in wanted):  # `9am-6pm` for `9am - 6pm`
        pieces = [replace(piece, text=piece.text.strip(SEPARATORS)) for piece in pieces]
    return [piece for piece in pieces if lenient(piece.text)]


def _split(text: str, wanted: Sequence[_ExpectedWord]) -> list[str]:
    """`text` cut where the expected words end, with their marks if possible, else where their letters end."""
    if "".join(e.text for e in wanted).casefold() != text.casefold():
        return split_like(text, [e.key for e in wanted])
    ends = [sum(len(e.text) for e in wanted[:n]) for n in range(len(wanted) + 1)]
    return [text[start:end] for start, end in pairwise(ends)]


def split_like(text: str, keys: Sequence[str]) -> list[str]:
    """`text` cut into `len(keys)` pieces so that the sum of the edit distances of pieces and keys is least."""
    best: dict[int, tuple[int, list[str]]] = {0: (0, [])}
    for n, key in enumerate(keys, start=1):
        last = n == len(keys)
        step: dict[int, tuple[int, list[str]]] = {}
        for end in [len(text)] if last else range(len(text) + 1):
            options = [
                (cost + edit_distance(key, lenient(text[start:end])), [*pieces, text[start:end]])
                for start, (cost, pieces) in best.items()
                if start <= end
            ]
            step[end] = min(options, key=lambda option: option[0])
        best = step
    return best[len(text)][1]


def _pieces(word: ReadWord, texts: Sequence[str]) -> list[ReadWord]:
    """The word cut into `texts`. Its box is divided along its longer side in proportion to their lengths."""
    box, total, done, pieces = word.box, sum(map(len, texts)), 0, []
    for text in texts:
        a, b = done / total, (done + len(text)) / total
        if box.width >= box.height:
            part = Box(box.x0 + a * box.width, box.y0, box.x0 + b * box.width, box.y1)
        else:
            part = Box(box.x0, box.y0 + a * box.height, box.x1, box.y0 + b * box.height)
        done += len(text)
        if text:
            pieces.append(replace(word, text=text, box=part))
    return pieces


def _join(words: list[ReadWord], wanted: Sequence[_ExpectedWord]) -> list[ReadWord]:
    """Join runs of two to four neighbouring read words that together are one expected word.

    Neighbours in one line may be joined into a word with a typo; across a line break only into the exact word.
    """
    keys = {e.key for e in wanted if len(e.key) > 1}
    exact = {e.key for e in wanted}
    joined: list[ReadWord] = []
    i = 0
    while i < len(words):
        size = next(
            (n for n in range(min(MOST_PARTS, len(words) - i), 1, -1) if _fit(words[i : i + n], keys, exact)), 1
        )
        run = words[i : i + size]
        box = run[0].box
        for word in run[1:]:
            box = box.union(word.box)
        clarity = min((w.clarity for w in run if w.clarity is not None), default=None)
        joined.append(replace(run[0], text="".join(w.text for w in run), box=box, clarity=clarity))
        i += size
    return joined


def _fit(run: Sequence[ReadWord], keys: set[str], exact: set[str]) -> bool:
    parts = [lenient(word.text) for word in run]
    if not all(parts) or all(part in exact for part in parts):
        return False
    whole = "".join(parts)
    if whole in keys:
        return True
    if run[0].line != run[-1].line:
        return False
    value = max((_likeness(whole, key) for key in keys), default=0.0)
    alone = max((_likeness(part, other) for part in parts for other in exact), default=0.0)
    return value >= FITS_CUT_OR_JOINED and value > alone and not any(part in exact for part in parts)
