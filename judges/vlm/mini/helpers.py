"""Helpers: auxiliary losses that judge-mini learns besides its replies. They are not part of the exported model.

| helper | reads the state of | to predict |
|---|---|---|
| tiles | a picture's token | what each of its tiles holds |
| changes | a later picture's token, halfway up | what of its tiles differs from the same place of the picture before |
| letters | a letter that is asked for, halfway up | the letter that stands in its place in the picture |
| differs | a word of the prompt of a pair, halfway up | whether it is true of one picture and not of the other |
| truth | a word of the prompt, before the last layer | whether it is true of the picture |
| astray | the place of the reply, before the last layer | where the picture is not as was wanted |
| grades | the place of the reply, before the last layer | how good the picture is by each of the rubrics |

Each helper reads a state that later layers can still use. Helpers teach where a defect is, which a score alone does
not, and how good each of two pictures is, which a comparison alone does not.
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
"""Columns of a lesson that state the content of a tile; the others are grades of roughness."""
RARE = 3.0
"""Weight of rare classes: roughness, a change, a tile that is astray."""


class Helpers:
    """Linear layers that read states of the model.

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
        """All layers, in a fixed order."""
        return [self.tiles, self.truth, self.letters, self.astray, self.changes, self.grades, self.differs]

    def by_token(self, lessons: torch.Tensor) -> torch.Tensor:
        """(N, rows, columns, classes) of tiles as (N, tokens, 4, classes)."""
        n, half = len(lessons), self.side
        return lessons.view(n, half, 2, half, 2, -1).permute(0, 1, 3, 2, 4, 5).reshape(n, half * half, 4, -1)

    def of_tiles(self, tokens: torch.Tensor, lessons: torch.Tensor) -> torch.Tensor:
        """The loss of seeing: the classes of every tile, read from the token that covers it."""
        import torch
        from torch.nn import functional as F

        logits = self.tiles(tokens).float().reshape(-1, sum(self.classes))
        truth = self.by_token(lessons).reshape(len(logits), -1)
        losses = [
            F.cross_entropy(part, truth[:, column]) * (RARE if column >= CONTENT else 1.0)
            for column, part in enumerate(torch.split(logits, list(self.classes), 1))
        ]
        return torch.stack(losses).sum()

    def of_pictures(
        self, taps: Sequence[torch.Tensor], is_image: torch.Tensor, shown: torch.Tensor, lessons: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Losses of comparing pictures with those before them.

        Args:
            taps: states (P, length, width) of the prefixes after each layer but the last.
            is_image: (length,) true at the tokens of pictures.
            shown: (P, pictures) numbers of the pictures, in order.
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
                later, earlier = truth[:, now], truth[:, before]
                logits = self.changes[now - before - 1](states[:, now]).float().view(later.shape)
                known = (later != UNKNOWN) | (
                    earlier != UNKNOWN
                )  # a tile whose class is known in one picture only has changed
                differs = (later != earlier)[known].float()
                losses.append(F.binary_cross_entropy_with_logits(logits[known], differs, pos_weight=torch.tensor(RARE)))
        return {"changes": torch.stack(losses).mean()} if losses else {}

    def of_rows(self, taps: Sequence[torch.Tensor], chunk: Chunk) -> dict[str, tuple[torch.Tensor, int]]:
        """By helper: the sum of the losses at the tokens of questions, and the number of places it is over."""
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
                logits = getattr(self, name)(_unit(tap[places])).float().unflatten(-1, (2, -1))
                truth = targets[places]
                loss = F.cross_entropy(logits.flatten(0, 1), truth.flatten(), reduction="sum", ignore_index=UNKNOWN)
                made[name] = loss, int(known.sum())
        known = (chunk.flags >= 0).all(-1)
        if known.any():
            logits = self.differs(_unit(taps[len(taps) // 2][known])).float().squeeze(-1)
            differs = (chunk.flags[known][:, 0] != chunk.flags[known][:, 1]).float()
            rare = torch.tensor(RARE)
            loss = F.binary_cross_entropy_with_logits(logits, differs, pos_weight=rare, reduction="sum")
            made["differs"] = loss, int(known.sum())
        states = _unit(taps[-2][chunk.choices[:, 0], chunk.choices[:, 1]])
        for name, truth, known in (
            ("astray", chunk.astray.float(), chunk.astray >= 0),
            ("grades", chunk.grades, ~chunk.grades.isnan()),
        ):
            if known.any():
                logits = getattr(self, name)(states).float().view(truth.shape)[known]
                rare = torch.tensor(RARE if name == "astray" else 1.0)
                loss = F.binary_cross_entropy_with_logits(logits, truth[known], pos_weight=rare, reduction="sum")
                made[name] = loss, int(known.sum())
        return made


def _unit(states: torch.Tensor) -> torch.Tensor:
    """The states, each scaled to a root mean square of 1."""
    import torch

    return states * torch.rsqrt(states.float().square().mean(-1, keepdim=True) + 1e-6)
