"""The controls of the judge: pictures of text with known right verdicts, drawn with Pillow's own font."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Picture
from evalkit.api.protocols import Control
from evalkit.api.records import Case, Status, TextTarget, Verdict

_SIZE = (640, 640)
_TEXT = "FRESH BREAD DAILY"
_MISSPELLED = "FRESH BRAED DAILY"


def controls() -> list[Control]:
    """A clean line that must have no error, and a known misspelling that must be found in its word."""
    case = Case(
        id="control/typography", prompt=f'"{_TEXT}"', width=_SIZE[0], height=_SIZE[1], texts=(TextTarget(_TEXT),)
    )
    return [
        Control("clean line", "every word right, nothing extra", case, drawn(_TEXT), _all_right),
        Control("misspelling", "BRAED for BREAD is found, and nothing else", case, drawn(_MISSPELLED), _one_typo),
    ]


def drawn(text: str) -> Picture:
    """`text` in dark letters across a light square."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", _SIZE, (244, 240, 232))
    font = ImageFont.load_default(size=48)
    ImageDraw.Draw(image).text((_SIZE[0] / 2, _SIZE[1] / 2), text, font=font, fill=(30, 40, 60), anchor="mm")
    return Picture.from_pixels(np.asarray(image))


def _all_right(verdict: Verdict) -> bool:
    exact = verdict.score("typography.exact")
    return exact is not None and exact.status is Status.SCORED and exact.value == 1.0 and not verdict.findings


def _one_typo(verdict: Verdict) -> bool:
    return [(f.kind, f.evidence.get("expected")) for f in verdict.findings] == [("typo", "BREAD")]
