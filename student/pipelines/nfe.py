"""NFE, counted where it happens: by a hook on the transformer, never from the number of steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class EvaluationCount:
    """Evaluations of a transformer: `calls`, and `rows`, the sum of the batch sizes they were made with."""

    def __init__(self) -> None:
        self.calls = 0
        self.rows = 0

    def per_picture(self, pictures: int) -> int | None:
        """NFE of each of `pictures` made together; `None` if the rows can't be shared out evenly.

        Rows, not calls: a pipeline that stacks the guided and the unguided half into one call of twice the batch
        evaluates the transformer twice for each picture all the same.
        """
        whole, rest = divmod(self.rows, pictures)
        return None if rest else whole


@contextmanager
def counted_evaluations(transformer: torch.nn.Module) -> Iterator[EvaluationCount]:
    """Count the forward calls of `transformer` while the block runs."""
    count = EvaluationCount()

    def hook(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], _output: Any) -> None:
        hidden_states = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
        count.calls += 1
        count.rows += hidden_states.shape[0]

    handle = transformer.register_forward_hook(hook, with_kwargs=True)
    try:
        yield count
    finally:
        handle.remove()
