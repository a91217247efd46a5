"""Measures the shipped mini models on held-out cases: the figures of their cards, and wholly correct edits."""

from __future__ import annotations

import tempfile
from pathlib import Path

from evalkit.api.records import Role
from evalkit.cli import main as evalkit
from evalkit.store.run_reader import RunReader

CASES = "tiles:count=100,edit_share=0.4,seed=5"
OPEN = "tiles:count=200,edit_share=0,told=0,categories=[text],seed=5"
"""Designs whose words and shapes may stand anywhere, which is hard for a teacher in few steps."""
STEERED = tuple(f"tiles:count=72,edit_share=1,seed={seed}" for seed in (61, 64))
"""Edits that were used to steer the training of base-mini: weaker evidence than `CASES`."""
FOUR = "base-mini:num_inference_steps=4,true_cfg_scale=1.0"
TWO_GUIDED = "base-mini:num_inference_steps=2"
"""The teacher's own weights in 4 evaluations: without guidance, or in half the steps with it."""
RUNS = (
    (CASES, "flash-mini", "base-mini"),
    (CASES, "flash-mini", FOUR),
    (CASES, FOUR, "base-mini"),
    (CASES, "text-mini", "base-mini"),
    (CASES, "edit-mini", "base-mini"),
    (OPEN, "flash-mini", "base-mini"),
    (OPEN, "flash-mini", FOUR),
    (OPEN, "flash-mini", TWO_GUIDED),
    *((cases, "flash-mini", "base-mini") for cases in STEERED),
)
WANTED = {"typography.exact": 1.0, "layout.placement": 1.0, "edit.changed": 1.0, "edit.preserved": 0.9}
"""An edit is right where each of these that was scored is at least this."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, (cases, student, teacher) in enumerate(RUNS):
            out = Path(folder) / str(number)
            print(f"-- {student} against {teacher} on {cases}", flush=True)
            judges = [word for name in ("typography", "layout", "edit", "grain") for word in ("--judge", name)]
            evalkit(
                ["run", "--benchmark", cases, "--student", student, "--teacher", teacher, *judges, "--out", str(out)]
            )
            with RunReader(out) as reader:
                for role in Role:
                    right, count = edits_right(reader, role)
                    if count:
                        print(f"  {role.value} edits right as a whole: {right} of {count}", flush=True)


def edits_right(reader: RunReader, role: Role) -> tuple[int, int]:
    """How many edits are right as a whole, and of how many."""
    scores = {name: {case: value for case, _, value in reader.scores(role, name)} for name in WANTED}
    edits = scores["edit.changed"]
    right = [case for case in edits if all(scores[name].get(case, least) >= least for name, least in WANTED.items())]
    return len(right), len(edits)
