"""How often an honest model passes the controls of a run, and how often a lying one does.

    python -m tests.bench lying

Each run has 60 drawn cases of 128 px with the teacher's pictures, a judge with one rubric, or with several. Only the
controls made from the run count here. The honest model is also tried with 2 % wrong answers, the most that the tests
allow for.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evalkit.api.hooks import RunPictures
from evalkit.api.pictures import Picture
from evalkit.api.records import Case
from evalkit.judges.vlm.judge import VlmJudge
from evalkit.judges.vlm.rubric import rubrics
from tests.judges.vlm.doubles import (
    Says,
    Truth,
    constant,
    digest_of,
    drawing_lots,
    drawn,
    edited,
    endpoint,
    praising_seldom,
)

RUNS = {"honest": 100, "2 % wrong": 20, "random": 20, "mostly bad": 20, "worst": 20}
CASES = 60
WRONG = 0.02
SEVERAL = ("compliance", "text", "layout", "background", "quality", "portrait", "checklist", "preference")


def erring(honest: Says, seed: int) -> Says:
    """The honest model, but for `WRONG` of the questions with the opposite answer."""
    opposite = {"yes": "no", "no": "yes", "A": "B", "B": "A", "tie": "A", 5: 1, 1: 5}

    def says(name: str, text: str, pictures: list[np.ndarray]) -> dict[str, object]:
        value = dict(honest(name, text, pictures))
        rng = random.Random(f"{seed} {name} {text} {[digest_of(one) for one in pictures]}")
        if rng.random() < WRONG:
            return {key: opposite.get(one, one) if isinstance(one, str | int) else one for key, one in value.items()}
        return value

    return says


def outcome(says: Says, names: Sequence[str], run: Sequence[tuple[Case, Picture]]) -> str:
    """`fails`, `passes`, or `not proven` if no control of the run is proof."""
    quiet = {"check_text": False, "check_with_instruments": False, "crops_from_px": 100_000}
    judge = VlmJudge(VlmJudge.Settings(rubrics=tuple(names), **quiet), endpoint(says))
    try:
        results = list(judge.try_on_run(RunPictures(tuple(run), len(run), 2)))
    finally:
        judge.close()
    if not all(result.passed for result in results):
        return "fails"
    return "passes" if any(result.made for result in results) else "not proven"


def run_of(names: Sequence[str], seed: int, folder: Path) -> list[tuple[Case, Picture]]:
    if names == ("edit",):
        return edited(CASES, folder, seed, scale=1)
    return drawn(CASES, seed, 1, portraits=names == ("portrait",))


ASKED = (*((name,) for name in rubrics()), SEVERAL)


def main(runs: Mapping[str, int] = RUNS, asked: Sequence[Sequence[str]] = ASKED) -> None:
    """Print how many of the runs pass, fail and prove nothing, by rubric and model."""
    print(f"runs of {CASES} cases: passed / failed / not proven")
    for names in asked:
        counts: dict[str, dict[str, int]] = {}
        for seed in range(max(runs.values())):
            with tempfile.TemporaryDirectory() as folder:
                run = run_of(names, seed, Path(folder))
                honest = Truth(run)
                models = {
                    "honest": honest,
                    "2 % wrong": erring(honest, seed),
                    "random": drawing_lots(seed),
                    "mostly bad": praising_seldom(seed),
                    "worst": constant(1, "no"),
                }
                for model, says in ((model, says) for model, says in models.items() if seed < runs.get(model, 0)):
                    of = counts.setdefault(model, dict.fromkeys(("passes", "fails", "not proven"), 0))
                    of[outcome(says, names, run)] += 1
            drawn.cache_clear()
        told = "   ".join(f"{model} {' / '.join(map(str, of.values()))}" for model, of in counts.items())
        print(f"{'all' if len(names) > 1 else names[0]:12} {told}", flush=True)


if __name__ == "__main__":
    main()
