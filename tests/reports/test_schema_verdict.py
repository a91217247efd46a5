"""The published schema of `verdict.json`."""

from __future__ import annotations

import copy
import functools
import json
import operator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from evalkit.api.records import Blame, Grade
from evalkit.api.results import Bucket, GateStatus, Outcome, Undecided
from evalkit.reports.ci.verdict import EXITS, schema_text, verdict
from evalkit.reports.failures import collect_failures
from tests.reports.attacked_run import attacked_run
from tests.reports.conftest import FakeRunResults

SCHEMA = json.loads(schema_text())
VALID = jsonschema.Draft202012Validator(SCHEMA)


def content_of(results: FakeRunResults) -> Any:
    return json.loads(json.dumps(verdict(results.summary(), collect_failures(results, 5)), allow_nan=False))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("kind", ["plain", "compared", "hostile", "attacked", "empty"])
def test_every_verdict_obeys_it(kind: str, demo: FakeRunResults, tmp_path: Path, request: Any) -> None:
    named = {"plain": "demo", "empty": "demo"}.get(kind, kind)
    results = attacked_run(tmp_path / "p") if kind == "attacked" else request.getfixturevalue(named)
    if kind == "empty":
        bare = {"generators": (), "dimensions": (), "gates": (), "controls": (), "finding_counts": {}}
        results = FakeRunResults(replace(demo.run, outcome=Outcome.UNDECIDED, **bare), tmp_path, lambda: iter(()))
    VALID.validate(content_of(results))


def test_it_refuses_what_is_wrong(compared: FakeRunResults) -> None:
    right = content_of(compared)
    wrong: list[tuple[list[Any], Any]] = [
        (["exit_code"], 2),
        (["outcome"], "unknown"),
        (["gates", 0, "status"], "maybe"),
        (["gates", 0, "detectable"], "0.04"),
        (["comparison", "buckets", "regressed"], -1),
        (["comparison", "dimensions", 0, "p_adjusted"], 1.5),
        (["gates", 0, "cause"], "bad luck"),
        (["gates", 2, "asked", "student"], -1),
        (["failures", "worst", 0, "grade"], "severe"),
        (["failures", "worst", 0, "severity"], 2),
        (["failures", "worst", 0, "box"], [1, 2, 3]),
        (["generators", 0, "nfe"], 4.5),
        (["environment", "python"], 3.11),
        (["surprise"], 1),
    ]
    for (*folder, key), value in wrong:
        changed = copy.deepcopy(right)
        functools.reduce(operator.getitem, folder, changed)[key] = value
        assert not VALID.is_valid(changed), (folder, key)


def test_it_knows_every_word_of_ours() -> None:
    assert set(SCHEMA["properties"]["outcome"]["enum"]) == {outcome.value for outcome in Outcome}
    assert set(SCHEMA["properties"]["exit_code"]["enum"]) == {code for code, _ in EXITS.values()}
    assert set(SCHEMA["$defs"]["gate"]["properties"]["status"]["enum"]) == {status.value for status in GateStatus}
    failure = SCHEMA["$defs"]["failure"]["properties"]
    assert set(SCHEMA["$defs"]["gate"]["properties"]["cause"]["enum"]) == {*(c.value for c in Undecided), None}
    assert set(SCHEMA["$defs"]["grade"]["enum"]) == {*(grade.value for grade in Grade), None}
    assert set(failure["blame"]["enum"]) == {*(blame.value for blame in Blame), None}
    assert set(failure["bucket"]["enum"]) == {*(bucket.value for bucket in Bucket), None}
    assert list(SCHEMA["$defs"]["comparison"]["properties"]["buckets"]["required"]) == [b.value for b in Bucket]


def test_every_object_names_what_it_must_have() -> None:
    def objects(node: Any) -> Any:
        if isinstance(node, dict):
            if "properties" in node and isinstance(node["properties"], dict):
                yield node
            for value in node.values():
                yield from objects(value)

    for node in objects(SCHEMA):
        assert set(node["required"]) == set(node["properties"]), node.get("description", node)
        assert node["additionalProperties"] is False
