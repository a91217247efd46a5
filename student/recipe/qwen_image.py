"""Qwen-Image 1.x: `QwenImagePipeline` draws from a prompt, `QwenImageEditPlusPipeline` edits one source picture.

Both pack 2×2 latents into a token, mask padded prompt tokens, and rescale guided velocities to the length of the
conditional ones. The tokens of the source follow those of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evalkit.api.errors import ConfigError
from evalkit.api.records import Task
from evalkit.student.recipe.family import Condition, cast_to_weights, size_of_all

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

MAX_PROMPT = 512
"""Tokens of a prompt that `QwenImagePipeline` reads by default."""
MARK = "Picture 1: <|vision_start|><|image_pad|><|vision_end|>"
"""The text that `QwenImageEditPlusPipeline` puts before the instruction for its source."""


class QwenImage:
    """`QwenImagePipeline` or `QwenImageEditPlusPipeline`."""

    def __init__(self, pipe: Any) -> None:
        """Raises `ConfigError` for a guidance-distilled checkpoint: it has no unconditional prediction."""
        if pipe.transformer.config.get("guidance_embeds", False):
            raise ConfigError(
                "no recipe can train a guidance-distilled checkpoint", hint="start from the model it was distilled from"
            )
        self.pipe = pipe
        self.tokenizer = pipe.tokenizer
        self._edits = hasattr(pipe, "processor")
        self.tasks = frozenset({Task.EDIT if self._edits else Task.T2I})

    def encode(self, prompts: Sequence[str], sources: Sequence[Image] | None, size: tuple[int, int]) -> Condition:
        """Prompts may differ in their number of tokens here. Raises `ConfigError` for a task the pipeline can't do."""
        if bool(sources) is not self._edits:
            able = "edit a picture" if self._edits else "draw without a source picture"
            raise ConfigError(f"a {type(self.pipe).__name__} can only {able}", where="mixture")
        prompts = [prompt or " " for prompt in prompts]
        shapes = [self._shape(*size)]
        source = None
        if sources:
            states, attention = self._read_edit(prompts, sources)
            source, shape = self._source(sources)
            shapes.insert(0, shape)
        else:
            states, attention = self._read(prompts)
        embeds, mask = _without_template(states, attention, self.pipe.prompt_template_encode_start_idx)
        if not sources:
            embeds, mask = embeds[:, :MAX_PROMPT], mask[:, :MAX_PROMPT]
        embeds = embeds.to(self.pipe.text_encoder.dtype)
        slots = mask.new_zeros(mask.shape)
        return Condition(embeds, None if bool(mask.all()) else mask, slots, source, tuple(shapes))

    def latents(self, pictures: Tensor) -> Tensor:
        vae = self.pipe.vae
        encoded = vae.encode(pictures.unsqueeze(2).to(vae.dtype)).latent_dist.mode()
        mean, std = self._moments(encoded)
        batch, channels, _, rows, columns = encoded.shape
        packed: Tensor = self.pipe._pack_latents((encoded - mean) / std, batch, channels, rows, columns).float()
        return packed

    def deviations(self) -> Tensor:
        import torch

        return torch.tensor(self.pipe.vae.config.latents_std).repeat_interleave(4)  # 2×2 positions are one token

    def pictures(self, latents: Tensor, size: tuple[int, int]) -> Tensor:
        vae = self.pipe.vae
        unpacked = self.pipe._unpack_latents(latents, size[1], size[0], self.pipe.vae_scale_factor).to(vae.dtype)
        mean, std = self._moments(unpacked)
        decoded: Tensor = vae.decode(unpacked * std + mean, return_dict=False)[0][:, :, 0].float()
        return decoded

    def velocity(self, transformer: Any, z: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        import torch

        hidden = z if condition.source is None else torch.cat([z, condition.source.to(z.dtype)], dim=1)
        predicted: Tensor = transformer(
            hidden_states=cast_to_weights(hidden, transformer),
            encoder_hidden_states=cast_to_weights(condition.embeds, transformer),
            encoder_hidden_states_mask=condition.mask,
            timestep=sigma,
            img_shapes=[[(1, rows, columns) for rows, columns in reversed(condition.shapes)]] * len(z),
            return_dict=False,
        )[0]
        return predicted[:, : z.shape[1]].to(z.dtype)

    def guided(self, conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
        """Classifier-free guidance, then scaled token by token to the length of the conditional velocity."""
        combined = unconditional + scale * (conditional - unconditional)
        rescaled: Tensor = combined * (conditional.norm(dim=-1, keepdim=True) / combined.norm(dim=-1, keepdim=True))
        return rescaled

    def _read(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """States of the text encoder's last layer, (B, T, width), and which of them are not padding."""
        pipe = self.pipe
        inputs = pipe.tokenizer(
            [pipe.prompt_template_encode.format(prompt) for prompt in prompts],
            max_length=pipe.tokenizer_max_length + pipe.prompt_template_encode_start_idx,
            padding=True,
            truncation=True,
            return_tensors="pt",
        ).to(pipe.text_encoder.device)
        states = pipe.text_encoder.model(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask)
        return states.last_hidden_state, inputs.attention_mask

    def _read_edit(self, prompts: Sequence[str], sources: Sequence[Image]) -> tuple[Tensor, Tensor]:
        """The same, with one source each, resized as the pipeline resizes it for the encoder.

        Only the inputs that the pipeline passes on are used: with `mm_token_type_ids` the positions would differ.
        """
        pipe = self.pipe
        width, height = self._area("CONDITION_IMAGE_SIZE", sources)
        inputs = pipe.processor(
            text=[pipe.prompt_template_encode.format(MARK + prompt) for prompt in prompts],
            images=[pipe.image_processor.resize(source, height, width) for source in sources],
            padding=True,
            return_tensors="pt",
        ).to(pipe.text_encoder.device)
        names = ("input_ids", "attention_mask", "pixel_values", "image_grid_thw")
        states = pipe.text_encoder.model(**{name: inputs[name] for name in names})
        return states.last_hidden_state, inputs["attention_mask"]

    def _source(self, sources: Sequence[Image]) -> tuple[Tensor, tuple[int, int]]:
        """Latents of the sources, resized as the pipeline resizes them for the VAE, and their shape in tokens."""
        import torch

        width, height = self._area("VAE_IMAGE_SIZE", sources)
        pictures = torch.cat([self.pipe.image_processor.preprocess(source, height, width) for source in sources])
        with torch.no_grad():
            return self.latents(pictures.to(self.pipe.vae.device)), self._shape(width, height)

    @staticmethod
    def _area(constant: str, sources: Sequence[Image]) -> tuple[int, int]:
        """Width and height, px, that the pipeline gives a source of this shape."""
        from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as module

        width, height = size_of_all(sources)
        sides: tuple[int, int] = module.calculate_dimensions(getattr(module, constant), width / height)
        return sides

    def _shape(self, width: int, height: int) -> tuple[int, int]:
        side = 2 * self.pipe.vae_scale_factor
        return height // side, width // side

    def _moments(self, like: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        config = self.pipe.vae.config
        mean, std = (torch.tensor(config[name]).to(like) for name in ("latents_mean", "latents_std"))
        shape = (1, -1, 1, 1, 1)
        return mean.view(shape), std.view(shape)


def _without_template(states: Tensor, attention: Tensor, drop: int) -> tuple[Tensor, Tensor]:
    """States after the template's first `drop` tokens, padded on the right with zeros, and which of them are valid."""
    from torch.nn.utils.rnn import pad_sequence

    rows = [row[valid.bool()][drop:] for row, valid in zip(states, attention, strict=True)]
    mask = pad_sequence([row.new_ones(len(row)).bool() for row in rows], batch_first=True)
    return pad_sequence(rows, batch_first=True), mask
