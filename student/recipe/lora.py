"""Low-rank adapters on the attention of a transformer, instead of all its weights."""

from __future__ import annotations

from typing import Any

from evalkit.student.recipe.config import Lora

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
"""The attention projections, as the public few-step LoRAs of this family train them."""


def add_lora(transformer: Any, lora: Lora, seed: int = 0) -> None:
    """Add a LoRA to `transformer` in place; only its matrices stay trainable. Before training it has no effect.

    The matrices are float32, whatever the other weights are: bfloat16 would round small updates away. Their initial
    values follow from `seed` alone, so that they are the same in every process.
    """
    import torch
    from peft import LoraConfig

    transformer.requires_grad_(False)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer.add_adapter(LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=TARGETS))
    for weight in transformer.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def merge_lora(transformer: Any) -> None:
    """Add the LoRA, if there is one, to the weights, and remove its adapters."""
    if not getattr(transformer, "peft_config", None):
        return
    transformer.fuse_lora()
    transformer.unload_lora()
