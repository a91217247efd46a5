"""Aligns an expected text with the output of the recogniser, by CTC forced alignment. Pure functions.

For every frame, the deficit of a class is log p(class) − log p(best class): 0 if the reader agrees, far below 0 if it
sees something else. The words of a text form a chain of states (Graves et al. 2006: a state per character, with
optional blanks between them and a mandatory one between two equal characters). A path may enter at any word and leave
after any word, but only at a boundary: the end of the strip, a space, a mark, another script. The cost of the best path
through a word is the evidence against that word, and the frames of each character give its place.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.judges.typography.normalise import is_ideographic, is_letter, strict

NEVER = np.float32(-1e4)
_ALIKE = ("0Oo", "Il1|")
_WITHIN_WORDS = "'’‘`´"
_WITHIN_NUMBERS = _WITHIN_WORDS + ".,:;/-–—~・·%"
LEAST_P = 1e-4
"""Characters that nowhere in a strip exceed this probability are not kept, and are assumed to have it everywhere."""
FLOOR = float(np.log(LEAST_P))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The output of the recogniser for one strip. `log_p` (frames, kept) is for the kept `characters`, blank first.

    `width` is the share of the frames that the strip fills.
    """

    characters: tuple[str, ...]
    log_p: NDArray[np.float32]
    width: float

    def place(self, frame: float) -> float:
        """The position of the middle of a frame along the strip, in [0, 1]."""
        return min(1.0, (frame + 0.5) / (len(self.log_p) * self.width))


class Letter(NamedTuple):
    """One character as read: its place along the strip in [0, 1], its first frame, and its probability."""

    character: str
    place: float
    frame: int
    p: float


class AlignedCharacter(NamedTuple):
    """One character of an expected word at its place in a strip.

    `margin` is log p(character) − log p(best other character) at the frame where it is likeliest, in nats. It is
    negative if `rival` looks more like what is drawn. `cost` ≤ 0 is the sum of the deficits over its frames.
    """

    character: str
    place: float
    margin: float
    rival: str
    p: float
    cost: float


class Alignment(NamedTuple):
    """One expected word aligned with a strip. `cost` ≤ 0 (nats); near 0 the strip shows the word."""

    cost: float
    letters: tuple[AlignedCharacter, ...]
    start: float
    stop: float


def keep(p: NDArray[np.float32], width: float, alphabet: Sequence[str]) -> Evidence:
    """The evidence in the probabilities (frames, classes), for the frames that the strip fills."""
    used = max(1, round(len(p) * width))
    p = p[: used + 1]
    likely = p.max(axis=0) > LEAST_P
    likely[0] = True
    classes = np.flatnonzero(likely)
    return Evidence(tuple(alphabet[c] for c in classes), np.log(np.maximum(p[:, classes], 1e-9)), used / len(p))


def decode(evidence: Evidence) -> list[Letter]:
    """The likeliest class of each frame, without repeats and blanks. `p` is the highest probability of its frames."""
    best = evidence.log_p.argmax(axis=1)
    letters: list[Letter] = []
    for frame, (now, before) in enumerate(zip(best, [0, *best[:-1]], strict=True)):
        if not now:
            continue
        p = float(np.exp(evidence.log_p[frame, now]))
        if now != before:
            letters.append(Letter(evidence.characters[now], evidence.place(frame), frame, p))
        elif p > letters[-1].p:
            letters[-1] = letters[-1]._replace(p=p)
    return letters


class _Chain(NamedTuple):
    """The states of a text's words, and for each state its word and its character (`-1`: none)."""

    emits: tuple[frozenset[str], ...]
    word: NDArray[np.int32]
    letter: NDArray[np.int32]
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]
    skip: NDArray[np.bool_]
    """Whether the state may be entered from two states before: its character differs from the previous one."""
    edge: NDArray[np.int32]
    """The `_Edge` of the state's character."""


class _Edge(IntEnum):
    """The kind of character at the edge of a word. It decides what may stand beside the word."""

    LETTER = 0
    DIGIT = 1
    IDEOGRAPH = 2


def align(evidence: Evidence, words: Sequence[str], least: float = float(NEVER)) -> list[Alignment | None]:
    """Align each of the consecutive `words` of a text with a strip.

    `None` for a word that has nothing to read, and for one whose cost is below `least` (nats, negative).
    """
    chain = _chain(tuple(words))
    nothing: list[Alignment | None] = [None] * len(words)
    if not len(chain.word) or not len(evidence.log_p):
        return nothing
    deficits = _deficits(evidence, chain)
    backwards = _reversed(evidence)
    entry = np.stack([_boundary(evidence, kind)[:-1] for kind in _Edge], axis=1)[:, chain.edge]
    leave = np.stack([_boundary(backwards, kind)[::-1][1:] for kind in _Edge], axis=1)[:, chain.edge]
    forward = _forward(deficits, chain, np.where(chain.first, entry, NEVER))
    backward = _backward(deficits, chain, np.where(chain.last, leave, NEVER))
    through = forward + backward
    for index in range(len(words)):
        states = np.flatnonzero((chain.word == index) & (chain.letter == 0))
        if not len(states):
            continue
        state = int(states[0])
        frame = int(through[:, state].argmax())
        cost = float(through[frame, state])
        if cost < least:
            continue
        nothing[index] = _traced(evidence, chain, deficits, forward, backward, index, frame, state, cost)
    return nothing


def _forward(deficits: NDArray[np.float32], chain: _Chain, entry: NDArray[np.float32]) -> NDArray[np.float32]:
    """Best score of a path that is in each state at each frame, including that frame."""
    out = np.empty_like(deficits)
    before = np.full(deficits.shape[1], NEVER, np.float32)
    for t in range(len(deficits)):
        now = np.maximum(before, entry[t])
        now[1:] = np.maximum(now[1:], before[:-1])
        now[2:] = np.maximum(now[2:], np.where(chain.skip[2:], before[:-2], NEVER))
        before = now + deficits[t]
        out[t] = before
    return out


def _backward(deficits: NDArray[np.float32], chain: _Chain, leave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Best score of the path after each state at each frame, excluding that frame."""
    out = np.empty_like(deficits)
    after = np.full(deficits.shape[1], NEVER, np.float32)
    for t in range(len(deficits) - 1, -1, -1):
        now = np.maximum(after, leave[t])
        now[:-1] = np.maximum(now[:-1], after[1:])
        now[:-2] = np.maximum(now[:-2], np.where(chain.skip[2:], after[2:], NEVER))
        out[t] = now
        after = now + deficits[t]
    return out


def _traced(
    evidence: Evidence,
    chain: _Chain,
    deficits: NDArray[np.float32],
    forward: NDArray[np.float32],
    backward: NDArray[np.float32],
    index: int,
    frame: int,
    state: int,
    cost: float,
) -> Alignment:
    """The path through the word, from the start of its first character, which is active at `frame`, to its end."""
    path = [(frame, state)]
    t, s = frame, state
    while t + 1 < len(deficits):
        steps = (
            [s] + [s + 1] * (s + 1 < len(chain.word)) + [s + 2] * bool(s + 2 < len(chain.word) and chain.skip[s + 2])
        )
        values = [float(backward[t + 1, n] + deficits[t + 1, n]) for n in steps]
        best = int(np.argmax(values))
        if values[best] < float(backward[t, s]) - 1e-3 or chain.word[steps[best]] != index:
            break
        t, s = t + 1, steps[best]
        path.append((t, s))
    t = frame
    while t > 0 and abs(float(forward[t, state] - deficits[t, state] - forward[t - 1, state])) < 1e-3:
        t -= 1
        path.insert(0, (t, state))
    letters = []
    for number in range(int(chain.letter[chain.word == index].max()) + 1):
        frames = [(t, s) for t, s in path if chain.letter[s] == number]
        if frames:
            letters.append(_letter(evidence, chain, deficits, frames))
    return Alignment(cost, tuple(letters), evidence.place(path[0][0] - 0.5), evidence.place(path[-1][0] + 0.5))


def _letter(
    evidence: Evidence, chain: _Chain, deficits: NDArray[np.float32], frames: list[tuple[int, int]]
) -> AlignedCharacter:
    own = [(t, s) for t, s in frames if chain.emits[s]]
    emits = chain.emits[own[0][1]]
    columns = [i for i, c in enumerate(evidence.characters) if c in emits]
    others = [i for i, c in enumerate(evidence.characters) if i and c not in emits]
    times = [t for t, _ in own]
    mine = np.array([evidence.log_p[t, columns].max() if columns else FLOOR for t in times])
    best = int(mine.argmax())
    t = times[best]
    rivals = evidence.log_p[t, others]
    rival = int(rivals.argmax()) if len(others) else -1
    margin = float(mine[best] - rivals[rival]) if rival >= 0 else -FLOOR
    cost = float(sum(deficits[t, s] for t, s in frames))
    name = evidence.characters[others[rival]] if rival >= 0 else ""
    shown = min(emits, key=len) if len(emits) == 1 else sorted(emits)[0]
    return AlignedCharacter(shown, evidence.place(t), margin, name, float(np.exp(mine[best])), cost)


def _deficits(evidence: Evidence, chain: _Chain) -> NDArray[np.float32]:
    best = evidence.log_p.max(axis=1)
    gap = _gap_columns(evidence)
    between = evidence.log_p[:, gap].max(axis=1)
    out = np.empty((len(best), len(chain.word)), np.float32)
    column = {character: i for i, character in enumerate(evidence.characters)}
    for s, emits in enumerate(chain.emits):
        if not emits:
            out[:, s] = between
            continue
        columns = [column[c] for c in emits if c in column]
        own = np.maximum(FLOOR, evidence.log_p[:, columns].max(axis=1)) if columns else np.full(len(best), FLOOR)
        accented = [i for i, c in enumerate(evidence.characters) if c and c not in emits and _plain(c) in emits]
        if accented:  # an accent that was not asked for is only a few pixels: it counts half
            own = np.maximum(own, (own + evidence.log_p[:, accented].max(axis=1)) / 2)
        out[:, s] = own
    out -= best[:, None]
    return out


def _gap_columns(evidence: Evidence) -> list[int]:
    """Columns of blank, space and marks: what may stand between two letters of a word without being a letter."""
    return [i for i, c in enumerate(evidence.characters) if not c or not is_letter(c)]


def _boundary(evidence: Evidence, edge: _Edge) -> NDArray[np.float32]:
    """For each of the frames + 1 instants, the best score of a path that is at a word boundary there."""
    best = evidence.log_p.max(axis=1)
    gap = _gap_columns(evidence)
    quiet = evidence.log_p[:, gap].max(axis=1) - best
    marks = [i for i, c in enumerate(evidence.characters) if c and _parts(c, edge)]
    mark = (evidence.log_p[:, marks].max(axis=1) if marks else FLOOR) - best
    out = np.empty(len(best) + 1, np.float32)
    out[0] = start = 0.0
    inside = float(NEVER)
    for t in range(len(best)):
        inside = max(inside + float(quiet[t]), float(mark[t]))
        start = start + float(quiet[t])
        out[t + 1] = max(start, inside)
    return out


def _reversed(evidence: Evidence) -> Evidence:
    return Evidence(evidence.characters, evidence.log_p[::-1], evidence.width)


class _State(NamedTuple):
    """One state of a chain; fields as in `_Chain`. A gap (no `emits`) inside a word is part of it."""

    emits: frozenset[str] = frozenset()
    word: int = -1
    letter: int = -1
    first: bool = False
    last: bool = False
    skip: bool = False
    edge: _Edge = _Edge.LETTER


@lru_cache(maxsize=64)
def _chain(words: tuple[str, ...]) -> _Chain:
    states: list[_State] = []
    before = ""
    for index, text in enumerate(words):
        characters = [c for c in strict(text) if is_letter(c)] or [c for c in strict(text) if not c.isspace()]
        for number, character in enumerate(characters):
            if states:
                states.append(_State(word=index, letter=number - 1) if number else _State())
            ends = (number == 0, number == len(characters) - 1)
            skip = bool(states) and before.casefold() != character.casefold()
            states.append(_State(_forms(character), index, number, *ends, skip, _edge(character)))
            before = character
    return _Chain(
        emits=tuple(state.emits for state in states),
        word=np.array([state.word for state in states], dtype=np.int32),
        letter=np.array([state.letter for state in states], dtype=np.int32),
        first=np.array([state.first for state in states], dtype=bool),
        last=np.array([state.last for state in states], dtype=bool),
        skip=np.array([state.skip for state in states], dtype=bool),
        edge=np.array([state.edge for state in states], dtype=np.int32),
    )


def _forms(character: str) -> frozenset[str]:
    """A character in both cases, and the characters that are drawn like it: in most typefaces `l` looks like `I`."""
    forms = {character, character.lower(), character.upper()}
    alike = next((group for group in _ALIKE if character in group), "")
    return frozenset(c for c in forms | set(alike) if len(c) == 1)


@lru_cache(maxsize=32768)
def _plain(character: str) -> str:
    """The letter without its accents; empty if it has none."""
    decomposed = unicodedata.normalize("NFD", character)
    return decomposed[0] if len(decomposed) > 1 else ""


def _edge(character: str) -> _Edge:
    if is_ideographic(character):
        return _Edge.IDEOGRAPH
    return _Edge.DIGIT if character.isdigit() else _Edge.LETTER


def _parts(mark: str, edge: _Edge) -> bool:
    """Whether `mark` beside a character of that kind ends the word: `29:89` is a number, `ten:twenty` is two words."""
    if mark.isspace():
        return True
    if is_letter(mark):
        return edge is not _Edge.DIGIT and is_ideographic(mark) != (edge is _Edge.IDEOGRAPH)
    return mark not in _WITHIN_NUMBERS if edge is _Edge.DIGIT else mark not in _WITHIN_WORDS
