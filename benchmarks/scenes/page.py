"""The page on which a layout places things: it measures them, names them and records what is true of them.

Layouts use the unit `u`, a hundredth of the side, so that they scale. Nothing is drawn here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from evalkit.api.records import Question, Relation
from evalkit.benchmarks.scenes.fonts import PAIRS, Face, Pair, cap_height, depth, rise, width_in_em
from evalkit.benchmarks.scenes.palette import PALETTES, Color, Palette, contrast
from evalkit.benchmarks.scenes.recipe import SceneRecipe
from evalkit.benchmarks.scenes.scene import Ground, Primitive, Scene, SceneItem, Shape, TextBlock
from evalkit.benchmarks.scenes.words import VOCABULARIES, Vocabulary

T = TypeVar("T")
SMALLEST = 14
"""Smallest text in px: below it, the letters of a 400-weight sans serif can't be told apart reliably."""

VISIBLE = 1.8
"""Least contrast of an icon or a bar with the colour it stands on."""


@dataclass(frozen=True, slots=True)
class SizedText:
    """Text whose size is chosen but not its place. `height` is from the first cap line to the last baseline."""

    lines: tuple[str, ...]
    face: Face
    size: int
    leading: float
    tracking: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PlacedText:
    """The place of a text in px: the baseline of its last line, and the lowest ink of that line."""

    baseline: float
    bottom: float


class Page:
    """A page of one recipe. Layouts call `text`, `shape`, `relate`, `say` and `ask`; `scene` returns the result."""

    def __init__(self, recipe: SceneRecipe) -> None:
        self.size = recipe.size
        self.u = recipe.size / 100
        self.rng = random.Random(f"{recipe.kind} {recipe.seed}")
        self.words: Vocabulary = VOCABULARIES[recipe.language]
        self.palette: Palette = self.pick(PALETTES)
        self.pair: Pair = self.pick(PAIRS[recipe.language])
        self.detail = 0 if recipe.size < 192 else 1 if recipe.size < 384 else 2
        """How much text there is. 0: two or three large words; 1: short captions too; 2: everything."""
        self._items: list[SceneItem] = []
        self._relations: list[Relation] = []
        self._sentences: list[str] = []
        self._questions: list[Question] = []
        self.gradient = self.rng.random() < 0.4
        self.direction = self.pick(("vertical", "vertical", "diagonal", "horizontal"))

    @property
    def panel_accent(self) -> tuple[Color, Color]:
        """A colour that stands out on a panel (the accent, or the ground if that is pale), and one for text on it."""
        palette = self.palette
        if contrast(palette.accent.rgb, palette.surface.rgb) >= VISIBLE:
            return palette.accent, palette.on_accent
        return palette.ground, palette.ink

    def pick(self, options: Sequence[T]) -> T:
        """One of `options`."""
        return options[int(self.rng.random() * len(options))]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different items of `options`."""
        return self.rng.sample(list(options), count)

    def display(self, text: str) -> str:
        """`text` in capitals if the display face is made for capitals, else unchanged."""
        return text.upper() if self.pair.capitals else text

    def set(
        self,
        lines: Sequence[str],
        face: Face,
        size: float,
        *,
        width: float = 86.0,
        tracking: float = 0.0,
        leading: float = 1.2,
    ) -> SizedText:
        """Text at `size` u per em, reduced if a line would be wider than `width` u."""
        em = max(width_in_em(line, face, tracking) for line in lines)
        pixels = max(int(min(max(size * self.u, SMALLEST), width * self.u / em)), 1)
        step = round(leading * pixels)
        height = cap_height(face) * pixels + step * (len(lines) - 1)
        return SizedText(tuple(lines), face, pixels, step, tracking * pixels, em * pixels, height)

    def title(self, lines: Sequence[str], size: float, *, width: float = 86.0, height: float = 100.0) -> SizedText:
        """Lines in the display face with tight leading, small enough for `width` and `height` u."""
        face, tracking = self.pair.display, self.pair.tracking if self.pair.capitals else 0.0
        shown = [self.display(line) for line in lines]
        touching = (depth(above, face) + rise(below, face) for above, below in pairwise(shown))
        leading = max(cap_height(face) + 0.22, *(distance + 0.1 for distance in touching), 0.0)
        em = cap_height(face) + leading * (len(lines) - 1) + depth(shown[-1], face)
        return self.set(shown, face, min(size, height / em), width=width, tracking=tracking, leading=leading)

    def text(
        self, id: str, setting: SizedText, x: float, top: float, color: Color, align: str = "center"
    ) -> PlacedText:
        """Place text: `x` is its left edge, centre or right edge, `top` its cap line, both in px."""
        baseline = round(top + cap_height(setting.face) * setting.size)
        role = id.split("-")[0]
        block = TextBlock(
            id, role, setting.lines, setting.face, setting.size, x, baseline, align, setting.leading, setting.tracking,
            color.rgb,
        )  # fmt: skip
        self._items.append(block)
        last = baseline + setting.leading * (len(setting.lines) - 1)
        return PlacedText(last, last + depth(setting.lines[-1], setting.face) * setting.size)

    def shape(self, id: str, kind: str, parts: Sequence[Primitive], color: Color) -> str:
        """Place an element that is not a text. Returns its id."""
        self._items.append(Shape(id, kind, tuple(parts), color.rgb))
        return id

    def relate(self, kind: str, *ids: str, tolerance_px: float = 2.0) -> None:
        """Declare a relation between elements."""
        self._relations.append(Relation(kind, ids, tolerance_px))

    def say(self, sentence: str) -> None:
        """Add a sentence to the prompt."""
        self._sentences.append(_with_articles(sentence))

    def ask(self, id: str, question: str, *, expected: bool = True, depends_on: tuple[str, ...] = ()) -> None:
        """Add a question to the checklist."""
        self._questions.append(Question(id, _with_articles(question), expected, depends_on))

    @property
    def background(self) -> str:
        """The background in words, as the prompt states it."""
        start, end = self.palette.ground.name, self.palette.ground_end.name
        if not self.gradient:
            return f"a plain solid {start} background"
        ends = {
            "vertical": f"from {start} at the top to {end} at the bottom",
            "horizontal": f"from {start} on the left to {end} on the right",
            "diagonal": f"from {start} at the top left to {end} at the bottom right",
        }
        return f"a smooth {self.direction} gradient background {ends[self.direction]}"

    def scene(self) -> Scene:
        """The scene as it is now, with unique text ids."""
        start, end = self.palette.ground.rgb, self.palette.ground_end.rgb
        ground = Ground("gradient", (start, end), self.direction) if self.gradient else Ground("solid", (start,))
        texts = tuple(item.id for item in self._items if isinstance(item, TextBlock))
        relations = [*self._relations]
        if len(texts) > 1:
            relations.append(Relation("no-overlap", texts))
            relations.append(Relation("reading-order", texts))
        plain = "a smooth gradient" if self.gradient else f"plain {self.palette.ground.name}"
        question = Question("background", f"Is the background {plain}, without any pattern or texture?")
        return Scene(
            self.size, ground, tuple(self._items), tuple(relations), " ".join(self._sentences),
            (question, *self._questions),
        )  # fmt: skip


def _with_articles(sentence: str) -> str:
    """`a orange circle` as `an orange circle`, outside of quotes."""
    pieces = sentence.split('"')
    pieces[::2] = [re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", piece) for piece in pieces[::2]]
    return '"'.join(pieces)
