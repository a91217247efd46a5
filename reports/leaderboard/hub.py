"""Hugging Face `.eval_results/*.yaml`: the files that a model's repository on the hub shows as its results.

One folder per entry, to be copied into the model's repository. The format has no field for uncertainty, so interval,
counts, judge and NFE stand in `notes`. A figure that is missing is left out: the format knows no missing value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from evalkit.api.errors import UnavailableError
from evalkit.api.install import install_line
from evalkit.formats.keys import digest
from evalkit.formats.leaderboard import Entry, Figure, claim
from evalkit.reports.escape import one_line
from evalkit.reports.files import replacing_folder

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_\-]+")


def write(entries: Sequence[Entry], dataset: str, out: Path) -> Path:
    """Write `hf/<entry>/.eval_results/<dataset>.yaml` for every entry; the folder `hf`.

    Raises:
        UnavailableError: `huggingface_hub` with `EvalResultEntry` is not installed.
    """
    try:
        from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    except ImportError as problem:
        raise UnavailableError(
            "the format `hf` needs huggingface_hub with EvalResultEntry", hint=install_line("leaderboard")
        ) from problem
    import yaml

    with replacing_folder(out / "hf") as folder:
        for entry in entries:
            results = [
                EvalResultEntry(
                    dataset_id=dataset,
                    task_id=one_line(figure.dimension, 200),
                    value=figure.value,
                    date=entry.created,
                    notes=notes(entry, figure),
                )
                for figure in entry.dimensions
                if figure.value is not None
            ]
            target = folder / folder_name(entry) / ".eval_results" / f"{slug(dataset)}.yaml"
            target.parent.mkdir(parents=True)
            text = yaml.safe_dump(eval_result_entries_to_yaml(results), sort_keys=False, width=1000)
            target.write_text(text, encoding="utf-8", newline="\n")
    return out / "hf"


def notes(entry: Entry, figure: Figure) -> str:
    """The context of the value in one line: interval, counts, judge, NFE, hardware, digest."""
    interval = figure.interval()
    known = interval is not None and interval.low is not None and interval.high is not None
    parts = [
        f"{100 * interval.confidence:g} % CI [{interval.low:.4g}, {interval.high:.4g}]"
        if interval and known
        else "no interval",
        f"{figure.n_scored}/{figure.n_expected} pictures scored, {entry.n_cases} cases",
        f"judge {figure.judge} {figure.judge_version}",
        f"{'higher' if figure.higher_is_better else 'lower'} is better",
        f"as {entry.role.value}",
        f"NFE {entry.nfe}" if entry.nfe is not None else "NFE not known",
        *([f"{entry.seconds_per_picture:.3g} s/picture"] if entry.seconds_per_picture is not None else []),
        *([entry.hardware] if entry.hardware else []),
        *([f"run outcome {entry.outcome.value}"]),
        f"evalkit {entry.evalkit_version}",
        *([f"run digest {entry.run_digest}"] if entry.run_digest else []),
    ]
    return one_line("; ".join(parts), 1000)


def folder_name(entry: Entry) -> str:
    """A readable file name that is unique to the entry and can't leave its folder."""
    return f"{slug(entry.generator)}-{digest(claim(entry))[:8]}"


def slug(text: str) -> str:
    """Letters, digits, `_` and `-` of a name, at most 60 of them; never empty."""
    return _NOT_IN_NAMES.sub("-", text).strip("-")[:60] or "unnamed"
