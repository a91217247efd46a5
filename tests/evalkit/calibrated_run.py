"""A run of the fakes and people whose labels follow what its judge measured, more or less."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Role
from evalkit.store.run_reader import RunReader

DIMENSION = "fake.brightness"
COUNT = 80
RUN = (
    "run", "--benchmark", f"fake-benchmark:count={COUNT}", "--judge", "fake-brightness", "--out", "run",
    "--student", "fake-flat:level=20,spread=180", "--teacher", "fake-flat:level=135,spread=20",
)  # fmt: skip
Entry = dict[str, Any]


def level(value: float, noise: float) -> int:
    """A level from 1 to 5 for a brightness in [0, 1]."""
    return int(np.clip(round(1 + 4 * value + noise), 1, 5))


def entries(run: Path, cases: range, noise: float, seed: int, roles: tuple[Role, ...] = tuple(Role)) -> list[Entry]:
    """Labels of the pictures of these cases, as somebody who sees brightness with some noise gives them."""
    rng = np.random.default_rng(seed)
    made: list[Entry] = []
    with RunReader(run) as reader:
        values = {(idx, role): value for idx, _, _, role, _, value in reader.cells(DIMENSION, 0)}
        for idx in cases:
            for role in roles:
                sample = reader.sample(role, idx, 0)
                assert sample
                made.append({
                    "case_id": sample.case_id, "seed": 0, "dimension": DIMENSION, "kind": "scale",
                    "pictures": [{"role": role.value, "sha256": sample.sha256}],
                    "value": level(values[idx, role] or 0.0, rng.normal(0, noise)),
                })  # fmt: skip
    return made


def truth(run: Path, role: Role, noise: float) -> float:
    """What such people say on average of all pictures, in [0, 1]: of very many of them."""
    return float(np.mean(_of_many(run, role, noise)))


def wins(run: Path, noise: float) -> float:
    """How often the student wins with such people, a tie being half a win."""
    apart = _of_many(run, Role.STUDENT, noise) - _of_many(run, Role.TEACHER, noise, seed=1)
    return float(np.mean((np.sign(apart) + 1) / 2))


def _of_many(run: Path, role: Role, noise: float, seed: int = 0) -> NDArray[np.float64]:
    """What 300 people say of every picture, in [0, 1]; shape (cases, 300)."""
    with RunReader(run) as reader:
        values = np.array([value or 0.0 for _, _, _, of, _, value in reader.cells(DIMENSION, 0) if of is role])
    seen = 1 + 4 * values[:, None] + np.random.default_rng(seed).normal(0, noise, (len(values), 300))
    return np.asarray((np.clip(np.rint(seen), 1, 5) - 1) / 4)


def write(path: Path, rater: str, labels: list[Entry], change: Callable[[Entry], object] | None = None) -> Path:
    """A label file of a random sample; `change` spoils it."""
    content: Entry = {
        "$schema": "labels.schema.json", "format_version": 1, "rater": rater, "labels": labels,
        "sampling": {"seed": 0, "cases_drawn": COUNT // 2, "cases_eligible": COUNT, "questions": len(labels) or 1},
    }  # fmt: skip
    if change:
        change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
