"""Typed blocks of evidence: a judge from outside shows tables, maps, texts and pictures in the view of a case."""

from __future__ import annotations

import doctest
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.api import evidence
from evalkit.api.evidence import (
    Block,
    HeatMap,
    PictureBlock,
    Statement,
    Table,
    TextDifference,
    TextPair,
    block_from_json,
)
from evalkit.api.pictures import Picture
from evalkit.api.records import Box, Case, Finding, Role, Score, Status, Verdict
from evalkit.reports.escape import visible
from evalkit.reports.evidence import blocks_of
from evalkit.reports.html.exporter import HtmlExporter
from tests.reports.conftest import HOSTILE, FakeRunResults
from tests.reports.test_browser import CHROMIUM, opened
from tests.reports.test_html import case_of


def png(colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (24, 12), colour).save(buffer, "PNG")
    return buffer.getvalue()


BLOCKS: dict[str, Block] = {
    "confused letters": Table(("letter", "looks like", "times"), (("O", "0", 3), ("l", "I", None), ("é", "e", 0.25))),
    "attention": HeatMap("Attention", 64, ((0.0, 0.5), (None, 2.0)), 0, 2, "bits", note="How long the judge looked."),
    "texts": TextDifference((TextPair("HARBOUR", "HARB0UR", "typo"), TextPair("Jazz", "Jazz", "correct"))),
    "edges": PictureBlock(png(), "Edges that the judge found"),
    "answer": Statement("The headline is legible."),
}


def foreign_verdict(blocks: dict[str, Block]) -> Verdict:
    """The verdict of a judge that evalkit has never heard of: blocks, and one figure that is no block."""
    written = {name: block.to_json() for name, block in blocks.items()}
    finding = Finding(
        "smudge", Box(10, 10, 60, 40), 3, "px", 0.7, "smudged", {name: written[name] for name in ("edges", "attention")}
    )
    score = Score("smudges.share", Status.SCORED, 0.1)
    return Verdict("smudges", (score,), (finding,), {**json.loads(json.dumps(written)), "figure": 0.5})


def with_verdict(results: FakeRunResults, verdict: Verdict) -> FakeRunResults:
    """The run with one case, whose student's picture has this verdict alone."""
    case = replace(next(results.cases()), verdicts={Role.STUDENT: (verdict,)})
    return replace(results, make=lambda: iter([case]))


def test_the_examples_in_the_documentation_run() -> None:
    assert doctest.testmod(evidence).failed == 0


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_survives_json(name: str) -> None:
    block = BLOCKS[name]
    written = json.loads(json.dumps(block.to_json(), allow_nan=False))
    assert written["type"] == block.type
    assert block_from_json(written) == block


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {"columns": ["a"], "rows": []},
        {"type": "hologram"},
        {"type": ["table"]},
        {"type": "table"},
        {"type": "table", "columns": ["a"], "rows": [[1, 2]]},
        {"type": "table", "columns": ["a"], "rows": [[{"html": "<b>"}]]},
        {"type": "table", "columns": ["a"], "rows": [[1]], "onclick": "x"},
        {"type": "heat-map", "title": "m", "cell": 8, "values": [[1.0]], "low": 0, "high": float("inf")},
        {"type": "heat-map", "title": "m", "cell": 8, "values": [[0.1] * 65], "low": 0, "high": 1},
        {"type": "heat-map", "title": "m", "cell": 8, "values": [[1]], "low": 0, "high": 1, "scale": "log"},
        {"type": "text-difference", "pairs": [{"expected": "a"}]},
        {"type": "text-difference", "pairs": ["a"]},
        {"type": "picture", "data": "no base64!"},
        {"type": "picture", "data": ""},
        {"type": "statement", "text": 5},
    ],
)
def test_a_broken_block_says_so_and_is_shown_as_plain_json(broken: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        block_from_json(broken)
    assert blocks_of({"x": broken}) == {}


def test_blocks_of_a_foreign_judge_are_drawn(demo: FakeRunResults, tmp_path: Path) -> None:
    HtmlExporter(HtmlExporter.Settings()).export(with_verdict(demo, foreign_verdict(BLOCKS)), tmp_path / "out")
    record = case_of(tmp_path / "out", 0)
    student = record["roles"][0]
    assert [drawn["title"] for drawn in student["maps"]] == ["Attention"]
    ((judge, rows),) = student["texts"]
    assert judge == "smudges"
    assert rows[0]["columns"] == [["HARB", "HARB", True], ["O", "0", False], ["UR", "UR", True]]
    ((judge, node),) = student["evidence"]
    nodes = dict(node["pairs"])
    assert nodes["confused letters"]["rows"] == [["O", "0", "3"], ["l", "I", ""], ["é", "e", "0.25"]]
    assert nodes["answer"] == "The headline is legible."
    assert nodes["figure"] == "0.5"
    assert nodes["edges"]["caption"] == "Edges that the judge found"
    assert record["judge_pictures"] == [nodes["edges"]["picture"]]
    assert (tmp_path / "out/report/pictures" / nodes["edges"]["picture"]).read_bytes() == png()
    of_finding = dict(student["findings"][0]["evidence"]["pairs"])
    assert of_finding["attention"]["map"]["values"] == [[0.0, 0.5], [None, 2.0]]


def test_a_picture_that_can_not_be_decoded_is_not_shown(demo: FakeRunResults, tmp_path: Path) -> None:
    blocks = BLOCKS | {"edges": PictureBlock(b"<svg onload=alert(1)>")}
    HtmlExporter(HtmlExporter.Settings()).export(with_verdict(demo, foreign_verdict(blocks)), tmp_path / "out")
    record = case_of(tmp_path / "out", 0)
    edges = dict(record["roles"][0]["evidence"][0][1]["pairs"])["edges"]
    assert edges["picture"] == ""
    assert "can't be decoded" in edges["missing"]
    assert record["judge_pictures"] == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_foreign_judge_in_the_browser(demo: FakeRunResults, tmp_path: Path) -> None:
    run = with_verdict(demo, foreign_verdict(BLOCKS))
    single = HtmlExporter(HtmlExporter.Settings(single_file=True)).export(run, tmp_path / "out")
    for page, picture in (
        (tmp_path / "out/report/index.html", 'src="pictures/'),
        (single, 'src="data:image/png;base64,'),
    ):
        dom, console = opened(page, "#case=poster%2Fharbour-jazz&seed=0", tmp_path / "profile")
        assert console == []
        assert '<canvas class="heat" width="2" height="2" data-map="Attention"' in dom
        assert "at most 2 bits, near x 96, y 96" in dom
        assert "How long the judge looked." in dom
        assert '<td data-label="looks like"><bdi>0</bdi></td>' in dom
        assert '<ins style="grid-area: 2 / 2;">0</ins>' in dom
        assert dom.count('<figure class="judge-picture">') == 2  # in the verdict, and in the finding
        assert f'<figure class="judge-picture"><img {picture}' in dom


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_hostile_blocks_are_text(demo: FakeRunResults, tmp_path: Path) -> None:
    text = HOSTILE.encode("utf-8", "replace").decode("utf-8")
    blocks: dict[str, Block] = {
        text: Table((text, "__proto__"), ((text, text),)),
        "attention": HeatMap(text, 64, ((0.5,),), 0, 1, text, note=text),
        "texts": TextDifference((TextPair(text, text + "x", text),)),
        "edges": PictureBlock(png(), text),
        "answer": Statement(text),
    }
    run = with_verdict(demo, foreign_verdict(blocks))
    index = HtmlExporter(HtmlExporter.Settings()).export(run, tmp_path / "out")
    dom, console = opened(index, "#case=poster%2Fharbour-jazz&seed=0", tmp_path / "profile")
    assert console == []
    assert 'src="x"' not in dom
    assert dom.count("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;") >= 8
    assert visible("\u202e") in dom


def test_the_judge_in_the_documentation_works() -> None:
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text("utf-8")
    source = text.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(source, "docs/report.md", "exec"), names)  # noqa: S102 - our own documentation
    judge = names["SaturationJudge"](names["SaturationJudge"].Settings())
    pixels = np.zeros((40, 70, 3), np.uint8)
    pixels[:, :, 0] = 255
    verdict = judge.judge(Picture.from_pixels(pixels), Case("one", "red", width=70, height=40), None)
    blocks = blocks_of(verdict.evidence)
    assert [type(block) for block in blocks.values()] == [HeatMap, Table, Statement]
    assert isinstance(blocks["map"], HeatMap)
    assert blocks["map"].values == ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0))
    assert verdict.scores[0].value == 1.0
