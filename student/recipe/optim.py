"""Optimisers, the learning-rate schedule, and the moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn

MAX_GRADIENT_NORM = 1.0
"""Longer gradients are scaled down to this norm before each step."""


def make_optimizers(named: Iterable[tuple[str, Tensor]], name: Literal["adamw", "muon"], lr: float) -> list[Any]:
    """The optimisers that divide the trainable weights of `named` among them.

    `muon` orthogonalises the updates of the matrices inside transformer blocks (arXiv 2502.16982, with its scaling to
    AdamW's step size); embeddings, norms and the first and last layer use AdamW.
    """
    import torch

    trainable = [(key, weight) for key, weight in named if weight.requires_grad]
    inner = [weight for key, weight in trainable if name == "muon" and weight.ndim == 2 and _is_inner(key)]
    chosen = {id(weight) for weight in inner}
    rest = [weight for _, weight in trainable if id(weight) not in chosen]
    made: list[Any] = []
    if rest:
        made.append(torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.99), weight_decay=0.0))
    if inner:
        made.append(torch.optim.Muon(inner, lr=lr, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"))
    return made


def _is_inner(key: str) -> bool:
    return "blocks." in key or "layers." in key


def learning_rate(step: int, steps: int, warmup: int, decay: int) -> float:
    """Factor on the learning rate: linear warm-up, constant, linear decay to 0 over the last `decay` steps.

    Before the decay nothing depends on `steps`, so that a run may be lengthened when it is resumed.
    """
    up = min(1.0, (step + 1) / max(warmup, 1))
    down = min(1.0, (steps - step) / max(decay, 1))
    return max(0.0, min(up, down))


def update(module: nn.Module, optimizers: Iterable[Any], lr: float, accelerator: Accelerator | None = None) -> float:
    """One step with the present gradients, averaged over processes and clipped; returns their norm before clipping.

    A weight that does not affect the loss of one process (the vision tower, if its batch has no source pictures) counts
    there as having the gradient 0, because all processes must average the same weights in the same order.
    """
    import torch

    weights = [weight for weight in module.parameters() if weight.requires_grad]
    if accelerator is not None and accelerator.num_processes > 1:
        for weight in weights:
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            weight.grad = accelerator.reduce(gradient, reduction="mean")
    norm = torch.nn.utils.clip_grad_norm_(weights, MAX_GRADIENT_NORM)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(norm)


class Ema:
    """Exponential moving average of a module's trainable weights, in float32 or better.

    The first updates use a smaller decay, so that the initial weights are forgotten quickly.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        import torch

        self.decay = decay
        self.updates = 0
        self.weights = {
            key: p.detach().to(torch.promote_types(p.dtype, torch.float32), copy=True)
            for key, p in module.named_parameters()
            if p.requires_grad
        }

    def update(self, module: nn.Module) -> None:
        """Move the average towards the weights of `module`."""
        import torch

        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 10))
        current = dict(module.named_parameters())
        with torch.no_grad():
            for key, average in self.weights.items():
                average.lerp_(current[key].detach().to(average.dtype), 1 - decay)

    def copy_to(self, module: nn.Module) -> None:
        """Put the average in place of the weights of `module`."""
        import torch

        own = dict(module.named_parameters())
        with torch.no_grad():
            for key, average in self.weights.items():
                own[key].copy_(average)

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]
        for key, average in state["weights"].items():
            self.weights[key].copy_(average)
