"""A plug-in of other people type-checks against the protocols without annotations of its constants."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import evalkit

pytestmark = pytest.mark.slow

PLUGIN = """
from collections.abc import Iterable, Sequence
from evalkit.api.hooks import DeclaresKinds
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Control, Judge, Metric, PictureSet, SetFigure
from evalkit.api.records import Case, Dimension, FindingKind, Grade, Score, Status, Verdict
from evalkit.api.settings import Settings


class NoSettings(Settings):
    pass


class Sharpness:
    Settings = NoSettings
    name = "sharpness"
    version = "1"
    dimensions = (Dimension("sharpness.edges", "contrast of edges"),)
    kinds = (FindingKind("blurred", "sharpness", "edges are soft", Grade.DEFECT),)
    concurrency = 1

    def __init__(self, settings: NoSettings) -> None: ...

    def fingerprint(self) -> str:
        return "1"

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        return Verdict(self.name, (Score("sharpness.edges", Status.SCORED, 1.0),))

    def controls(self) -> Iterable[Control]:
        return ()

    def close(self) -> None: ...


class Spread:
    Settings = NoSettings
    name = "spread"
    version = "1"
    dimensions = (Dimension("spread.colours", "how many colours"),)
    reference = None
    least_for_gate = 50

    def __init__(self, settings: NoSettings) -> None: ...

    def fingerprint(self) -> str:
        return "1"

    def measure(self, pictures: PictureSet, reference: PictureSet, *, twins: bool) -> Sequence[SetFigure]:
        return ()

    def close(self) -> None: ...


judge_type: type[Judge] = Sharpness
judge: Judge = Sharpness(NoSettings())
metric_type: type[Metric] = Spread
metric: Metric = Spread(NoSettings())
declares: DeclaresKinds = Sharpness(NoSettings())
"""


def test_constants_of_a_plug_in_need_no_annotation(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "bad.py").write_text(
        PLUGIN.replace('(Dimension("sharpness.edges", "contrast of edges"),)', '("sharpness.edges",)'), encoding="utf-8"
    )
    variables = {**os.environ, "MYPYPATH": str(Path(evalkit.__file__).parent.parent)}
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path / "c")]
    done = subprocess.run(
        [*command, "good.py"], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        [*command, "bad.py"], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert "bad.py:55: error: Incompatible types" in done.stdout, done.stdout
    assert "bad.py:57:" not in done.stdout, "the metric is as good as before"
