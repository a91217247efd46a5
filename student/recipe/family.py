"""The interface to the pipelines of the Qwen-Image family: how prompts are encoded and a transformer is evaluated.

A `Family` wraps a diffusers pipeline. It turns prompts and source pictures into a `Condition` exactly as that pipeline
does at inference, and evaluates any transformer of the family (teacher, student, fake score) on noisy latents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from evalkit.api.records import Task

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class Condition(NamedTuple):
    """The condition of a batch of pictures; every row has the same number of tokens.

    Args:
        embeds: text (and vision) states, (B, T, width).
        mask: valid positions, (B, T) bool, or `None` where nothing is padded.
        image_slots: positions of the source picture in `embeds`, (B, T) bool.
        source: normalised latents of the source picture, (B, tokens, channels), or `None`.
        shapes: (rows, columns) in latent tokens of the source (if any) and of the target.
    """

    embeds: Tensor
    mask: Tensor | None
    image_slots: Tensor
    source: Tensor | None
    shapes: tuple[tuple[int, int], ...]


class Family(Protocol):
    """One pipeline of the family; `tokenizer` is that of its prompts, `tasks` are the tasks it can do."""

    pipe: Any
    tokenizer: Any
    tasks: frozenset[Task]

    def encode(self, prompts: Sequence[str], sources: Sequence[Image] | None, size: tuple[int, int]) -> Condition:
        """The condition of prompts of equal token count, with one source picture each or none.

        `size` is (width, height) of the target in px. Gradients flow into the text encoder unless switched off.
        """
        ...

    def latents(self, pictures: Tensor) -> Tensor:
        """Normalised, packed latents (B, tokens, channels) of pictures (B, 3, H, W) in [-1, 1]."""
        ...

    def deviations(self) -> Tensor:
        """The standard deviations by which the raw latents were divided, for each packed channel, (channels,)."""
        ...

    def pictures(self, latents: Tensor, size: tuple[int, int]) -> Tensor:
        """Pictures (B, 3, H, W) in [-1, 1] of packed latents; `size` is (width, height) in px."""
        ...

    def velocity(self, transformer: Any, z: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """Predicted velocity (B, tokens, channels) at noise levels `sigma` (B,), without guidance."""
        ...

    def guided(self, conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
        """Classifier-free guidance as the pipeline applies it."""
        ...


def cast_to_weights(x: Tensor, transformer: Any) -> Tensor:
    """`x` in the precision of the transformer's own weights (adapters may have another)."""
    return x.to(transformer.img_in.weight.dtype)


def size_of_all(pictures: Sequence[Image]) -> tuple[int, int]:
    """Width and height of pictures of one batch, px. Raises `ValueError` if they differ."""
    sizes = {picture.size for picture in pictures}
    if len(sizes) != 1:
        raise ValueError(f"the source pictures of one batch must have one size, not {sorted(sizes)}")
    return sizes.pop()
