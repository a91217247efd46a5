"""CLIPScore on a tiny random CLIP: the definition, and the handling of long prompts."""

from pathlib import Path

import pytest

from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import Picture
from evalkit.api.records import Case, Status, Verdict
from evalkit.judges.fidelity.paired.clip_score import ClipScoreJudge, centre_crop
from tests.judges.fidelity.conftest import blobs

SHORT, LONG = "a red fox", "A red fox sleeps. Stars shine above it."


def look(folder: Path | str, prompt: str, long_prompts: str = "chunks", side: int = 64, width: int = 64) -> Verdict:
    judge = ClipScoreJudge(ClipScoreJudge.Settings(model=str(folder), long_prompts=long_prompts, device="cpu"))
    return judge.judge(Picture.from_pixels(blobs(side, width=width)), Case("a", prompt, width=64, height=64), None)


@pytest.mark.parametrize("prompt", [SHORT, "stars", "night sky", "7"])
def test_a_short_prompt_has_the_published_score(tiny_clip: Path, prompt: str) -> None:
    """By transformers' own preprocessing; torchmetrics 1.9 itself fails on transformers 5.23."""
    import torch
    from PIL import Image
    from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

    pictures = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    model = CLIPModel.from_pretrained(tiny_clip)
    rows = pictures(Image.fromarray(blobs(64, width=80)), return_tensors="pt")
    tokens = CLIPTokenizer.from_pretrained(tiny_clip)(prompt, return_tensors="pt")
    with torch.inference_mode():
        cosine = float(model(**tokens, **rows).logits_per_image / model.logit_scale.exp())
    assert look(tiny_clip, prompt, width=80).scores[0].value == pytest.approx(max(100 * cosine, 0), abs=0.1)


def test_a_long_prompt_is_scored_in_chunks_and_says_so(tiny_clip: Path) -> None:
    verdict = look(tiny_clip, LONG)
    pieces = verdict.evidence["chunks"]
    assert "".join(piece["text"] for piece in pieces).replace(" ", "") == LONG.replace(" ", "")
    assert all(piece["tokens"] <= 14 for piece in pieces)
    total = sum(piece["tokens"] for piece in pieces)
    assert verdict.scores[0].value == pytest.approx(sum(p["tokens"] * p["score"] for p in pieces) / total, abs=0.01)
    alone = [look(tiny_clip, piece["text"]).scores[0].value for piece in pieces]
    assert [piece["score"] for piece in pieces] == pytest.approx(alone, abs=0.01)


def test_truncation_is_never_silent(tiny_clip: Path) -> None:
    verdict = look(tiny_clip, LONG, "truncate")
    assert verdict.evidence["prompt"]["truncated"].startswith("only the first 14 of ")
    changed = look(tiny_clip, LONG[:-6] + "below.", "truncate")
    assert verdict.scores == changed.scores  # what was not read does not count, so the evidence must say so
    assert look(tiny_clip, LONG).scores != look(tiny_clip, LONG[:-6] + "below.").scores


def test_it_may_abstain(tiny_clip: Path) -> None:
    score = look(tiny_clip, LONG, "abstain").scores[0]
    assert score.status is Status.UNSCORED
    assert "CLIP reads 14" in score.reason


def test_the_settings_are_part_of_the_fingerprint(tiny_clip: Path) -> None:
    ways = ("chunks", "truncate", "abstain")
    judges = [ClipScoreJudge(ClipScoreJudge.Settings(model=str(tiny_clip), long_prompts=way)) for way in ways]
    assert len({judge.fingerprint() for judge in judges}) == 3


def test_a_model_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        look(tmp_path, SHORT)
    assert "folder of a downloaded model" in caught.value.hint


def test_the_crop_is_reported(tiny_clip: Path) -> None:
    assert look(tiny_clip, SHORT, width=128).evidence["picture seen"] == "50% (centre crop)"
    cropped, seen = centre_crop(blobs(64, width=128), 32)
    assert cropped.shape == (32, 32, 3)
    assert seen == 0.5
