"""Pictures as they are sent to a model: encoding, cut-outs, size limits, and whether the server scaled them down."""

from __future__ import annotations

import hashlib
import io
from math import ceil, floor

from evalkit.api.pictures import Pixels, encode_png
from evalkit.api.records import Box, Case
from evalkit.judges.vlm.call import Call, ReplyForm, SentImage

MARGIN = 0.25
"""Margin round a box that is cut out, as a share of its shorter side: letters are told apart by some ground."""
LEAST_SIDE = 32
"""Least width and height of a cut-out where the picture has so many px: one vision token."""
CHARACTERS_PER_TOKEN = 8
"""More than any text of ours has (English has 4 to 5), so that the tokens of the text are never overestimated."""
TOLERANCE = 0.95
"""A server that spends fewer tokens on a picture than this share of what its native pixels need has scaled it down."""


def sent_image(pixels: Pixels) -> SentImage:
    """The PNG that is sent for (H, W, 3) pixels: the same for the same pixels, without any metadata."""
    png = encode_png(pixels)
    return SentImage(png, hashlib.sha256(png).hexdigest(), pixels.shape[1], pixels.shape[0])


def crop(pixels: Pixels, box: Box) -> Pixels:
    """The pixels of `box` with a margin, cut off at the picture's edges and never resampled."""
    height, width = pixels.shape[:2]
    margin = MARGIN * min(box.width, box.height)
    x0, x1 = _reach(box.x0 - margin, box.x1 + margin, width)
    y0, y1 = _reach(box.y0 - margin, box.y1 + margin, height)
    return pixels[y0:y1, x0:x1]


def text_boxes(case: Case, pixels: Pixels) -> dict[int, Box]:
    """Boxes of the declared texts, in px of the picture, by index; texts without a declared box are left out."""
    height, width = pixels.shape[:2]
    fx, fy = width / case.width, height / case.height
    boxes = {i: text.box for i, text in enumerate(case.texts) if text.box is not None and text.text.split()}
    return {i: Box(box.x0 * fx, box.y0 * fy, box.x1 * fx, box.y1 * fy) for i, box in boxes.items()}


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


def scaled_down(call: Call[ReplyForm], prompt_tokens: int | None, patch: int | None) -> str:
    """The error message if the server spent fewer tokens on the pictures than native pixels need; empty if it did
    not, or if that can't be known."""
    if patch is None or prompt_tokens is None or not call.images:
        return ""
    need = sum(vision_tokens(image.width, image.height, patch) for image in call.images)
    given = prompt_tokens - (len(call.system) + len(call.text)) // CHARACTERS_PER_TOKEN
    if given >= TOLERANCE * need:
        return ""
    return f"the server scales pictures down: about {given} tokens where native pixels need {need}; raise its limit"


def too_large(call: Call[ReplyForm], max_pixels: int) -> str:
    """The error message if a picture is above the budget; empty if none is."""
    for image in call.images:
        if image.width * image.height > max_pixels:
            return f"a picture of {image.width}x{image.height} px is above the budget of {max_pixels} px (`max_pixels`)"
    return ""


def fit(image: SentImage, max_pixels: int) -> SentImage:
    """The image itself, or a smaller copy of at most `max_pixels` (Lanczos) with a hash of its own.

    The caller reports that a picture was sent smaller. Boxes in thousandths stay true; boxes in pixels are those of the
    smaller picture.
    """
    if image.width * image.height <= max_pixels:
        return image
    from PIL import Image

    scale = (max_pixels / (image.width * image.height)) ** 0.5
    width, height = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    with Image.open(io.BytesIO(image.png)) as opened:
        small = opened.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    return SentImage(buffer.getvalue(), hashlib.sha256(buffer.getvalue()).hexdigest(), width, height)


def _reach(low: float, high: float, length: int) -> tuple[int, int]:
    """Start and end of the whole pixels from `low` to `high`, at least `LEAST_SIDE` of them, within `length`."""
    short = max(0.0, LEAST_SIDE - (high - low)) / 2
    start, end = max(0, floor(low - short)), min(length, ceil(high + short))
    return (start, end) if end > start else (max(0, min(start, length - 1)), min(length, max(end, 1)))
