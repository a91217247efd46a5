"""Tiny random checkpoints of the real pipeline classes, built on the spot: no hub, nothing downloaded."""

from pathlib import Path
from typing import Any

from evalkit.compat.mini_qwen import MARKS, qwen_tokenizer
from evalkit.student.mini.build import CHAT_TEMPLATE

# what the shipped Qwen-Image checkpoints have: dynamic shifting and a stretched last step
SCHEDULER = {
    "base_image_seq_len": 256,
    "max_image_seq_len": 8192,
    "base_shift": 0.5,
    "max_shift": 0.9,
    "shift_terminal": 0.02,
    "use_dynamic_shifting": True,
}
HIDDEN = 32


def byte_tokenizer() -> Any:
    """A tokenizer whose only words are the 256 bytes, plus the marks the Qwen templates need."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={character: i for i, character in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(list(MARKS))
    return qwen_tokenizer(core, CHAT_TEMPLATE)


def build_qwen_image(folder: Path, edit: bool) -> Path:
    """`QwenImagePipeline`, or `QwenImageEditPlusPipeline`."""
    import torch
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImageEditPlusPipeline,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    parts = {
        "scheduler": FlowMatchEulerDiscreteScheduler(**SCHEDULER),
        "vae": AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 2, 4],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        "text_encoder": Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(
                text_config={**_text(tokenizer), "rope_parameters": _rope([2, 3, 3])},
                vision_config={**_vision(), "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [0]},
                **_image_ids(tokenizer),
            )
        ),
        "tokenizer": tokenizer,
        "transformer": _outspoken(
            QwenImageTransformer2DModel(
                patch_size=2,
                in_channels=16,
                out_channels=4,
                num_layers=2,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=HIDDEN,
                guidance_embeds=False,
                axes_dims_rope=(8, 4, 4),
            )
        ),
    }
    if edit:
        images = Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56)
        parts["processor"] = Qwen2_5_VLProcessor(
            image_processor=images,
            tokenizer=tokenizer,
            video_processor=Qwen2VLVideoProcessor(),
            chat_template=CHAT_TEMPLATE,
        )
    (QwenImageEditPlusPipeline if edit else QwenImagePipeline)(**parts).save_pretrained(folder)
    return folder


def build_qwen_image_21(folder: Path) -> Path:
    """`QwenImage21Pipeline`: text to image and edit in one, RGBA out."""
    import torch
    from diffusers import (
        AutoencoderKLQwenImage21,
        FlowMatchEulerDiscreteScheduler,
        QwenImage21Pipeline,
        QwenImage21Transformer2DModel,
    )
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    QwenImage21Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**SCHEDULER),
        vae=AutoencoderKLQwenImage21(
            base_dim=4,
            decoder_base_dim=4,
            z_dim=8,
            dim_mult=[1] * 5,
            num_res_blocks=1,
            temperal_downsample=[False, True, True, True],
            latents_mean=[0.0] * 8,
            latents_std=[1.0] * 8,
        ),
        text_encoder=Qwen3VLForConditionalGeneration(
            Qwen3VLConfig(
                text_config={**_text(tokenizer), "head_dim": 16, "rope_parameters": _rope([4, 2, 2])},
                vision_config={
                    **_vision(),
                    "patch_size": 16,
                    "num_position_embeddings": 64,
                    "deepstack_visual_indexes": [0],
                },
                **_image_ids(tokenizer),
            )
        ),
        processor=Qwen3VLProcessor(
            image_processor=Qwen2VLImageProcessor(
                patch_size=16, merge_size=2, size={"shortest_edge": 32 * 32, "longest_edge": 64 * 64}
            ),
            tokenizer=tokenizer,
            video_processor=Qwen3VLVideoProcessor(),
            chat_template=CHAT_TEMPLATE,
        ),
        transformer=_outspoken(
            QwenImage21Transformer2DModel(
                patch_size=1,
                in_channels=8,
                out_channels=8,
                num_layers=2,
                attention_head_dim=16,
                num_attention_heads=2,
                context_in_dim=HIDDEN,
                mlp_ratio=2,
                axes_dims_rope=(4, 6, 6),
            )
        ),
    ).save_pretrained(folder)
    return folder


def save_lora(model: Path, file: Path, strength: float) -> Path:
    """A random LoRA on the attention of the tiny transformer, as `save_lora_weights` writes it."""
    import torch
    from diffusers import DiffusionPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipe = DiffusionPipeline.from_pretrained(model, local_files_only=True)
    torch.manual_seed(1)
    pipe.transformer.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v", "to_out.0"]))
    with torch.no_grad():
        for name, weight in pipe.transformer.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=strength)
    pipe.save_lora_weights(file.parent, get_peft_model_state_dict(pipe.transformer), weight_name=file.name)
    return file


def _outspoken(transformer):
    """Larger weights, so that a random transformer minds its prompt and its source, and not only the noise."""
    import torch

    with torch.no_grad():
        for weight in transformer.parameters():
            if weight.ndim > 1:
                weight *= 3
    return transformer


def _text(tokenizer) -> dict:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": HIDDEN,
        "intermediate_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
    }


def _rope(sections: list[int]) -> dict:
    return {"rope_type": "default", "rope_theta": 1e6, "mrope_section": sections}


def _vision() -> dict:
    return {
        "depth": 2,
        "hidden_size": HIDDEN,
        "intermediate_size": HIDDEN,
        "num_heads": 2,
        "out_hidden_size": HIDDEN,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    }


def _image_ids(tokenizer) -> dict:
    marks = {"image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"}
    return {f"{key}_token_id": tokenizer.convert_tokens_to_ids(f"<|{mark}|>") for key, mark in marks.items()}
