"""Teacher training: flow matching with velocity loss, condition dropout for classifier-free guidance."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from evalkit.student.recipe.batches import Batches
from evalkit.student.recipe.family import Family
from evalkit.student.recipe.flow import channel_weights, error_weights, interpolate, sample_sigmas, velocity_target
from evalkit.student.recipe.lora import merge_lora
from evalkit.student.recipe.optim import Ema, OptimizerName, learning_rate, make_optimizers, update

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor


class TeachSettings(NamedTuple):
    """Settings of teacher training. `sigma_mean` and `sigma_deviation` are of logit σ.

    Below `sigma_floor` the squared error of the velocity counts by the share (σ / `sigma_floor`)², that is as an error
    of the picture: an untouched velocity loss spends most of its gradient on details that little noise hides.

    A channel's squared error counts by its standard deviation to the power 2·`pixel_weight`: 0 counts normalised
    latents, 1 what a linear codec makes of them in pixels, where flat colours weigh most.

    `accumulate` batches make one step. Prompts of one batch have one length, and with it mostly one category, so that a
    step of several batches points in a better direction than a larger batch.
    """

    steps: int
    lr: float = 1e-3
    warmup: int = 100
    decay: int = 1000
    optimizer: OptimizerName = "muon"
    ema: float = 0.999
    clip: float = 1.0
    sigma_mean: float = 0.5
    sigma_deviation: float = 1.0
    sigma_floor: float = 0.0
    pixel_weight: float = 0.0
    train_text_encoder: bool = True
    accumulate: int = 1


class Progress(NamedTuple):
    """One step's figures."""

    step: int
    loss: float
    gradient: float


class Teaching:
    """A teacher in training. `step` does one step; the state is everything a bit-equal continuation needs."""

    def __init__(
        self,
        family: Family,
        batches: Batches,
        settings: TeachSettings,
        size: tuple[int, int],
        seed: int,
        accelerator: Accelerator | None = None,
    ) -> None:
        import torch

        self.family, self.batches, self.settings, self.size = family, batches, settings, size
        self._accelerator = accelerator
        if not settings.train_text_encoder:
            family.pipe.text_encoder.requires_grad_(False)
        self.model = torch.nn.ModuleDict({"transformer": family.pipe.transformer})
        if settings.train_text_encoder:
            self.model["text_encoder"] = family.pipe.text_encoder
        self.optimizers = make_optimizers(self.model.named_parameters(), settings.optimizer, settings.lr)
        self.ema = Ema(self.model, settings.ema)
        self.random = torch.Generator().manual_seed(seed)
        self.done = 0

    def step(self) -> Progress:
        """One optimiser step on the next `accumulate` batches."""
        settings = self.settings
        factor = learning_rate(self.done, settings.steps, settings.warmup, settings.decay)
        total = 0.0
        for number in range(self.done * settings.accumulate, (self.done + 1) * settings.accumulate):
            loss = self.loss(number) / settings.accumulate
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        gradient = update(self.model, self.optimizers, settings.lr * factor, settings.clip, self._accelerator)
        self.ema.update(self.model)
        self.done += 1
        return Progress(self.done, total, gradient)

    def loss(self, number: int) -> Tensor:
        """Mean squared error of the velocity on batch `number`."""
        import torch

        batch = self.batches[number]
        with torch.set_grad_enabled(self.settings.train_text_encoder):
            condition = self.family.encode(batch.prompts, batch.sources, self.size)
        with torch.no_grad():
            x0 = self.family.latents(batch.pictures())
        noise = torch.randn(x0.shape, generator=self.random).to(x0.device)
        sigma = sample_sigmas(len(x0), self.settings.sigma_mean, self.settings.sigma_deviation, self.random)
        sigma = sigma.to(x0.device)
        z = interpolate(x0, noise, sigma)
        predicted = self.family.velocity(self.family.pipe.transformer, z, sigma, condition)
        channels = channel_weights(self.family.deviations().to(x0), self.settings.pixel_weight)
        errors = ((predicted - velocity_target(x0, noise)).pow(2) * channels).mean(dim=(1, 2))
        return (errors * error_weights(sigma, self.settings.sigma_floor)).mean()

    def trained(self) -> Any:
        """The transformer with averaged weights, a copy."""
        copied = copy.deepcopy(self.model)
        self.ema.copy_to(copied)
        return copied["transformer"]

    def finish(self) -> None:
        """Put the averaged weights into the pipeline, adapters merged."""
        self.ema.copy_to(self.model)
        merge_lora(self.family.pipe.transformer)

    def state_dict(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "noise": self.random.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        self.model.load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.random.set_state(state["noise"])
