"""A scene as a display list: every item with its place, before anything is drawn.

Coordinates are pixels of the canvas and may be fractions. Faults of content replace items of a scene.
"""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.api.records import RGB, Question, Relation
from evalkit.benchmarks.scenes.fonts import Face

Point = tuple[float, float]
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle with corners of `radius` px."""

    bounds: Bounds
    color: RGB
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Ellipse:
    """The ellipse that fills `bounds`."""

    bounds: Bounds
    color: RGB


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled polygon."""

    points: tuple[Point, ...]
    color: RGB


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line of `width` px through `points`, with round ends and joints."""

    points: tuple[Point, ...]
    width: float
    color: RGB


@dataclass(frozen=True, slots=True)
class Sector:
    """A piece of a ring, in degrees clockwise from three o'clock; `hole` is the inner radius over the outer one."""

    bounds: Bounds
    start: float
    end: float
    hole: float
    color: RGB


Primitive = Rect | Ellipse | Polygon | Stroke | Sector


@dataclass(frozen=True, slots=True)
class Shape:
    """One element that is not a text, drawn from primitives in order."""

    id: str
    kind: str
    parts: tuple[Primitive, ...]
    color: RGB


@dataclass(frozen=True, slots=True)
class TextBlock:
    """One string, set in one or more lines.

    `x` is the left edge, centre or right edge of the ink (`align` = left, center, right), `baseline` that of the
    first line, `leading` the distance of baselines in px and `tracking` the extra space between letters in px.
    """

    id: str
    role: str
    lines: tuple[str, ...]
    face: Face
    size: int
    x: float
    baseline: float
    align: str
    leading: float
    tracking: float
    color: RGB

    @property
    def text(self) -> str:
        """The string as one line."""
        return " ".join(self.lines)


SceneItem = Shape | TextBlock


@dataclass(frozen=True, slots=True)
class Ground:
    """The background: one colour, or a linear gradient between two (`vertical`, `horizontal`, `diagonal`)."""

    kind: str
    colors: tuple[RGB, ...]
    direction: str = "vertical"


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is drawn, in drawing order, and what must be true of it."""

    size: int
    ground: Ground
    items: tuple[SceneItem, ...]
    relations: tuple[Relation, ...]
    prompt: str
    questions: tuple[Question, ...]

    @property
    def texts(self) -> tuple[TextBlock, ...]:
        """The texts in reading order; their index is that of `Case.texts`."""
        return tuple(item for item in self.items if isinstance(item, TextBlock))
