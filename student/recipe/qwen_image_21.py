"""Qwen-Image 2.1: one pipeline class that draws and edits.

A source picture has slots among the text tokens, and its latent tokens precede those of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evalkit.api.errors import ConfigError
from evalkit.api.records import Task
from evalkit.student.recipe.family import Condition, cast_to_weights, size_of_all
from evalkit.student.recipe.flow import TOKEN_PX, velocity_from_x0

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

MIN_SIGMA = 0.05
"""The velocity of a transformer that predicts x0 is divided by this at least, so that no loss explodes."""


class QwenImage21:
    """`QwenImage21Pipeline`."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.tokenizer = pipe.processor.tokenizer
        self.tasks = frozenset(Task)
        self._predicts_sample = getattr(pipe.scheduler, "prediction", "velocity") == "sample"

    def encode(self, prompts: Sequence[str], sources: Sequence[Image] | None, size: tuple[int, int]) -> Condition:
        import torch

        pipe = self.pipe
        template = pipe.prompt_template_ti2i if sources else pipe.prompt_template_t2i
        texts = [template.format(prompt or " ") for prompt in prompts]
        arguments: dict[str, Any] = {"text": texts, "padding": True, "padding_side": "left", "return_tensors": "pt"}
        if sources:
            arguments["images"] = list(sources)
        inputs = pipe.processor(**arguments).to(pipe.text_encoder.device)
        embeds = _states_before_norm(pipe.text_encoder, inputs)
        if not bool(inputs["attention_mask"].all()):
            raise ValueError("prompts of one batch must have the same number of tokens")
        drop = pipe._drop_idx
        slots = (inputs["input_ids"] == pipe._img_token_id)[:, drop:]
        source, shapes = None, [(size[1] // TOKEN_PX, size[0] // TOKEN_PX)]
        if sources:
            with torch.no_grad():
                source = self.latents(torch.stack([_tensor(picture) for picture in sources]).to(embeds.device))
            width, height = size_of_all(sources)
            shapes.insert(0, (height // TOKEN_PX, width // TOKEN_PX))
            if int(slots[0].sum()) * 4 != source.shape[1]:
                hint = "pictures must be of a size that its image processor leaves as it is"
                raise ConfigError(f"the encoder of this checkpoint resizes {width}x{height} px", hint=hint)
        return Condition(embeds[:, drop:], None, slots, source, tuple(shapes))

    def latents(self, pictures: Tensor) -> Tensor:
        raw = self.pipe.vae.encode(_rgba(pictures).unsqueeze(2).to(self.pipe.vae.dtype))
        latents = raw.latents if hasattr(raw, "latents") else raw.latent_dist.mode()
        mean, std = self._moments(latents)
        packed: Tensor = ((latents - mean) / std).flatten(2).transpose(1, 2).float()
        return packed

    def deviations(self) -> Tensor:
        import torch

        return torch.tensor(self.pipe.vae.config["latents_std"])

    def pictures(self, latents: Tensor, size: tuple[int, int]) -> Tensor:
        rows, columns = size[1] // TOKEN_PX, size[0] // TOKEN_PX
        unpacked = latents.transpose(1, 2).reshape(len(latents), -1, 1, rows, columns).to(self.pipe.vae.dtype)
        mean, std = self._moments(unpacked)
        decoded: Tensor = self.pipe.vae.decode(unpacked * std + mean, return_dict=False)[0][:, :3, 0].float()
        return decoded

    def velocity(self, transformer: Any, z: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        import torch

        tokens = z.shape[1]
        slots = condition.image_slots
        target = slots.new_ones(len(z), tokens // 4)
        hidden = z if condition.source is None else torch.cat([condition.source.to(z.dtype), z], dim=1)
        predicted: Tensor = transformer(
            hidden_states=cast_to_weights(hidden, transformer),
            encoder_hidden_states=cast_to_weights(condition.embeds, transformer),
            timestep=sigma,
            img_shapes=[[(1, rows, columns) for rows, columns in condition.shapes]] * len(z),
            img_mask=torch.cat([slots, target], dim=1),
            encoder_hidden_states_mask=condition.mask,
            return_dict=False,
        )[0]
        predicted = predicted[:, -tokens:].to(z.dtype)
        if self._predicts_sample:
            return velocity_from_x0(z, predicted, sigma.clamp(min=MIN_SIGMA))
        return predicted

    def guided(self, conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
        return unconditional + scale * (conditional - unconditional)

    def _moments(self, like: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        config = self.pipe.vae.config
        shape = (1, -1, 1, 1, 1)
        mean, std = (torch.tensor(config[name], device=like.device) for name in ("latents_mean", "latents_std"))
        return mean.view(shape).to(like.dtype), std.view(shape).to(like.dtype)


def _states_before_norm(text_encoder: Any, inputs: Any) -> Tensor:
    """States of the last layer before the final norm, (B, T, width): the transformer is trained on these.

    A hook that returns the norm's input skips the norm, as the pipeline does.
    """
    handle = text_encoder.model.language_model.norm.register_forward_hook(lambda module, given, output: given[0])
    try:
        states: Tensor = text_encoder.model(**inputs).last_hidden_state
    finally:
        handle.remove()
    return states


def _tensor(picture: Image) -> Tensor:
    import numpy as np
    import torch

    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1).float() / 127.5 - 1


def _rgba(pictures: Tensor) -> Tensor:
    import torch

    return torch.cat([pictures, torch.ones_like(pictures[:, :1])], dim=1)
