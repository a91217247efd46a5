"""Distribution matching distillation to a few steps, with one teacher or several.

The student is run as it is run at inference: deterministic Euler steps on its own sigma grid from pure noise, up to a
step k drawn for the batch, whose x0 is the sample ("backward simulation"). The sample is noised again; the teachers
(with guidance baked in) and a fake-score network, trained all the while on the student's samples, each say which clean
picture they see in it. Their difference, normalised, is the gradient of KL(student || teacher) with respect to the
sample.

Source: DMD2 (arXiv 2405.14867) as Qwen-Image-Flash uses it (arXiv 2606.03746, eq. 4-7): no GAN, no regression loss.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from evalkit.student.recipe.batches import Batch, Batches
from evalkit.student.recipe.family import Condition, Family
from evalkit.student.recipe.flow import interpolate, sample_sigmas, velocity_target, x0_from_velocity
from evalkit.student.recipe.guidance import BASE, Expert, mix, teacher_weights
from evalkit.student.recipe.lora import add_lora, merge_lora
from evalkit.student.recipe.optim import Ema, OptimizerName, learning_rate, make_optimizers, update
from evalkit.student.recipe.sample import euler

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class DistillSettings:
    """Settings of a distillation.

    Args:
        steps: updates of the student.
        grid: the student's sigmas with the final 0; its length less one is the NFE.
        guidance: classifier-free guidance of the teachers, baked into the student.
        schedule: what teachers other than the base one have to say, and when.
        lr, fake_lr: learning rates of student and fake score.
        fake_updates: updates of the fake score for one of the student (the two time scales of DMD2).
        sigma_mean, sigma_deviation: of the logit of the noise levels at which scores are compared.
        ema: decay of the average of the student's weights, which is what is shipped.
        accumulate: batches of one update, each with a step k of its own (see `TeachSettings.accumulate`).
    """

    steps: int
    grid: tuple[float, ...]
    guidance: float = 3.0
    schedule: tuple[Expert, ...] = ()
    lr: float = 2e-4
    fake_lr: float = 4e-4
    fake_updates: int = 2
    warmup: int = 10
    decay: int = 100
    optimizer: OptimizerName = "adamw"
    ema: float = 0.98
    clip: float = 1.0
    sigma_mean: float = 0.5
    sigma_deviation: float = 1.2
    accumulate: int = 1

    @property
    def nfe(self) -> int:
        """Transformer evaluations of one picture."""
        return len(self.grid) - 1


class Figures(NamedTuple):
    """One step's figures: the fake score's loss, the mean size of the normalised gradient, and how unlike each other
    the samples of a batch are (mean standard deviation over the batch, latent units)."""

    step: int
    fake_loss: float
    gradient: float
    diversity: float


class Made(NamedTuple):
    """What the student drew of one batch, (B, tokens, channels), and the mean size of its gradient."""

    x0: Tensor
    condition: Condition
    gradient: float


class Distillation:
    """A student in training against frozen teachers.

    `teachers` holds transformers by name, `base` among them; the text encoder is frozen and shared.
    """

    def __init__(
        self,
        family: Family,
        teachers: Mapping[str, Any],
        batches: Batches,
        settings: DistillSettings,
        size: tuple[int, int],
        seed: int,
        lora: tuple[int, float] | None = None,
        accelerator: Accelerator | None = None,
    ) -> None:
        """`lora` is rank and alpha of adapters to be trained instead of all weights."""
        import torch

        self.family, self.teachers, self.batches, self.settings, self.size = family, teachers, batches, settings, size
        self._accelerator = accelerator
        for teacher in teachers.values():
            teacher.requires_grad_(False).eval()
        family.pipe.text_encoder.requires_grad_(False)
        self.student, self.fake = (trainable_copy(teachers[BASE], lora) for _ in range(2))
        self.student_optimizers = make_optimizers(self.student.named_parameters(), settings.optimizer, settings.lr)
        self.fake_optimizers = make_optimizers(self.fake.named_parameters(), settings.optimizer, settings.fake_lr)
        self.ema = Ema(self.student, settings.ema)
        self.random = torch.Generator().manual_seed(seed)
        self.done = 0

    def step(self) -> Figures:
        """One update of the student and `fake_updates` of the fake score, on `accumulate` batches."""
        settings = self.settings
        numbers = range(self.done * settings.accumulate, (self.done + 1) * settings.accumulate)
        made = [self._backward(number) for number in numbers]
        self._update(self.student, self.student_optimizers, settings.lr)
        self.ema.update(self.student)
        samples = [(each.x0, each.condition) for each in made]
        losses = [self.fake_step(samples) for _ in range(settings.fake_updates)]
        self.done += 1
        return Figures(
            self.done,
            sum(losses) / len(losses),
            sum(each.gradient for each in made) / len(made),
            sum(float(each.x0.std(dim=0).mean()) for each in made) / len(made),
        )

    def _backward(self, number: int) -> Made:
        """Add the gradient of batch `number` to the student's."""
        import torch

        batch = self.batches[number]
        with torch.no_grad():
            condition = self.family.encode(batch.prompts, batch.sources, self.size)
            empty = self.family.encode([""] * len(batch.prompts), batch.sources, self.size)
        # drawn from numbers that all processes share, so that all of them train the same step
        step = random.Random(f"{self.batches.seed}/step {number}").randrange(self.settings.nfe)
        x0 = self.simulate(condition, step)
        gradient = self.gradient(x0.detach(), batch, step, condition, empty)
        # the loss whose gradient with respect to x0 is `gradient`, over the number of elements
        loss = 0.5 * (x0 - (x0.detach() - gradient)).pow(2).mean() / self.settings.accumulate
        loss.backward()  # type: ignore[no-untyped-call]
        return Made(x0.detach(), condition, float(gradient.abs().mean()))

    def simulate(self, condition: Condition, step: int) -> Tensor:
        """x0 that the student sees at its step `step`, from pure noise; only that step carries gradients."""
        grid = self.settings.grid
        z = euler(self.family, self.student, self._noise(condition), grid[: step + 1], condition)
        sigma = z.new_full((len(z),), grid[step])
        return x0_from_velocity(z, self.family.velocity(self.student, z, sigma, condition), sigma)

    def gradient(self, x0: Tensor, batch: Batch, step: int, condition: Condition, empty: Condition) -> Tensor:
        """(fake x0 - real x0) / mean |x0 - real x0|, row by row, (B, tokens, channels); not finite becomes 0."""
        import torch

        with torch.no_grad():
            sigma = self._sigmas(len(x0))
            z = interpolate(x0, self._normal(x0), sigma)
            fake = x0_from_velocity(z, self.family.velocity(self.fake, z, sigma, condition), sigma)
            real = self.real(z, sigma, batch, step, condition, empty)
            scale = (x0 - real).abs().mean(dim=(1, 2), keepdim=True)
            return torch.nan_to_num((fake - real) / scale, nan=0.0, posinf=0.0, neginf=0.0)

    def real(self, z: Tensor, sigma: Tensor, batch: Batch, step: int, condition: Condition, empty: Condition) -> Tensor:
        """The teachers' x0, with guidance, mixed by the schedule."""
        rows = [
            teacher_weights(self.settings.schedule, step, batch.task, example.category) for example in batch.examples
        ]
        answers = {}
        for name in sorted({name for row in rows for name in row}):
            velocity = self.family.velocity(self.teachers[name], z, sigma, condition)
            if self.settings.guidance > 1:
                without = self.family.velocity(self.teachers[name], z, sigma, empty)
                velocity = self.family.guided(velocity, without, self.settings.guidance)
            answers[name] = x0_from_velocity(z, velocity, sigma)
        return mix(answers, rows)

    def fake_step(self, samples: Sequence[tuple[Tensor, Condition]]) -> float:
        """One flow-matching update of the fake score on the student's samples; the loss."""
        total = 0.0
        for x0, condition in samples:
            sigma, noise = self._sigmas(len(x0)), self._normal(x0)
            predicted = self.family.velocity(self.fake, interpolate(x0, noise, sigma), sigma, condition)
            loss = (predicted - velocity_target(x0, noise)).pow(2).mean() / len(samples)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        self._update(self.fake, self.fake_optimizers, self.settings.fake_lr)
        return total

    def _update(self, module: Any, optimizers: Sequence[Any], lr: float) -> None:
        settings = self.settings
        factor = learning_rate(self.done, settings.steps, settings.warmup, settings.decay)
        update(module, optimizers, lr * factor, settings.clip, self._accelerator)

    def _noise(self, condition: Condition) -> Tensor:
        import torch

        rows, columns = condition.grids[-1]
        shape = (len(condition.embeds), rows * columns, self.student.config.in_channels)
        return torch.randn(shape, generator=self.random).to(condition.embeds.device)

    def _normal(self, like: Tensor) -> Tensor:
        import torch

        return torch.randn(like.shape, generator=self.random).to(like.device)

    def _sigmas(self, count: int) -> Tensor:
        settings = self.settings
        sigmas = sample_sigmas(count, settings.sigma_mean, settings.sigma_deviation, self.random)
        return sigmas.clamp(0.02, 0.98).to(self.family.pipe.transformer.device)

    def trained(self) -> Any:
        """The student with averaged weights, a copy."""
        copied = copy.deepcopy(self.student)
        self.ema.copy_to(copied)
        return copied

    def finish(self) -> None:
        """Put the student with its averaged weights into the pipeline in the teacher's place, adapters merged."""
        self.ema.copy_to(self.student)
        merge_lora(self.student)
        self.family.pipe.register_modules(transformer=self.student)

    def state_dict(self) -> dict[str, Any]:
        """Everything a bit-equal continuation needs, teachers left out."""
        optimizers = {"student": self.student_optimizers, "fake": self.fake_optimizers}
        return {
            "done": self.done,
            "student": self.student.state_dict(),
            "fake": self.fake.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": {name: [each.state_dict() for each in those] for name, those in optimizers.items()},
            "random": self.random.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        self.student.load_state_dict(state["student"])
        self.fake.load_state_dict(state["fake"])
        self.ema.load_state_dict(state["ema"])
        optimizers = {"student": self.student_optimizers, "fake": self.fake_optimizers}
        for name, those in optimizers.items():
            for optimizer, saved in zip(those, state["optimizers"][name], strict=True):
                optimizer.load_state_dict(saved)
        self.random.set_state(state["random"])


def trainable_copy(transformer: Any, lora: tuple[int, float] | None) -> Any:
    """A copy of a teacher to be trained: all its weights, or a LoRA of (rank, alpha) on it."""
    copied = copy.deepcopy(transformer).requires_grad_(True)
    if lora:
        add_lora(copied, *lora)
    return copied
