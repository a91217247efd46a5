"""The recipe of a scene: a few values that determine every pixel. It is stored in `Case.extra["scene"]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Kind = Literal["poster", "card", "label", "infographic", "portrait"]
KINDS: tuple[Kind, ...] = ("poster", "card", "label", "infographic", "portrait")
LAYOUT = 1
"""Version of the layouts. It is raised when the same recipe gives another picture, so that stored cases made by older
layouts are refused instead of judged wrongly."""
MIN_SIZE, MAX_SIZE = 128, 2048


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One defect to inject: its kind, the seed that places it, and its strengths (see `benchmarks.faults`)."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    kind: str
    seed: int = 0
    strength: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SceneRecipe:
    """The scene to draw. `size` is the side of the square canvas in px.

    At other sizes the same seed gives the same design, with fewer texts if they could not be read (below 384 px, and
    fewer still below 192 px).

    Raises:
        ValueError: the kind is unknown, the size is outside [128, 2048], or the recipe is for another version of the
            layouts.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    kind: str
    seed: int
    size: int = 512
    language: str = "en"
    faults: tuple[FaultSpec, ...] = ()
    layout: int = LAYOUT

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no scene kind {self.kind!r}; there are {', '.join(KINDS)}")
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise ValueError(f"scene size {self.size} is not in [{MIN_SIZE}, {MAX_SIZE}] px")
        if self.layout != LAYOUT:
            raise ValueError(f"recipe of layouts {self.layout}, these are {LAYOUT}: write the suite again")
