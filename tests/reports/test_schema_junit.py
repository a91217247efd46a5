"""The JUnit file against the structure CI servers agree on, and through a public parser."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.reports.ci.junit import JunitExporter
from tests.reports.attacked_run import attacked_run
from tests.reports.conftest import FakeRunResults

XSD = Path(__file__).with_name("junit.xsd")


@pytest.fixture(params=["plain", "compared", "hostile", "attacked", "no gates"])
def junit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name = {"plain": "demo", "no gates": "many"}.get(request.param, request.param)
    results = attacked_run(tmp_path / "pictures") if name == "attacked" else request.getfixturevalue(name)
    return JunitExporter(JunitExporter.Settings()).export(results(3) if name == "many" else results, tmp_path / "out")


def test_it_obeys_the_schema(junit: Path) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    xmlschema.XMLSchema(str(XSD)).validate(str(junit))


def test_the_schema_tells_wrong_from_right(compared: FakeRunResults, tmp_path: Path) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema(str(XSD))
    right = JunitExporter(JunitExporter.Settings()).export(compared, tmp_path).read_text("utf-8")
    assert schema.is_valid(right)
    for old, new in (
        ("<failure type=", "<failure kind="),
        ("<testcase classname=", "<testcase class="),
        (' tests="', ' tests="-'),
    ):
        assert old in right
        assert not schema.is_valid(right.replace(old, new))


def test_a_public_parser_counts_the_same(compared: FakeRunResults, tmp_path: Path) -> None:
    junitparser = pytest.importorskip("junitparser")
    path = JunitExporter(JunitExporter.Settings()).export(compared, tmp_path)
    read = junitparser.JUnitXml.fromfile(str(path))
    for said in (*read, read):
        cases = list(said) if said is not read else [case for suite in read for case in suite]
        for count, kind in (("failures", "Failure"), ("errors", "Error"), ("skipped", "Skipped")):
            found = [r for case in cases for r in case.result if isinstance(r, getattr(junitparser, kind))]
            assert getattr(said, count) == len(found), (said.name, count)
        assert said.tests == len(cases)
    assert {p.name: p.value for p in next(iter(read)).properties()}["baseline"] == "runs/flash-mini-1180"
