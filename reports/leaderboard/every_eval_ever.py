"""Every Eval Ever 0.3.0: one aggregate file per entry, beside the rows of its pictures where the run is given.

Checked with the validator of the PyPI package `every-eval-ever` 0.3.0. That can't be installed beside evalkit (it needs
Python 3.12 and huggingface-hub < 2), so the test runs it where `every_eval_ever` is on the path.

What the format has no word for: a figure that is missing (left out, its counts would be all there is to say), and
pictures (rows name them by SHA-256, see `reports.leaderboard.eee_rows`).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.api.records import JSON
from evalkit.formats.keys import digest
from evalkit.formats.leaderboard import Entry, Figure, claim
from evalkit.reports.files import replacing_folder
from evalkit.reports.leaderboard.contestants import Contestant
from evalkit.reports.leaderboard.eee_rows import IS_CORRECT, Identity, write_rows

SCHEMA_VERSION = "0.3.0"
VLM_JUDGE = "vlm"
"""The judge that is a language model, by name; all others are instruments and get no `llm_scoring`."""
_MODEL_ID = re.compile(r"[\w.\-]+/[\w.\-]+", re.ASCII)
_NOT_IN_PATHS = re.compile(r"[^A-Za-z0-9_.\-]+")
_RESERVED = re.compile(r"(data|con|prn|aux|nul|com\d|lpt\d|\.*)(\..*)?", re.IGNORECASE)


def write(contestants: Sequence[Contestant], organization: str, developer: str, out: Path) -> Path:
    """Write `every-eval-ever/data/<benchmark>/<developer>/<model>/<uuid>.json` and `…_samples.jsonl`; the folder.

    `organization` ran the evaluation; `developer` makes the models whose name is no `developer/model`.
    The UUID is made from the entry's content: the same entry is the same file.
    """
    with replacing_folder(out / "every-eval-ever") as folder:
        for entry, _, results in contestants:
            names = identity(entry, developer)
            target = folder / names.path(".json")
            target.parent.mkdir(parents=True, exist_ok=True)
            rows = write_rows(folder / names.path("_samples.jsonl"), entry, names, results.cases()) if results else None
            judges = results.summary().config.get("judges") if results else None
            content = aggregate(entry, names, organization, rows, judges)
            text = json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False)
            target.write_text(text + "\n", encoding="utf-8", newline="\n")
    return out / "every-eval-ever"


def identity(entry: Entry, developer: str) -> Identity:
    """The names of an entry; `developer` is that of a generator whose name is no `developer/model`."""
    model = entry.generator
    if _MODEL_ID.fullmatch(model):
        developer, _, model = model.partition("/")
    developer, model = _component(developer), _component(model)
    collection = _component(entry.benchmark)
    return Identity(
        uuid=str(uuid.UUID(bytes=bytes.fromhex(digest(claim(entry)))[:16], version=4)),
        collection=collection,
        developer=developer,
        model=model,
        evaluation_id=f"{collection}-{entry.role.value}/{developer}_{model}/{_timestamp(entry)}",
    )


def aggregate(
    entry: Entry, names: Identity, organization: str, rows: Mapping[str, JSON] | None, judges: JSON = None
) -> JSON:
    """The aggregate file. `rows` refers to the rows' file; `judges` is that key of the run's config, if it is known."""
    content: dict[str, JSON] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": names.evaluation_id,
        "evaluation_timestamp": entry.created,
        "retrieved_timestamp": _timestamp(entry),
        "source_metadata": {
            "source_name": "evalkit",
            "source_type": "evaluation_run",
            "source_organization_name": organization,
            "evaluator_relationship": "other",
            "additional_details": _strings({"run_digest": entry.run_digest, "outcome": entry.outcome.value}),
        },
        "eval_library": {"name": "evalkit", "version": entry.evalkit_version or "unknown"},
        "model_info": _model(entry, names),
        "evaluation_results": [
            _result(entry, figure, names, judges) for figure in entry.dimensions if figure.value is not None
        ],
    }
    return {**content, "detailed_evaluation_results": dict(rows)} if rows else content


def _model(entry: Entry, names: Identity) -> JSON:
    engine = {"inference_engine": {"name": entry.engine, "version": entry.engine_version or "unknown"}}
    details = {
        "deployment_type": "self_deployed" if entry.engine == "diffusers" else "unknown",
        "model_availability": "unknown",
        "role": entry.role.value,
        "licence": entry.licence,
        "hardware": entry.hardware,
        "nfe": entry.nfe,
        "settings": entry.settings,
    }
    return {
        "name": entry.generator,
        "id": names.model_id,
        "developer": names.developer,
        **(engine if entry.engine else {}),
        "additional_details": _strings(details),
    }


def _result(entry: Entry, figure: Figure, names: Identity, judges: JSON) -> JSON:
    metric: dict[str, JSON] = {
        "evaluation_description": figure.description or figure.dimension,
        "metric_id": f"evalkit.{figure.dimension}",
        "metric_name": figure.dimension,
        **({"metric_unit": figure.unit} if figure.unit else {}),
        "lower_is_better": not figure.higher_is_better,
        "score_type": "continuous",
        "min_score": "-Infinity" if figure.low is None else figure.low,
        "max_score": "Infinity" if figure.high is None else figure.high,
        "additional_details": _strings(
            {"judge": figure.judge, "judge_version": figure.judge_version, "is_correct": IS_CORRECT}
        ),
    }
    if figure.judge == VLM_JUDGE:
        metric["llm_scoring"] = _llm_scoring(figure, judges)
    return {
        "evaluation_result_id": names.result_id(figure.dimension),
        "evaluation_name": f"{entry.benchmark}: {figure.dimension}",
        "source_data": {
            "dataset_name": entry.benchmark,
            "source_type": "other",
            "additional_details": _strings(
                {
                    "version": entry.benchmark_version,
                    "digest": entry.benchmark_digest,
                    "n_cases": entry.n_cases,
                    "selected_cases": ", ".join(entry.selected_cases),
                }
            ),
        },
        "evaluation_timestamp": entry.created,
        "metric_config": metric,
        "score_details": _score(figure),
        "generation_config": {
            "generation_args": {"execution_command": entry.command} if entry.command else {},
            "additional_details": _strings(
                {
                    "nfe": entry.nfe,
                    "seeds_per_case": entry.seeds,
                    "seconds_per_picture": entry.seconds_per_picture,
                    "n_pictures": entry.n_pictures,
                    "n_errors": entry.n_errors,
                    "settings": entry.settings,
                }
            ),
        },
    }


def _score(figure: Figure) -> JSON:
    details: dict[str, JSON] = {"n_scored": figure.n_scored, "n_expected": figure.n_expected}
    change = figure.difference_to_teacher
    if change:
        details |= {
            "difference_to_teacher": change.value,
            "difference_ci_low": change.ci_low,
            "difference_ci_high": change.ci_high,
        }
    score = {"score": figure.value, "details": _strings(details)}
    if figure.ci_low is None or figure.ci_high is None:
        return score
    interval = {
        "lower": figure.ci_low,
        "upper": figure.ci_high,
        "confidence_level": figure.confidence or 0.95,
        "method": "evalkit.stats.intervals (the case is the unit; pictures of one case are averaged)",
    }
    return {**score, "uncertainty": {"confidence_interval": interval, "num_samples": figure.n_cases}}


def _llm_scoring(figure: Figure, judges: JSON) -> JSON:
    specs = [spec for spec in judges or () if isinstance(spec, Mapping) and spec.get("use") == figure.judge]
    model = str(specs[0].get("model", "")) if specs else ""
    return {
        "judges": [
            {
                "model_info": {
                    "name": model or "not recorded",
                    "id": model or "unknown/not-recorded",
                    "additional_details": {"deployment_type": "unknown", "model_availability": "unknown"},
                }
            }
        ],
        "input_prompt": f"the questions of each case, as asked by evalkit's judge {figure.judge} "
        f"{figure.judge_version} (the prompts are part of that version)",
    }


def _strings(values: Mapping[str, JSON]) -> dict[str, str]:
    """What the format wants of details: texts; what is not known is left out."""
    known = {key: value for key, value in values.items() if value is not None and value not in ("", {})}
    return {key: value if isinstance(value, str) else json.dumps(value, sort_keys=True) for key, value in known.items()}


def _timestamp(entry: Entry) -> str:
    return str(int(entry.when().timestamp()))


def _component(text: str) -> str:
    """A folder name that every file system accepts and that can't leave its folder."""
    name = _NOT_IN_PATHS.sub("-", text)[:100].strip("-.") or "unnamed"
    return f"x-{name}" if _RESERVED.fullmatch(name) else name
