"""Trains judge-mini, first to recognise the content of each tile, then to answer, with the losses of `helpers.py`."""

from __future__ import annotations

import json
import pickle
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.api.errors import ConfigError
from evalkit.api.training import JudgeData
from evalkit.judges.vlm.mini.batch import Batch, Chunk, sample_batch, sample_seeing
from evalkit.judges.vlm.mini.build import JudgeSize, build_model
from evalkit.judges.vlm.mini.export import export, stale_segments
from evalkit.judges.vlm.mini.fast import read_prefix, read_rows, see, to_patches
from evalkit.judges.vlm.mini.helpers import Helpers
from evalkit.judges.vlm.mini.lessons import Coder, corpus
from evalkit.judges.vlm.mini.local import FILES
from evalkit.judges.vlm.mini.prompts import segments
from evalkit.judges.vlm.mini.tokens import train_tokenizer

if TYPE_CHECKING:
    import torch

TOKENS_IN_PICTURE = 16
SEEING = 0.12
"""Share of the time in which only seeing is trained."""
SLOWER = 0.3
"""Learning rate of AdamW, as a share of Muon's."""
FASTER = 8.0
"""Learning rate of the helpers over that: slow helpers would find what they read long after it is there."""
LARGEST = 256
"""Largest smaller side of a matrix that Muon whitens."""
WEIGHTS = {
    "choice": 1.0,
    "reply": 0.5,
    "truth": 1.5,
    "letters": 0.5,
    "tiles": 0.3,
    "changes": 1.0,
    "astray": 1.0,
    "grades": 1.0,
    "differs": 1.0,
}
"""Weights of the losses: of choices, of the other words of replies, and of the helpers."""
GENTLE = 3e-4
"""Largest rate with which trained weights are taught more."""
REPLIES = {name: weight if name in ("choice", "reply") else 0.0 for name, weight in WEIGHTS.items()}
"""Weights of the losses for trained weights: helpers are not shipped with them, and new ones would mislead."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train. Times are wall-clock minutes: the schedule fits into them, however fast the machine is.

    Args:
        minutes: of training.
        seeing: minutes at the beginning in which only seeing is trained.
        again: share of the later steps in which only seeing is trained.
        pictures: in a batch of questions; a batch for seeing has four times as many.
        rate: largest learning rate of Muon (scaled to AdamW's step); AdamW has `SLOWER` times that.
        cool: share of the time, at the end, in which the rate falls to 0.
        weights: of the losses of choices, other words of replies, and the helpers.
    """

    minutes: float = 75.0
    seeing: float = 9.0
    again: float = 0.14
    pictures: int = 16
    rate: float = 1.3e-3
    cool: float = 0.35
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    seed: int = 0


def more(minutes: float, seed: int) -> Plan:
    """How to teach trained weights more: gently, and replies alone."""
    return Plan(minutes, seeing=0.0, again=0.0, rate=GENTLE, cool=0.7, weights=REPLIES, seed=seed)


class Trainer:
    """A model in training, which can continue after an interruption.

    Raises:
        ConfigError: the tokenizer in the folder was made for other prompts than today's, or `start` holds no weights
            of this model.
    """

    def __init__(self, data: JudgeData, plan: Plan, folder: Path, start: Path | None = None) -> None:
        import torch

        self.data, self.plan, self.folder = data, plan, folder
        if start and (missing := [name for name in FILES if not (start / name).is_file()]):
            raise ConfigError(f"no {missing[0]}", where=str(start), hint="name a folder with judge-mini's weights")
        self.tokenizer = _tokenizer(data, plan, start or folder / "tokenizer")
        self.coder = Coder(self.tokenizer)
        size = JudgeSize(side=data.side)
        self.model = build_model(self.tokenizer, size, plan.seed)
        if start:
            _put_weights(self.model, start)
        torch.manual_seed(plan.seed)
        self.helpers = Helpers(size.width, data.classes, size.grid // 2)
        self.grid = size.grid
        self.model.model.visual.patch_embed.requires_grad_(
            False
        )  # learning rates that suit the rest would destroy its fine waves
        matrices, others = _split(self.model)
        helpers = [p for helper in self.helpers.modules() for p in helper.parameters()]
        self.optimizers: list[Any] = [
            torch.optim.Muon(matrices, lr=plan.rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(
                [{"params": others, "faster": 1.0}, {"params": helpers, "faster": FASTER}],
                lr=plan.rate * SLOWER,
                betas=(0.9, 0.97),
                weight_decay=0.0,
            ),
        ]
        self.step, self.spent, self.rng = 0, 0.0, random.Random(plan.seed)
        self.prefixes = {count: torch.tensor(self.coder.prefix(count, TOKENS_IN_PICTURE)) for count in (1, 2, 3)}

    def run(self, stop: Callable[[], bool]) -> Iterator[dict[str, float]]:
        """Train until the time is spent or `stop` returns true. Yields the step, the minutes spent and the losses."""
        import torch

        total = self.plan.minutes * 60
        self.model.train()
        while self.spent < total and not stop():
            started = time.monotonic()
            seeing = self.spent < self.plan.seeing * 60 or self.rng.random() < self.plan.again
            rate = self._rate(self.spent / total)
            if seeing:
                batch = sample_seeing(self.data, self.rng, 4 * self.plan.pictures)
            else:
                batch = sample_batch(self.data, self.coder, self.rng, self.plan.pictures)
            with torch.autocast("cpu", torch.bfloat16):
                losses = self._losses(batch)
            loss = sum((self.plan.weights[name] * value for name, value in losses.items()), torch.zeros(()))
            torch.autograd.backward(loss)
            parameters = [
                p for optimizer in self.optimizers for group in optimizer.param_groups for p in group["params"]
            ]
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            for optimizer, share in zip(self.optimizers, (1.0, SLOWER), strict=True):
                for group in optimizer.param_groups:
                    group["lr"] = rate * share * group.get("faster", 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            self.step += 1
            self.spent += time.monotonic() - started
            yield {"step": self.step, "minutes": self.spent / 60, **{n: v.item() for n, v in losses.items()}}

    def _rate(self, done: float) -> float:
        warm = min(1.0, (self.step + 1) / 60)
        return self.plan.rate * warm * min(1.0, max(0.0, 1 - done) / self.plan.cool)

    def _losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        import torch
        from torch.nn import functional as F

        seen = see(self.model, to_patches(batch.pictures), self.grid)
        made = {"tiles": self.helpers.of_tiles(seen.tokens, batch.lessons)}
        parts: dict[str, list[tuple[torch.Tensor, int]]] = defaultdict(list)
        for group in batch.groups:
            ids = self.prefixes[group.shown.shape[1]]
            taps: list[torch.Tensor] = []
            prefix = read_prefix(self.model, ids, seen, group.shown, self.grid // 2, taps)
            is_image = ids == self.model.config.image_token_id
            for name, loss in self.helpers.of_pictures(taps, is_image, group.shown, batch.lessons).items():
                parts[name].append((loss, 1))
            for chunk in group.chunks:
                taps = []
                states, _ = read_rows(self.model, prefix, chunk.of, chunk.ids, taps=taps)
                for name, sums in self.helpers.of_rows(taps, chunk).items():
                    parts[name].append(sums)
                replied = chunk.targets >= 0
                words = self.model.lm_head(states[replied]).float()
                reply = F.cross_entropy(words, chunk.targets[replied], reduction="sum")
                parts["reply"].append((reply, int(replied.sum())))
                choice = choice_loss(choice_logits(self.model, states, chunk), chunk)
                parts["choice"].append((choice, len(chunk.choices)))
        for name, known in parts.items():
            made[name] = torch.stack([loss for loss, _ in known]).sum() / max(1, sum(count for _, count in known))
        return made

    def export(self) -> Path:
        """Write the model as a folder that `transformers` and vLLM load."""
        return export(self.model, self.tokenizer, self.data.side, self.folder / "model")

    def save(self) -> None:
        """Write everything that is needed to continue into the folder."""
        import torch

        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "helpers": [helper.state_dict() for helper in self.helpers.modules()],
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "progress": json.dumps([self.step, self.spent]),
        }
        torch.save(state, self.folder / "state.new")
        (self.folder / "state.new").replace(self.folder / "state.pt")

    def load(self) -> bool:
        """Continue from the checkpoint in the folder; false if there is none. The batches then differ from those of an
        uninterrupted training.

        Raises:
            ConfigError: the file is no checkpoint, or one of another model.
        """
        import torch

        path = self.folder / "state.pt"
        if not path.is_file():
            return False
        try:
            state = torch.load(path, weights_only=True)
            self.model.load_state_dict(state["model"])
            for helper, saved in zip(self.helpers.modules(), state["helpers"], strict=True):
                helper.load_state_dict(saved)
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
            self.step, self.spent = json.loads(state["progress"])
        except (KeyError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            why = f"{type(error).__name__} {error}".splitlines()[0]  # for an empty file the error has no text
            what = f"no checkpoint of this model and data ({why.strip()})"
            raise ConfigError(what, where=str(path), hint="train into another folder, or remove it") from error
        self.rng = random.Random(f"{self.plan.seed} {self.step}")
        return True


def choice_logits(model: Any, states: torch.Tensor, chunk: Chunk) -> torch.Tensor:
    """Logits (choices, vocabulary) at the tokens where choices begin."""
    logits: torch.Tensor = model.lm_head(states[chunk.choices[:, 0], chunk.choices[:, 1]]).float()
    return logits


def choice_loss(logits: torch.Tensor, chunk: Chunk) -> torch.Tensor:
    """Sum of the cross-entropies with the distributions over options."""
    return -(chunk.shares * logits.log_softmax(-1).gather(1, chunk.options)).sum()


def _tokenizer(data: JudgeData, plan: Plan, folder: Path) -> Any:
    """The tokenizer in `folder`; if there is none, it is trained and saved there."""
    if (folder / "tokenizer.json").is_file():
        from transformers import AutoTokenizer

        known: Any = AutoTokenizer.from_pretrained(folder)
        if stale := stale_segments(known):
            what, hint = f"made for another prompt `{stale[0]}`", f"python -m evalkit.judges.vlm.mini.retitle {folder}"
            raise ConfigError(what, where=str(folder), hint=hint)
        return known
    rng = random.Random(f"tokens {plan.seed}")
    tokenizer = train_tokenizer(corpus([data.judged(rng) for _ in range(1500)]), segments())
    tokenizer.save_pretrained(folder)
    return tokenizer


def _put_weights(model: Any, folder: Path) -> None:
    from transformers import Qwen3VLForConditionalGeneration

    trained: Any = Qwen3VLForConditionalGeneration.from_pretrained(folder)
    try:
        model.load_state_dict(trained.state_dict())
    except RuntimeError as error:
        what = f"no weights of this model ({str(error).splitlines()[0]})"
        raise ConfigError(what, where=str(folder), hint="name a folder with judge-mini's weights") from error


def _split(model: Any) -> tuple[list[Any], list[Any]]:
    """Hidden matrices, for Muon; and for AdamW embeddings, norms, biases and large square matrices (slow to whiten)."""
    matrices: list[Any] = []
    others: list[Any] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        hidden = parameter.ndim == 2 and "embed" not in name and min(parameter.shape) <= LARGEST
        (matrices if hidden else others).append(parameter)
    return matrices, others


def trainer(data: JudgeData, folder: Path, *, minutes: float, seed: int, start: Path | None = None) -> Trainer:
    """A trainer; it continues from `folder` if a training was interrupted there.

    Args:
        start: a folder with trained weights, which are taught more.
    """
    plan = more(minutes, seed) if start else Plan(minutes=minutes, seeing=minutes * SEEING, seed=seed)
    made = Trainer(data, plan, folder, start)
    made.load()
    return made
