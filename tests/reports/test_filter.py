"""The filter of the list: what its texts mean, what it says to texts it does not understand. Run in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.reports.html.exporter import HtmlExporter
from tests.reports.compared_run import compared_run

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no Node on this machine")
PRELUDE = """
globalThis.window = globalThis;
globalThis.document = { getElementById: () => null };
for (const file of FILES) (0, eval)(require("fs").readFileSync(file, "utf8"));
const { listing } = evalkit.data;
const parse = (text) => evalkit.filter.parse(text, { ...listing.names, dimensions: listing.dimensions });
const found = (text) => evalkit.sift.sift(parse(text).terms, listing).map((rank) => listing.at[rank]).sort();
const errors = (text) => parse(text).errors;
"""

Run = Callable[[str, Any], Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Gives the value of a JavaScript expression over `value`, with the list of `compared_run` read."""
    folder = tmp_path_factory.mktemp("filter")
    HtmlExporter(HtmlExporter.Settings()).export(compared_run(folder / "pictures"), folder)
    report = folder / "report"
    files = [report / "assets" / name for name in ("data.js", "filter.js", "sift.js")] + [report / "data/index.js"]
    prelude = PRELUDE.replace("FILES", json.dumps([str(Path(file)) for file in files]))

    def evaluate(expression: str, value: Any) -> Any:
        script = f"{prelude}\nconst value = {json.dumps(value)};\nconsole.log(JSON.stringify({expression}));"
        done = subprocess.run([str(NODE), "-e", script], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


# The run: harbour-jazz (0, 1), fresh-bread (2, 3), night-trains (4, 5), open-studio (6, 7), each with seeds 0 and 1.
FOUND = {
    "": [0, 1, 2, 3, 4, 5, 6, 7],
    "kind:typo": [0, 2, 4, 6],
    "kind:ty": [0, 2, 4, 6],  # the start is enough
    "kind:typo,overlap": [0, 2, 4, 6],
    "kind:grain kind:typo": [],  # no finding is both
    "kind:grain !kind:typo": [3],
    "!kind:typo": [1, 3, 5, 7],
    "kind!=typo": [1, 3, 5, 7],
    "sev>0.5": [0, 2, 4, 6],
    "sev>=0.9": [2],
    "kind:grain sev>0.5": [],  # the severe ones are of other kinds
    "kind:grain sev<0.5": [0, 3, 4],
    "sev<0.5": [1, 3, 5, 7],  # none at all is not severe
    "severity=0.9": [2],
    "judge:layout": [2],
    "blame:both": [6],
    "blame:student": [0, 2, 3, 4],
    "blame:teacher": [5],  # that is a finding on the teacher's picture
    "role:teacher": [5, 6],
    "role:teacher kind:grain": [5],
    "role:student,teacher kind:grain": [0, 3, 4, 5],
    "!role:teacher kind:typo": [0, 2, 4],
    "bucket:regressed": [0, 2],
    "bucket:new-failure,fixed": [3, 7],
    'bucket:"still failing"': [4],
    "change:unchanged": [1, 5],
    "cat:food": [2, 3],
    "category:food,travel": [2, 3, 4, 5],
    "task:t2i": [0, 1, 2, 3, 4, 5, 6, 7],
    "seed:1": [1, 3, 5, 7],
    "seed:0,1 !seed:0": [1, 3, 5, 7],
    "findings>=3": [0],
    "is:error": [1, 3, 5],
    "is:failing": [0, 2, 4],
    "is:inherited": [6],
    "is:no-student": [7],
    "is:flaky": [4, 5],
    "typography.words<0.95": [0, 2, 4, 6],
    "words<0.95 !words<0.91": [2],
    "role:teacher words<0.95": [6],
    "clean-ground>0.9 is:failing": [2],
    "vlm.checklist:error": [1, 3, 5],
    "checklist:scored": [0, 2, 4, 6],
    "jazz": [0, 1],
    "JAZZ !seed:0": [1],
    '"Rye and spelt"': [2, 3],
    "spelt rye": [2, 3],
    "harb0ur": [0],  # what was read
    '"covers the last line"': [2],  # what a finding says
    "!jazz !bread !trains": [6, 7],
    "poster/open": [6, 7],
    "text:jazz,bread": [0, 1, 2, 3],
    '"19:30"': [0, 1],
    "19:30": [0, 1],  # a key begins with a letter
    '"doors op': [0, 1],  # not closed yet
}


def test_what_a_filter_finds(run: Run) -> None:
    assert run("value.map(found)", list(FOUND)) == list(FOUND.values())


def test_nothing_in_these_filters_is_misunderstood(run: Run) -> None:
    assert run("value.flatMap(errors)", list(FOUND)) == []


@pytest.mark.parametrize(
    ("text", "part", "said"),
    [
        ("jazz kid:typo", "kid:typo", "there is no “kid”"),
        ("kind:typpo jazz", "kind:typpo", "no kind is called “typpo”; there are typo, grain, overlap"),
        ("sev>high", "sev>high", "“high” is not a number"),
        ("sev>0.1,0.2", "sev>0.1,0.2", "takes one number"),
        ("kind>3", "kind>3", "is not a number: write kind:…"),
        ("cat: food", "cat:", "“cat:” needs a value"),
        ("words<", "words<", "“words<” needs a value"),
        ("words:good", "words:good", "“good” is not a number"),
        ('!is:"all fine"', '!is:"all fine"', "no state is called “all fine”; there are no-student-picture"),
    ],
)
def test_what_is_not_understood_is_named(run: Run, text: str, part: str, said: str) -> None:
    (error,) = run("errors(value)", text)
    assert error["part"] == part == text[error["at"] : error["end"]]
    assert said in error["message"]


def test_the_rest_of_a_text_still_filters(run: Run) -> None:
    assert run("found(value)", "kid:typo bread seed:0") == [2]


@pytest.mark.parametrize(
    ("text", "key", "value", "after"),
    [
        ("", "kind", "typo", "kind:typo"),
        ("jazz", "kind", "typo", "jazz kind:typo"),
        ("kind:typo jazz", "kind", "grain", "kind:typo,grain jazz"),
        ("kind:typo,grain jazz", "kind", "typo", "kind:grain jazz"),
        ("a kind:typo jazz", "kind", "typo", "a jazz"),
        ("!kind:typo", "kind", "typo", "!kind:typo kind:typo"),
        ("category:food", "cat", "food", ""),
        ("bucket:new-failure", "bucket", "new failure", ""),
        ("", "bucket", "new failure", 'bucket:"new failure"'),
        ("", "kind", 'say "a\\b"', 'kind:"say \\"a\\\\b\\""'),
    ],
)
def test_buttons_write_into_the_text(run: Run, text: str, key: str, value: str, after: str) -> None:
    assert run("evalkit.filter.toggle(...value)", [text, key, value]) == after
    asked = run("evalkit.filter.has(...value)", [after, key, value])
    assert asked != run("evalkit.filter.has(...value)", [text, key, value])


def test_no_text_makes_it_fail(run: Run) -> None:
    texts = ["!", "!!", '"', "\\", 'kind:"', "a:b:c", ",,,", ":", "<=", "kind:,", "__proto__:1", "constructor<1", "é>1"]
    assert run("value.map((text) => parse(text).terms.length + parse(text).errors.length > 0)", texts) == [True] * 13


def test_words_of_the_run_are_not_names_of_javascript(run: Run) -> None:
    names = {"kind": [["__proto__", 1], ["constructor", 1]]}
    assert run("evalkit.filter.parse('kind:__proto__', value).terms[0].values", names) == [0]
