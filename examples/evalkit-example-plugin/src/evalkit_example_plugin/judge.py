"""A judge that measures sharpness."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from evalkit import api


class SharpnessSettings(api.Settings):
    """Settings of the sharpness judge."""

    primary = "least"

    least: float = Field(0.02, ge=0, le=1)
    """A picture with a lower value gets a finding."""


class SharpnessJudge:
    """Scores how sharp a picture is: the mean difference of neighbouring pixels."""

    Settings = SharpnessSettings
    plugin_api = 1

    name = "sharpness"
    version = "2"
    dimensions = (api.Dimension("sharpness.edges", "mean difference of neighbouring pixels"),)
    kinds = (
        api.FindingKind(
            "blur",
            description="the picture is less sharp than the setting `least` asks for",
            grade=api.Grade.DEFECT,
            reason="it is seen at once, but the picture can be used",
        ),
    )
    concurrency = 4

    def __init__(self, settings: SharpnessSettings) -> None:
        self.settings = settings

    def fingerprint(self) -> str:
        """Changes with everything that can change a score or a finding."""
        return api.digest(self.name, self.version, self.settings.model_dump(mode="json"))

    def judge(self, picture: api.Picture, case: api.Case, twin: api.Picture | None) -> api.Verdict:
        """The score; it abstains on a picture that is too small to have edges."""
        dimension = self.dimensions[0].name
        height, width = picture.pixels.shape[:2]
        if min(height, width) < 2:
            reason = f"a picture of {width}x{height} px has no edges"
            return api.Verdict(self.name, (api.Score(dimension, api.Status.UNSCORED, reason=reason),))
        value = sharpness(picture.pixels)
        score = api.Score(dimension, api.Status.SCORED, value)
        if value >= self.settings.least:
            return api.Verdict(self.name, (score,))
        whole = api.Box(0, 0, width, height)
        message = f"the picture is blurred: sharpness {value:.3f}, at least {self.settings.least} is expected"
        lack = self.settings.least - value  # the larger the size of a finding, the worse
        return api.Verdict(self.name, (score,), (api.Finding("blur", whole, lack, "mean difference", 0.4, message),))

    def controls(self) -> Iterator[api.Control]:
        """A flat picture is not sharp, and a chessboard is."""
        flat = np.full((32, 32, 3), 128, np.uint8)
        rows, columns = np.indices((32, 32))
        board = np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
        case = api.Case("control/sharpness", "a control picture", width=32, height=32)
        picture = api.Picture.from_pixels
        yield api.Control("flat", "a flat picture scores 0", case, picture(flat), lambda verdict: _value(verdict) == 0)
        yield api.Control("board", "a chessboard scores 1", case, picture(board), lambda verdict: _value(verdict) == 1)

    def close(self) -> None:
        """Nothing to free."""


def sharpness(pixels: NDArray[np.uint8]) -> float:
    """Mean absolute difference of horizontally and vertically neighbouring pixels, in [0, 1]; pixels are (H, W, 3)."""
    grey = pixels.astype(np.float64).mean(axis=2) / 255
    across = np.abs(np.diff(grey, axis=1)).mean()
    down = np.abs(np.diff(grey, axis=0)).mean()
    return float((across + down) / 2)


def _value(verdict: api.Verdict) -> float | None:
    return verdict.scores[0].value
