"""How many pixels a model sees of what is sent, and what is done about pictures that are too large for it."""

from __future__ import annotations

import hashlib
import io

from evalkit.judges.vlm.ask import Ask, Shot

CHARACTERS_PER_TOKEN = 8
"""More than any text of ours needs (English takes 4 to 5), so that the share of the text is never overestimated."""
TOLERANCE = 0.95
"""A server that gives a picture fewer tokens than this share of what its native pixels need has scaled it down."""


def patch_of(model: str) -> int | None:
    """Pixels along a side of one vision token: 32 for Qwen3-VL and later, 28 for Qwen2-VL and 2.5; `None`: unknown."""
    name = model.lower().replace("_", "-").replace("-", "")
    if "qwen2vl" in name or "qwen2.5vl" in name:
        return 28
    return 32 if any(family in name for family in ("qwen3vl", "qwen3.5", "qwen3.6", "qwen3.8")) else None


def vision_tokens(width: int, height: int, patch: int) -> int:
    """Tokens of a picture at native pixels: its sides rounded to whole patches (Qwen2-VL, arXiv 2409.12191, sec. 2.1).

    Processors enlarge small pictures first: those get more.
    """
    return max(1, round(width / patch)) * max(1, round(height / patch))


def scaled_down(ask: Ask, prompt_tokens: int | None, patch: int | None) -> str:
    """What to say if the server gave the pictures fewer tokens than native pixels need; empty if it did not, or if
    that can't be known."""
    if patch is None or prompt_tokens is None or not ask.images:
        return ""
    need = sum(vision_tokens(shot.width, shot.height, patch) for shot in ask.images)
    given = prompt_tokens - (len(ask.system) + len(ask.text)) // CHARACTERS_PER_TOKEN
    if given >= TOLERANCE * need:
        return ""
    return f"the server scales pictures down: about {given} tokens where native pixels need {need}; raise its limit"


def too_large(ask: Ask, max_pixels: int) -> str:
    """What to say if a picture is above the budget; empty if none is."""
    for shot in ask.images:
        if shot.width * shot.height > max_pixels:
            return f"a picture of {shot.width}x{shot.height} px is above the budget of {max_pixels} px (`max_pixels`)"
    return ""


def fit(shot: Shot, max_pixels: int) -> Shot:
    """The shot itself, or a smaller one of at most `max_pixels` (Lanczos), with a hash of its own: whoever uses it
    says so. Boxes in thousandths stay true, boxes in pixels are those of the smaller picture."""
    if shot.width * shot.height <= max_pixels:
        return shot
    from PIL import Image

    scale = (max_pixels / (shot.width * shot.height)) ** 0.5
    width, height = max(1, int(shot.width * scale)), max(1, int(shot.height * scale))
    with Image.open(io.BytesIO(shot.png)) as image:
        small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    return Shot(buffer.getvalue(), hashlib.sha256(buffer.getvalue()).hexdigest(), width, height)
