"""Counts NFE by a hook on the transformer; it is never derived from the number of steps."""

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
        """NFE of each of `pictures` that were drawn together; `None` if the rows can't be divided evenly.

        Rows are counted, not calls: a pipeline that stacks conditional and unconditional inputs into one call of twice
        the batch size still evaluates the transformer twice for each picture.
        """
        whole, rest = divmod(self.rows, pictures)
        return None if rest else whole


@contextmanager
def count_evaluations(transformer: torch.nn.Module) -> Iterator[EvaluationCount]:
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
