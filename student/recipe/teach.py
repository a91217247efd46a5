"""Teacher training: flow matching with a loss on the velocity, and batches without prompt for guidance."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from evalkit.student.recipe.batches import Batches
from evalkit.student.recipe.config import Recipe
from evalkit.student.recipe.family import Family
from evalkit.student.recipe.flow import channel_weights, error_weights, interpolate, sample_sigmas, velocity_target
from evalkit.student.recipe.lora import add_lora, merge_lora
from evalkit.student.recipe.optim import Ema, learning_rate, make_optimizers, update

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor


class TeachingFigures(NamedTuple):
    """The figures of one step: loss, and norm of the gradient before clipping."""

    step: int
    loss: float
    gradient: float


class Teaching:
    """The training of a teacher by a recipe of kind `teach`; `done` counts its steps."""

    def __init__(
        self,
        family: Family,
        batches: Batches,
        recipe: Recipe,
        size: tuple[int, int],
        seed: int,
        accelerator: Accelerator | None = None,
    ) -> None:
        """`size` is (width, height) of the pictures in px, `seed` that of the noise."""
        import torch

        self.family, self.batches, self.recipe, self.size = family, batches, recipe, size
        self._accelerator = accelerator
        transformer, text_encoder = family.pipe.transformer, family.pipe.text_encoder
        if recipe.lora:
            add_lora(transformer, recipe.lora, recipe.seed)
        if recipe.gradient_checkpointing:
            transformer.enable_gradient_checkpointing()
        self.model = torch.nn.ModuleDict({"transformer": transformer})
        if recipe.train_text_encoder:
            self.model["text_encoder"] = text_encoder
        else:
            text_encoder.requires_grad_(False)
        self.optimizers = make_optimizers(self.model.named_parameters(), recipe.optimizer, recipe.lr)
        self.ema = Ema(self.model, recipe.ema)
        self.random = torch.Generator().manual_seed(seed)
        self.done = 0

    def step(self) -> TeachingFigures:
        """One optimiser step on the next `accumulate` batches."""
        recipe = self.recipe
        factor = learning_rate(self.done, recipe.steps, recipe.warmup, recipe.decay)
        total = 0.0
        for number in range(self.done * recipe.accumulate, (self.done + 1) * recipe.accumulate):
            loss = self.loss(number) / recipe.accumulate
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        gradient = update(self.model, self.optimizers, recipe.lr * factor, self._accelerator)
        self.ema.update(self.model)
        self.done += 1
        return TeachingFigures(self.done, total, gradient)

    def loss(self, number: int) -> Tensor:
        """Mean squared error of the velocity on batch `number`, weighted by `sigma_floor` and `pixel_weight`."""
        import torch

        batch = self.batches[number]
        with torch.set_grad_enabled(self.recipe.train_text_encoder):
            condition = self.family.encode(batch.prompts, batch.sources, self.size)
        with torch.no_grad():
            x0 = self.family.latents(batch.pictures())
        noise = torch.randn(x0.shape, generator=self.random).to(x0.device)
        sigma = sample_sigmas(len(x0), self.recipe.sigma_mean, self.recipe.sigma_deviation, self.random)
        sigma = sigma.to(x0.device)
        z = interpolate(x0, noise, sigma)
        predicted = self.family.velocity(self.family.pipe.transformer, z, sigma, condition)
        channels = channel_weights(self.family.deviations().to(x0), self.recipe.pixel_weight)
        errors = ((predicted - velocity_target(x0, noise)).pow(2) * channels).mean(dim=(1, 2))
        return (errors * error_weights(sigma, self.recipe.sigma_floor)).mean()

    def averaged(self) -> Any:
        """A copy of the transformer with the averaged weights."""
        copied = copy.deepcopy(self.model)
        self.ema.copy_to(copied)
        return copied["transformer"]

    def finish(self) -> None:
        """Put the averaged weights into the pipeline and merge the adapters."""
        self.ema.copy_to(self.model)
        merge_lora(self.family.pipe.transformer)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to continue bit-equally."""
        return {
            "done": self.done,
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "noise": self.random.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state of `state_dict`."""
        self.done = state["done"]
        self.model.load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.random.set_state(state["noise"])
