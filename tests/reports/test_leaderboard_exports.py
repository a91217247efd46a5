"""Leaderboard entries in other people's formats."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalkit.api.errors import UnavailableError, UsageError
from evalkit.api.failing import fails
from evalkit.api.install import install_line
from evalkit.api.records import Role
from evalkit.reports.leaderboard.merge import Leaderboard
from tests.reports.conftest import HOSTILE, FakeRunResults
from tests.reports.leaderboard_runs import a_run

VALIDATOR = shutil.which(os.environ.get("EVERY_EVAL_EVER", "every_eval_ever"))
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def export(name: str, runs: dict[str, FakeRunResults], out: Path, **settings: Any) -> Path:
    return Leaderboard(Leaderboard.Settings(**settings)).write(runs, (), out, formats=(name,)).files[0]


def aggregates(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("*.json"))]


def student_of(folder: Path) -> dict[str, Any]:
    return next(a for a in aggregates(folder) if a["model_info"]["additional_details"]["role"] == "student")


def rows_of(folder: Path, content: dict[str, Any]) -> list[dict[str, Any]]:
    text = (folder / content["detailed_evaluation_results"]["file_path"]).read_text()
    return [json.loads(line) for line in text.splitlines()]


# -------------------------------------------------------------------------------------------------- Every Eval Ever


def test_eee_carries_interval_counts_and_provenance(demo: FakeRunResults, tmp_path: Path) -> None:
    folder = export("eee", {"run": demo}, tmp_path, organization="ACME")
    content = student_of(folder)
    assert content["schema_version"] == "0.3.0"
    assert content["source_metadata"]["source_organization_name"] == "ACME"
    assert content["eval_library"] == {"name": "evalkit", "version": "0.1.0"}
    assert datetime.fromtimestamp(int(content["retrieved_timestamp"]), UTC).isoformat() == "2026-11-23T06:40:00+00:00"
    words = content["evaluation_results"][0]
    assert words["score_details"]["score"] == 0.861
    interval = words["score_details"]["uncertainty"]["confidence_interval"]
    assert (interval["lower"], interval["upper"], interval["confidence_level"]) == (0.839, 0.883, 0.95)
    assert words["score_details"]["uncertainty"]["num_samples"] == 4
    assert words["score_details"]["details"]["n_scored"] == "7"
    metric = words["metric_config"]
    assert (metric["lower_is_better"], metric["min_score"], metric["max_score"]) == (False, 0.0, 1.0)
    assert metric["additional_details"]["judge_version"] == "2.1"
    assert words["generation_config"]["additional_details"]["nfe"] == "4"
    assert words["generation_config"]["generation_args"]["execution_command"].startswith("evalkit run ci.yaml")
    residual = next(r for r in content["evaluation_results"] if r["metric_config"]["metric_name"] == "residual")
    assert (residual["metric_config"]["max_score"], residual["metric_config"]["metric_unit"]) == ("Infinity", "L*")


def test_eee_leaves_out_what_has_no_figure(demo: FakeRunResults, tmp_path: Path) -> None:
    content = student_of(export("eee", {"run": demo}, tmp_path))
    assert "checklist" not in [r["metric_config"]["metric_name"] for r in content["evaluation_results"]]


def test_eee_rows_are_the_scored_pictures(demo: FakeRunResults, tmp_path: Path) -> None:
    folder = export("eee", {"run": demo}, tmp_path)
    content = student_of(folder)
    detail = content["detailed_evaluation_results"]
    path = folder / detail["file_path"]
    assert re.fullmatch(rf"data/scenes-core/unknown/flash-mini/{UUID}_samples\.jsonl", detail["file_path"])
    assert path.with_name(path.name.replace("_samples.jsonl", ".json")).is_file()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == detail["checksum"]
    rows = rows_of(folder, content)
    assert len(rows) == detail["total_rows"] > 0
    assert {row["evaluation_id"] for row in rows} == {content["evaluation_id"]}
    known = {result["evaluation_result_id"] for result in content["evaluation_results"]}
    assert {row["evaluation_result_id"] for row in rows} <= known
    shas = {r.samples[Role.STUDENT].sha256 for r in demo.cases() if r.samples[Role.STUDENT].ok}
    assert {re.findall("sha256:([0-9a-f]{64})", row["output"]["raw"][0])[0] for row in rows} == shas
    by_sample = {row["sample_id"]: row for row in rows if row["evaluation_name"].endswith(": words")}
    first = next(demo.cases())
    row = by_sample[f"{first.case.id}#0"]
    typography = first.verdicts[Role.STUDENT][0]
    score = typography.score("words")
    assert score is not None
    assert row["evaluation"]["score"] == score.value
    assert row["evaluation"]["is_correct"] is not fails((typography,), first.failed_gates)
    assert row["input"] == {"raw": first.case.prompt, "reference": [t.text for t in first.case.texts]}


def test_eee_calls_only_the_language_model_a_language_model(demo: FakeRunResults, tmp_path: Path) -> None:
    rows = tuple(replace(r, estimate=demo.run.dimensions[0].estimate, n_scored=7) for r in demo.run.dimensions)
    config = {"judges": [{"use": "typography"}, {"use": "vlm", "model": "Qwen/Qwen3-VL-8B"}]}
    run = replace(demo, run=replace(demo.run, dimensions=rows, config=config))
    results = student_of(export("eee", {"run": run}, tmp_path))["evaluation_results"]
    scoring = {r["metric_config"]["metric_name"]: r["metric_config"].get("llm_scoring") for r in results}
    assert {name for name, config in scoring.items() if config} == {"checklist"}
    assert scoring["checklist"]["judges"][0]["model_info"]["id"] == "Qwen/Qwen3-VL-8B"


def test_eee_is_the_same_file_for_the_same_entry(demo: FakeRunResults, tmp_path: Path) -> None:
    one, two = (export("eee", {"run": demo}, tmp_path / name) for name in ("one", "two"))
    assert contents(one) == contents(two)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc", "a/b", "CON", "data", "..", "\x00", "a" * 500, "a\\b:c"])
def test_eee_names_never_leave_their_folder(name: str, tmp_path: Path) -> None:
    folder = export("eee", {"run": a_run(name, benchmark=name)}, tmp_path)
    (path,) = folder.rglob("*.json")
    parts = path.relative_to(folder).parts
    assert len(parts) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*", part) for part in parts)
    assert not {part.lower() for part in parts[1:4]} & {"data", "con", ".."}
    assert json.loads(path.read_text())["model_info"]["id"] == "/".join(parts[2:4])


@pytest.mark.skipif(VALIDATOR is None, reason="every-eval-ever 0.3.0 is not on the path (it needs Python 3.12)")
def test_eee_passes_its_own_validator(demo: FakeRunResults, hostile: FakeRunResults, tmp_path: Path) -> None:
    runs = {"demo": demo, "named": a_run("lab/model", digest="03" * 32)}
    folders = [
        export("eee", runs, tmp_path / "demo", developer="evalkit"),
        export("eee", {"hostile": hostile}, tmp_path / "hostile", developer="evalkit"),
    ]
    for folder in folders:
        files = [str(path.relative_to(folder)) for path in folder.rglob("*.json*")]
        command = [str(VALIDATOR), "validate", "--format", "json", *files]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# ------------------------------------------------------------------------------------------- Hugging Face .eval_results


def test_hub_results_carry_counts_and_interval_in_notes(demo: FakeRunResults, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    folder = export("hf", {"run": demo}, tmp_path, hf_dataset="acme/scenes-core")
    path = next(folder.glob("flash-mini-*/.eval_results/acme-scenes-core.yaml"))
    words, *rest = yaml.safe_load(path.read_text())
    assert words["dataset"] == {"id": "acme/scenes-core", "task_id": "words"}
    assert (words["value"], words["date"]) == (0.861, "2026-11-23T06:40:00Z")
    for part in ("95 % CI [0.839, 0.883]", "7/8 pictures scored", "judge typography 2.1", "NFE 4"):
        assert part in words["notes"]
    assert "checklist" not in [item["dataset"]["task_id"] for item in rest]


def test_hub_results_hold_no_yaml_but_ours(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    evil = 'x: !!python/object/apply:os.system ["id"]\n- &a [*a]\n"\'}{# ' + HOSTILE
    run = a_run(evil)
    rows = tuple(replace(row, judge=evil, judge_version=evil) for row in run.run.dimensions)
    run = replace(run, run=replace(run.run, dimensions=rows))
    folder = export("hf", {"run": run}, tmp_path, hf_dataset="acme/scenes-core")
    (path,) = folder.rglob("*.yaml")
    assert len(path.relative_to(folder).parts) == 3
    (item,) = yaml.safe_load(path.read_text())
    assert sorted(item) == ["dataset", "date", "notes", "value"]
    assert "!!python" in item["notes"]
    assert "\n" not in item["notes"]


def test_hub_results_need_a_dataset_and_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as refused:
        export("hf", {"run": a_run("a")}, tmp_path)
    assert refused.value.hint == "--hf-dataset OWNER/NAME"
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UnavailableError) as missing:
        export("hf", {"run": a_run("a")}, tmp_path, hf_dataset="acme/x")
    assert missing.value.hint == install_line("leaderboard")
