"""Distribution matching distillation to a few steps, with one teacher or several.

The student is run as at inference: deterministic Euler steps on its own sigma grid from pure noise, up to a step k that
is drawn for the batch. The x0 predicted there is the sample ("backward simulation"). Noise is added to the sample, and
from that the teachers (with guidance, which the student thus learns) and a fake-score network (which is trained on the
student's samples meanwhile) each predict the clean picture. The normalised difference of the two predictions is the
gradient of KL(student || teacher) with respect to the sample.

Source: DMD2 (arXiv 2405.14867) as Qwen-Image-Flash uses it (arXiv 2606.03746, eq. 4-7): no GAN, no regression loss.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from evalkit.student.recipe.batches import Batch, Batches
from evalkit.student.recipe.config import BASE, Lora, Recipe
from evalkit.student.recipe.family import Condition, Family
from evalkit.student.recipe.flow import interpolate, sample_sigmas, velocity_target, x0_from_velocity
from evalkit.student.recipe.guidance import mix, teacher_weights
from evalkit.student.recipe.lora import add_lora, merge_lora
from evalkit.student.recipe.optim import Ema, learning_rate, make_optimizers, update
from evalkit.student.recipe.sample import euler, initial_noise

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor


class DistillationFigures(NamedTuple):
    """The figures of one step.

    Args:
        step: number of the step, from 1.
        fake_loss: loss of the fake score.
        gradient: mean absolute value of the normalised gradient.
        diversity: mean standard deviation of the samples over the batch, in latent units.
    """

    step: int
    fake_loss: float
    gradient: float
    diversity: float


class StudentSamples(NamedTuple):
    """The student's samples of one batch, (B, tokens, channels), and the mean absolute value of their gradient."""

    x0: Tensor
    condition: Condition
    gradient: float


class Distillation:
    """The distillation of a student by a recipe of kind `distill`; `done` counts its steps.

    The teachers are frozen. The text encoder is frozen too, and all networks share it.
    """

    def __init__(
        self,
        family: Family,
        teachers: Mapping[str, Any],
        batches: Batches,
        recipe: Recipe,
        size: tuple[int, int],
        seed: int,
        accelerator: Accelerator | None = None,
    ) -> None:
        """Make student and fake score as copies of the base teacher.

        Args:
            family: the pipeline of the base teacher.
            teachers: transformers by name, `base` among them.
            batches: what to train on.
            recipe: of kind `distill`.
            size: (width, height) of the pictures, px.
            seed: of the noise.
            accelerator: averages gradients over processes; `None` for a single process.
        """
        import torch

        assert recipe.grid is not None, "a recipe of kind `distill` has a grid"
        self.family, self.teachers, self.batches, self.recipe, self.size = family, teachers, batches, recipe, size
        self.sigmas = recipe.grid.values(size)
        self._accelerator = accelerator
        for teacher in teachers.values():
            teacher.requires_grad_(False).eval()
        family.pipe.text_encoder.requires_grad_(False)
        self.student, self.fake = (trainable_copy(teachers[BASE], recipe.lora) for _ in range(2))
        if recipe.gradient_checkpointing:
            self.student.enable_gradient_checkpointing()
            self.fake.enable_gradient_checkpointing()
        self.student_optimizers = make_optimizers(self.student.named_parameters(), recipe.optimizer, recipe.lr)
        self.fake_optimizers = make_optimizers(self.fake.named_parameters(), recipe.optimizer, recipe.fake_lr)
        self.ema = Ema(self.student, recipe.ema)
        self.random = torch.Generator().manual_seed(seed)
        self.done = 0

    def step(self) -> DistillationFigures:
        """One update of the student and `fake_updates` of the fake score, on `accumulate` batches."""
        recipe = self.recipe
        numbers = range(self.done * recipe.accumulate, (self.done + 1) * recipe.accumulate)
        samples = [self._backward(number) for number in numbers]
        self._update(self.student, self.student_optimizers, recipe.lr)
        self.ema.update(self.student)
        losses = [self._update_fake(samples) for _ in range(recipe.fake_updates)]
        self.done += 1
        return DistillationFigures(
            self.done,
            sum(losses) / len(losses),
            sum(each.gradient for each in samples) / len(samples),
            sum(float(each.x0.std(dim=0).mean()) for each in samples) / len(samples),
        )

    def _backward(self, number: int) -> StudentSamples:
        """Draw samples of batch `number` and add their gradient to that of the student's weights."""
        import torch

        batch = self.batches[number]
        with torch.no_grad():
            condition = self.family.encode(batch.prompts, batch.sources, self.size)
            empty = self.family.encode([""] * len(batch.prompts), batch.sources, self.size)
        # the seed is the same in all processes, so that all of them train the same step
        step = random.Random(f"{self.batches.seed}/step {number}").randrange(len(self.sigmas) - 1)
        x0 = self.simulate(condition, step)
        gradient = self.gradient(x0.detach(), batch, step, condition, empty)
        # the gradient of this loss with respect to x0 is `gradient`, divided by the number of elements
        loss = 0.5 * (x0 - (x0.detach() - gradient)).pow(2).mean() / self.recipe.accumulate
        loss.backward()  # type: ignore[no-untyped-call]
        return StudentSamples(x0.detach(), condition, float(gradient.abs().mean()))

    def simulate(self, condition: Condition, step: int) -> Tensor:
        """The student's x0 at its step `step`, starting from pure noise; only that step carries gradients."""
        z = euler(self.family, self.student, self._noise(condition), self.sigmas[: step + 1], condition)
        sigma = z.new_full((len(z),), self.sigmas[step])
        return x0_from_velocity(z, self.family.velocity(self.student, z, sigma, condition), sigma)

    def gradient(self, x0: Tensor, batch: Batch, step: int, condition: Condition, empty: Condition) -> Tensor:
        """(fake x0 - real x0) / mean |x0 - real x0|, row by row, (B, tokens, channels); 0 where it is not finite."""
        import torch

        with torch.no_grad():
            sigma = self._sigmas(len(x0))
            z = interpolate(x0, self._normal(x0), sigma)
            fake = x0_from_velocity(z, self.family.velocity(self.fake, z, sigma, condition), sigma)
            real = self.real_x0(z, sigma, batch, step, condition, empty)
            scale = (x0 - real).abs().mean(dim=(1, 2), keepdim=True)
            return torch.nan_to_num((fake - real) / scale, nan=0.0, posinf=0.0, neginf=0.0)

    def real_x0(
        self, z: Tensor, sigma: Tensor, batch: Batch, step: int, condition: Condition, empty: Condition
    ) -> Tensor:
        """The teachers' x0 with guidance, mixed by the schedule; a teacher of weight 0 is not evaluated."""
        rows = [teacher_weights(self.recipe.schedule, step, batch.task, example.category) for example in batch.examples]
        answers = {}
        for name in sorted({name for row in rows for name in row}):
            velocity = self.family.velocity(self.teachers[name], z, sigma, condition)
            if self.recipe.guidance > 1:
                without = self.family.velocity(self.teachers[name], z, sigma, empty)
                velocity = self.family.guided(velocity, without, self.recipe.guidance)
            answers[name] = x0_from_velocity(z, velocity, sigma)
        return mix(answers, rows)

    def _update_fake(self, samples: Sequence[StudentSamples]) -> float:
        """One flow-matching update of the fake score on the student's samples; returns the loss."""
        total = 0.0
        for x0, condition, _ in samples:
            sigma, noise = self._sigmas(len(x0)), self._normal(x0)
            predicted = self.family.velocity(self.fake, interpolate(x0, noise, sigma), sigma, condition)
            loss = (predicted - velocity_target(x0, noise)).pow(2).mean() / len(samples)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        self._update(self.fake, self.fake_optimizers, self.recipe.fake_lr)
        return total

    def _update(self, module: Any, optimizers: Sequence[Any], lr: float) -> None:
        recipe = self.recipe
        factor = learning_rate(self.done, recipe.steps, recipe.warmup, recipe.decay)
        update(module, optimizers, lr * factor, self._accelerator)

    def _noise(self, condition: Condition) -> Tensor:
        return initial_noise(condition, self.student.config.in_channels, self.random)

    def _normal(self, like: Tensor) -> Tensor:
        import torch

        return torch.randn(like.shape, generator=self.random).to(like.device)

    def _sigmas(self, count: int) -> Tensor:
        sigmas = sample_sigmas(count, self.recipe.sigma_mean, self.recipe.sigma_deviation, self.random)
        return sigmas.clamp(0.02, 0.98).to(self.family.pipe.transformer.device)

    def averaged(self) -> Any:
        """A copy of the student with the averaged weights."""
        copied = copy.deepcopy(self.student)
        self.ema.copy_to(copied)
        return copied

    def finish(self) -> None:
        """Put the student into the pipeline in place of the teacher, with averaged weights and adapters merged."""
        self.ema.copy_to(self.student)
        merge_lora(self.student)
        self.family.pipe.register_modules(transformer=self.student)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to continue bit-equally, without the teachers."""
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
        """Continue from a state of `state_dict`."""
        self.done = state["done"]
        self.student.load_state_dict(state["student"])
        self.fake.load_state_dict(state["fake"])
        self.ema.load_state_dict(state["ema"])
        optimizers = {"student": self.student_optimizers, "fake": self.fake_optimizers}
        for name, those in optimizers.items():
            for optimizer, saved in zip(those, state["optimizers"][name], strict=True):
                optimizer.load_state_dict(saved)
        self.random.set_state(state["random"])


def trainable_copy(transformer: Any, lora: Lora | None) -> Any:
    """A copy of a teacher of which all weights are trainable, or only a LoRA on it."""
    copied = copy.deepcopy(transformer).requires_grad_(True)
    if lora:
        add_lora(copied, lora)
    return copied
