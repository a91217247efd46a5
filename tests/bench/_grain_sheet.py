"""Draws one example for each kind of finding of the grain judge: the picture, and its contrast times 8 with the boxes.

python -m tests.bench._grain_sheet docs/grain.png
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import Finding
from evalkit.benchmarks.faults.inject import inject
from evalkit.benchmarks.scenes.case import scene_case
from evalkit.benchmarks.scenes.recipe import FaultSpec, SceneRecipe
from evalkit.judges.grain.judge import GrainJudge

AMPLIFIED = 8
SHOWN = (
    (SceneRecipe("infographic", 9, 512), FaultSpec("grain", 1, {"rms": 1.5, "correlation_px": 2.0, "patch": 0.4})),
    (SceneRecipe("poster", 3, 512), FaultSpec("grid", 1, {"rms": 1.5, "period_px": 16.0, "patch": 0.4})),
    (SceneRecipe("poster", 3, 512), FaultSpec("banding", 1, {"step": 3.0, "width_px": 32.0})),
    (SceneRecipe("infographic", 9, 512), FaultSpec("mottle", 1, {"rms": 3.0, "blotch_px": 24.0, "patch": 0.5})),
    (SceneRecipe("infographic", 9, 512), FaultSpec("colour-cast", 1, {"delta_e": 4.0, "patch": 0.4})),
)
WRONG, TRUE = (220, 0, 60), (0, 150, 220)


def main(path: Path) -> None:
    judge = GrainJudge()
    rows = []
    for recipe, spec in SHOWN:
        made = inject(replace(recipe, faults=(spec,)))
        verdict = judge.judge(Picture.from_pixels(made.pixels), scene_case(recipe, "x"), None)
        strong = amplified(made.pixels, inject(recipe).pixels)
        rows.append(np.hstack([annotated(made.pixels, [], ""), annotated(strong, verdict.findings, spec.kind)]))
        for finding in verdict.findings:
            overlap = finding.box.iou(made.faults[0].box)
            print(f"{spec.kind}: {finding.kind} {finding.box}, IoU {overlap:.2f}: {finding.message}")
    Image.fromarray(np.vstack(rows)).save(path, optimize=True)


def amplified(pixels: Pixels, clean: Pixels) -> Pixels:
    """The picture with its difference from the clean one amplified."""
    change = (pixels.astype(float) - clean) * AMPLIFIED
    return np.clip(clean + change, 0, 255).astype(np.uint8)


def annotated(pixels: Pixels, findings: tuple[Finding, ...] | list[Finding], title: str) -> Pixels:
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=15)
    for number, finding in enumerate(findings):
        box = finding.box
        pen.rectangle((box.x0, box.y0, box.x1 - 1, box.y1 - 1), outline=WRONG, width=3)
        text = f"{finding.kind} {finding.size:.1f} {finding.unit}".replace("Δ", "d")  # not in this font
        at = (box.x0 + 6, min(box.y0 + 6 + 20 * number, 490))
        pen.rectangle(pen.textbbox(at, text, font=font), fill=(255, 255, 255))
        pen.text(at, text, font=font, fill=WRONG)
    pen.text((6, 494), f"put in: {title}, contrast x{AMPLIFIED}" if title else "", font=font, fill=TRUE)
    return np.asarray(image)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
