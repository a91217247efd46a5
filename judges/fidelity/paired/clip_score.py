"""CLIPScore (Hessel et al. 2021): how well a picture fits its prompt."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from evalkit.api import settings
from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import JSON, Case, Dimension, Score, Status, Verdict
from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.formats.keys import digest
from evalkit.judges.fidelity.networks.network import device
from evalkit.judges.fidelity.networks.transformer import (
    CLIP_COLOURS,
    ModelRef,
    load,
    missing,
    model_identity,
    unavailable,
)
from evalkit.judges.fidelity.paired.prompt_chunks import chunks

CLIP_SCORE = "clip_score"
_NO_PROMPT = "the case has no prompt"


class ClipScoreJudge:
    """CLIPScore, 100·max(cos, 0) as in torchmetrics; a prompt longer than the encoder takes is scored in chunks.

    CLIP reads 75 tokens. The evidence of every picture states, in figures, how a longer prompt was handled.
    """

    class Settings(settings.Settings):
        """`model`: folder or hub id. `long_prompts`: `chunks` (mean weighted by tokens), `truncate`, or `abstain`."""

        primary: ClassVar[str] = "model"

        model: ModelRef
        long_prompts: Literal["chunks", "truncate", "abstain"] = "chunks"
        device: Literal["auto", "cpu", "cuda"] = "auto"

    name = "clip-score"
    version = "2"
    dimensions = (Dimension(CLIP_SCORE, "100 x cosine of CLIP's embeddings of picture and prompt", high=100.0),)
    concurrency = 1

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._loaded: tuple[Any, Any] | None = None
        self._loading = threading.Lock()

    def fingerprint(self) -> str:
        return digest(self.name, self.version, model_identity(self.settings.model), self.settings.long_prompts)

    def check(self) -> Sequence[tuple[str, str]]:
        lack = missing(self.settings.model)
        return [lack] if lack else []

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        return {} if case.prompt.strip() else {CLIP_SCORE: _NO_PROMPT}

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        if not case.prompt.strip():
            return Verdict(self.name, (Score(CLIP_SCORE, Status.UNSCORED, reason=_NO_PROMPT),))
        model, tokenizer = self._model()
        most = int(model.config.text_config.max_position_embeddings) - 2  # the start and end tokens take two places

        def length(text: str) -> int:
            return len(tokenizer(text, add_special_tokens=False)["input_ids"])

        n = length(case.prompt)
        evidence: dict[str, JSON] = {"prompt": {"tokens": n, "most at once": most}}
        if n <= most:
            pieces = [case.prompt]
        elif self.settings.long_prompts == "abstain":
            reason = f"the prompt has {n} tokens, CLIP reads {most}"
            return Verdict(self.name, (Score(CLIP_SCORE, Status.UNSCORED, reason=reason),), (), evidence)
        elif self.settings.long_prompts == "truncate":
            pieces = [case.prompt]
            evidence["prompt"]["truncated"] = f"only the first {most} of {n} tokens were read"
        else:
            pieces = chunks(case.prompt, length, most)
        scores, seen = self._scores(picture.pixels, pieces)
        weights = [min(length(piece), most) or 1 for piece in pieces]
        if len(pieces) > 1:
            evidence["chunks"] = [
                {"tokens": w, "score": round(s, 2), "text": p} for w, s, p in zip(weights, scores, pieces, strict=True)
            ]
        evidence["picture seen"] = f"{seen:.0%} (centre crop)"
        return Verdict(
            self.name,
            (Score(CLIP_SCORE, Status.SCORED, float(np.average(scores, weights=weights))),),
            (),
            evidence,
        )

    def controls(self) -> Iterable[Control]:
        return ()  # the right score of a given picture is unknown, as it depends on the CLIP that is used

    def close(self) -> None:
        self._loaded = None

    def _model(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                model = load("CLIPModel", self.settings.model).to(device(self.settings.device))
                self._loaded = model, _tokenizer(self.settings.model)
            return self._loaded

    def _scores(self, pixels: Pixels, texts: list[str]) -> tuple[list[float], float]:
        """100·max(cos, 0) for each text, and the share of the picture inside the crop."""
        import torch

        model, tokenizer = self._model()
        cropped, seen = centre_crop(pixels, int(model.config.vision_config.image_size))
        mean, spread = (torch.tensor(values).view(3, 1, 1) for values in CLIP_COLOURS)
        rows = (torch.tensor(cropped).permute(2, 0, 1).float() / 255 - mean) / spread
        most = int(model.config.text_config.max_position_embeddings)
        tokens = tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt")
        with torch.inference_mode():
            where = device(self.settings.device)
            found = model(pixel_values=rows[None].to(where), **{k: v.to(where) for k, v in tokens.items()})
            cosines = torch.nn.functional.cosine_similarity(found.image_embeds, found.text_embeds)
        return [100 * max(0.0, float(cosine)) for cosine in cosines], seen


def centre_crop(pixels: Pixels, side: int) -> tuple[Pixels, float]:
    """CLIP's own preprocessing (shorter side to `side` px, bicubic, then the centre), and the share that is left."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    size = max(side, int(width * scale)), max(side, int(height * scale))
    resized = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    top, left = (size[1] - side) // 2, (size[0] - side) // 2
    return resized[top : top + side, left : left + side], side * side / (size[0] * size[1])


def _tokenizer(model: str) -> Any:
    ensure_torchvision()
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(model)
    except Exception as error:
        raise unavailable(model, error) from error
