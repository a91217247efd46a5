"""What judge-mini learns on the way beside its replies; the helpers that read it off are thrown away.

| helper | reads off | what |
|---|---|---|
| tiles | a picture's token | what each of its tiles holds |
| changes | a later picture's token, halfway up | what of its tiles differs from the same place of the picture before |
| letters | a letter that is asked for, halfway up | the letter that stands in its place in the picture |
| differs | a word of the prompt of a pair, halfway up | whether it is true of one picture and not of the other |
| truth | a word of the prompt, before the last layer | whether it is true of the picture |
| astray | the place of the reply, before the last layer | where the picture is not as was wanted |
| grades | the place of the reply, before the last layer | how good the picture is by each of the rubrics |

Each is read off a state that later layers can still gather. They say where a defect is, which a score alone does not,
and how good each of two pictures is, which a comparison alone does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evalkit.judges.vlm.mini.batch import Chunk
from evalkit.judges.vlm.mini.lessons import GRADED, UNKNOWN

if TYPE_CHECKING:
    import torch

LETTERS = 27
CONTENT = 3
"""Columns of a lesson that say what a tile holds; the others are grades of roughness."""
RARE = 3.0
"""Weight of what is rarer: roughness, a change, a tile that is astray."""


class Helpers:
    """Linear readings of states of the model.

    Args:
        width: of the states.
        classes: in each column of a lesson.
        side: tokens along a side of a picture.
    """

    def __init__(self, width: int, classes: Sequence[int], side: int) -> None:
        from torch import nn

        self.classes, self.side = tuple(classes), side
        self.tiles = nn.Linear(width, 4 * sum(classes))
        self.truth = nn.Linear(width, 2 * 2)
        self.letters = nn.Linear(width, 2 * LETTERS)
        self.astray = nn.Linear(width, 2 * side * side)
        self.grades = nn.Linear(width, 2 * len(GRADED))
        self.differs = nn.Linear(width, 1)
        self.changes = nn.ModuleList(nn.Linear(width, 4 * len(self.classes)) for _ in range(2))

    def modules(self) -> list[Any]:
        """In a fixed order."""
        return [self.tiles, self.truth, self.letters, self.astray, self.changes, self.grades, self.differs]

    def by_token(self, lessons: torch.Tensor) -> torch.Tensor:
        """(N, rows, columns, classes) of tiles as (N, tokens, 4, classes)."""
        n, half = len(lessons), self.side
        return lessons.view(n, half, 2, half, 2, -1).permute(0, 1, 3, 2, 4, 5).reshape(n, half * half, 4, -1)

    def of_tiles(self, tokens: torch.Tensor, lessons: torch.Tensor) -> torch.Tensor:
        """The loss of seeing: every tile's classes from the token of its 2×2 tiles."""
        import torch
        from torch.nn import functional as F

        said = self.tiles(tokens).float().reshape(-1, sum(self.classes))
        truth = self.by_token(lessons).reshape(len(said), -1)
        losses = [
            F.cross_entropy(logits, truth[:, column]) * (RARE if column >= CONTENT else 1.0)
            for column, logits in enumerate(torch.split(said, list(self.classes), 1))
        ]
        return torch.stack(losses).sum()

    def of_pictures(
        self, taps: Sequence[torch.Tensor], is_image: torch.Tensor, shown: torch.Tensor, lessons: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Losses of holding pictures against those before them.

        Args:
            taps: states (P, length, width) of the prefixes after each layer but the last.
            is_image: (length,) where pictures stand.
            shown: (P, pictures) their numbers, in order.
            lessons: of all pictures.
        """
        import torch
        from torch.nn import functional as F

        truth = self.by_token(lessons)[shown]  # (P, pictures, tokens, 4, classes)
        prefixes, count = shown.shape
        states = _unit(taps[len(taps) // 2][:, is_image]).reshape(prefixes, count, self.side**2, -1)
        losses: list[torch.Tensor] = []
        for now in range(1, count):
            for before in range(now):
                held, earlier = truth[:, now], truth[:, before]
                told = self.changes[now - before - 1](states[:, now]).float().view(held.shape)
                known = (held != UNKNOWN) | (earlier != UNKNOWN)  # what is no longer any class has changed
                differs = (held != earlier)[known].float()
                losses.append(F.binary_cross_entropy_with_logits(told[known], differs, pos_weight=torch.tensor(RARE)))
        return {"changes": torch.stack(losses).mean()} if losses else {}

    def of_rows(self, taps: Sequence[torch.Tensor], chunk: Chunk) -> dict[str, tuple[torch.Tensor, int]]:
        """Sums of losses of what questions are to know of their pictures, and of how many places."""
        import torch
        from torch.nn import functional as F

        made: dict[str, tuple[torch.Tensor, int]] = {}
        for name, targets, tap in (
            ("letters", chunk.letters, taps[len(taps) // 2]),
            ("truth", chunk.flags, taps[-2]),
        ):
            known = targets >= 0
            places = known.any(-1)
            if places.any():
                said = getattr(self, name)(_unit(tap[places])).float().unflatten(-1, (2, -1))
                truth = targets[places]
                loss = F.cross_entropy(said.flatten(0, 1), truth.flatten(), reduction="sum", ignore_index=UNKNOWN)
                made[name] = loss, int(known.sum())
        known = (chunk.flags >= 0).all(-1)
        if known.any():
            said = self.differs(_unit(taps[len(taps) // 2][known])).float().squeeze(-1)
            differs = (chunk.flags[known][:, 0] != chunk.flags[known][:, 1]).float()
            rare = torch.tensor(RARE)
            loss = F.binary_cross_entropy_with_logits(said, differs, pos_weight=rare, reduction="sum")
            made["differs"] = loss, int(known.sum())
        states = _unit(taps[-2][chunk.choices[:, 0], chunk.choices[:, 1]])
        for name, truth, known in (
            ("astray", chunk.astray.float(), chunk.astray >= 0),
            ("grades", chunk.grades, ~chunk.grades.isnan()),
        ):
            if known.any():
                said = getattr(self, name)(states).float().view(truth.shape)[known]
                rare = torch.tensor(RARE if name == "astray" else 1.0)
                loss = F.binary_cross_entropy_with_logits(said, truth[known], pos_weight=rare, reduction="sum")
                made[name] = loss, int(known.sum())
        return made


def _unit(states: torch.Tensor) -> torch.Tensor:
    """Each state with a root mean square of 1."""
    import torch

    return states * torch.rsqrt(states.float().square().mean(-1, keepdim=True) + 1e-6)
