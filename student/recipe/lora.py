"""Low-rank adapters on the attention of a transformer, instead of all its weights."""

from __future__ import annotations

from typing import Any

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
"""The attention projections, as the public few-step LoRAs of this family train them."""


def add_lora(transformer: Any, rank: int, alpha: float, seed: int = 0) -> None:
    """Add a LoRA to `transformer` in place; only its matrices stay trainable. It changes nothing until trained.

    They are float32, whatever the other weights are: bfloat16 would swallow small updates. Their first values follow
    from `seed` alone, so that every process has the same.
    """
    import torch
    from peft import LoraConfig

    transformer.requires_grad_(False)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer.add_adapter(LoraConfig(r=rank, lora_alpha=alpha, target_modules=TARGETS))
    for weight in transformer.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def merge_lora(transformer: Any) -> None:
    """Add the LoRA, if there is one, into the weights, and take it off."""
    if not getattr(transformer, "peft_config", None):
        return
    transformer.fuse_lora()
    transformer.unload_lora()
