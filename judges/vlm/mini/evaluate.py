"""Measures how often judge-mini is right, on pictures it has never seen, with one defect or none.

python -m evalkit.judges.vlm.mini.evaluate [--folder WEIGHTS] [--pictures 360] [--words held-out]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evalkit.api.errors import GenerationError
from evalkit.api.pictures import decode
from evalkit.api.records import Request
from evalkit.api.training import Judged, JudgeData
from evalkit.formats.keys import noise_seed
from evalkit.judges.vlm.mini.batch import make_batch
from evalkit.judges.vlm.mini.fast import read_prefix, read_rows, see, to_patches
from evalkit.judges.vlm.mini.lessons import Coder, Row, options_of, rows, size_of
from evalkit.judges.vlm.mini.local import WEIGHTS
from evalkit.judges.vlm.mini.train import choice_logits
from evalkit.plugins.registry import PluginSpec, create

UNSEEN = 0.7
"""Size of a defect, in visibility thresholds, up to which a picture counts as sound."""
TWICE = 2.0
"""Size of the defects that must be found, in visibility thresholds."""
SIZES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
SCENES = 24
"""Scenes for each size of a defect, to check that scores fall."""
SEED = "evaluation"


class Prediction(NamedTuple):
    """The model's answer to a row: the probabilities of the options."""

    row: Row
    judged: Judged
    shares: Mapping[str, float]

    @property
    def expected(self) -> float:
        """The expectation of a score."""
        return sum(int(level) * share for level, share in self.shares.items()) / sum(self.shares.values())

    @property
    def said(self) -> str:
        return max(self.shares, key=self.shares.__getitem__)

    @property
    def truth(self) -> str:
        return max(self.row.options, key=lambda option: option[1])[0]


Predict = Callable[[Sequence[Judged], Sequence[Sequence[Row]]], list[Prediction]]


def in_process(model: Any, coder: Coder, grid: int) -> Predict:
    """A function that asks a model for the probabilities of the options without decoding replies."""
    import torch

    def predict(judged: Sequence[Judged], asked: Sequence[Sequence[Row]]) -> list[Prediction]:
        kept = [[row._replace(reply=row.reply[: row.choice + 3]) for row in its if row.choice >= 0] for its in asked]
        made: list[Prediction] = []
        with torch.inference_mode():
            for one, its in zip(judged, kept, strict=True):
                if not its:
                    continue
                batch = make_batch([one], [its], coder)
                seen = see(model, to_patches(batch.pictures), grid)
                for group in batch.groups:
                    count = group.shown.shape[1]
                    ids = torch.tensor(coder.prefix(count, (grid // 2) ** 2))
                    prefix = read_prefix(model, ids, seen, group.shown, grid // 2)
                    for chunk in group.chunks:
                        states, _ = read_rows(model, prefix, chunk.of, chunk.ids)
                        shares = choice_logits(model, states, chunk).softmax(-1)
                        for row, its_shares in zip(chunk.asked, shares, strict=True):
                            known = {name: float(its_shares[coder.options[name]]) for name in options_of(row.kind)}
                            made.append(Prediction(row, one, known))
        return made

    return predict


def accuracy(
    predict: Predict, data: JudgeData, pictures: int, words: str, seed: str = SEED
) -> dict[str, dict[str, float]]:
    """By kind of prompt: the number of rows, and the share of right answers on sound pictures and on pictures with a
    defect of twice the visibility threshold.

    For pairs also the outcome of both orders in a run (`preference`): a tie where they don't agree.
    NaN where there was no such picture.
    """
    rng = random.Random(f"{seed} {words}")
    right = _no_marks()
    for judged in _pictures(data, rng, pictures, words):
        _mark(right, predict([judged], [list(rows(judged))]))
    return _shares(right)


def on_generated(predict: Predict, data: JudgeData, generator: str, cases: int) -> dict[str, dict[str, float]]:
    """As `accuracy`, on pictures that a generator makes for the benchmark `tiles`; the truth is measured on them.

    Raises:
        GenerationError: a picture could not be made.
    """
    suite = create("benchmarks", PluginSpec("tiles", {"count": cases, "seed": 1}))
    right = _no_marks()
    with contextlib.closing(create("generators", PluginSpec(generator))) as maker:
        for case in suite.cases():
            (made,) = maker.generate([Request(case, 0, noise_seed(case.id, 0))])
            if made.image is None:
                raise GenerationError(made.error, where=case.id)
            pixels = made.image if isinstance(made.image, np.ndarray) else decode(made.image).pixels
            source = decode(Path(case.source.path).read_bytes()).pixels if case.source else None
            judged = data.measured(case, pixels, source)
            _mark(right, predict([judged], [list(rows(judged))]))
    return _shares(right)


Marks = dict[str, dict[bool, list[bool]]]
"""For each kind of prompt, for sound and for faulty pictures: whether each reply was right."""


def _no_marks() -> Marks:
    return defaultdict(lambda: {True: [], False: []})


def _mark(right: Marks, replies: Sequence[Prediction]) -> None:
    """Add the clear cases of one picture: no size between sound and faulty, and no question about another case."""
    for prediction in replies:
        kind = prediction.row.kind
        if prediction.row.other:
            continue
        if kind == "question" or kind.startswith("pairwise"):
            right[kind][prediction.truth in ("yes", "tie")].append(prediction.said == prediction.truth)
            continue
        size = size_of(kind, prediction.judged)
        if size <= UNSEEN or size >= TWICE - 0.05:
            right[kind][size <= UNSEEN].append((prediction.expected > 3) == (size <= UNSEEN))
    orders = [prediction for prediction in replies if prediction.row.kind.startswith("pairwise")]
    if orders:
        kind, truth = orders[0].row.kind.replace("pairwise", "preference"), _named(orders[0], orders[0].truth)
        said = {_named(prediction, prediction.said) for prediction in orders}
        right[kind][truth == "tie"].append((said.pop() if len(said) == 1 else "tie") == truth)


def _named(prediction: Prediction, reply: str) -> str:
    """Which of two pictures a reply says is better; `tie` for neither."""
    return dict(zip(("A", "B", "tie"), (*prediction.row.images[-2:], "tie"), strict=True))[reply]


def _shares(right: Marks) -> dict[str, dict[str, float]]:
    return {
        kind: {
            "n": len(each[True]) + len(each[False]),
            "sound": _share(each[True]),
            "faulty": _share(each[False]),
            "accuracy": (_share(each[True]) + _share(each[False])) / 2,
        }
        for kind, each in sorted(right.items())
    }


def _pictures(data: JudgeData, rng: random.Random, count: int, words: str) -> Iterator[Judged]:
    """Pictures with each fault and category equally often, and as many sound ones as faulty ones."""
    for task, categories in (("t2i", data.categories), ("edit", ("text", "shapes"))):
        for number in range(count):
            category = categories[number % len(categories)]
            faults = [name for name in data.faults if data.possible(name, task, category)]
            yield data.judged(rng, "", task=task, category=category, words=words)
            fault = faults[(number // len(categories)) % len(faults)]
            yield data.judged(rng, fault, TWICE, task=task, category=category, words=words)


def monotone(predict: Predict, data: JudgeData, scenes: int, words: str) -> dict[str, dict[str, Any]]:
    """By graded fault: the mean expected score at each size over the same scenes, and Spearman's ρ with the size."""
    from scipy.stats import spearmanr

    made: dict[str, dict[str, Any]] = {}
    for fault, rubric in data.graded.items():
        means = []
        for size in SIZES:
            scores = []
            for number in range(scenes):
                rng = random.Random(f"{SEED} {fault} {number}")
                category = "text" if rubric == "text" else data.categories[number % len(data.categories)]
                if fault == "shifted" and category == "portrait":
                    category = "shapes"
                judged = data.judged(rng, fault if size else "", size, task="t2i", category=category, words=words)
                its = [row for row in rows(judged) if row.kind == rubric and not row.other]
                scores += [prediction.expected for prediction in predict([judged], [its])]
            means.append(sum(scores) / len(scores))
        made[fault] = {
            "rubric": rubric,
            "scores": [round(m, 2) for m in means],
            "rho": float(spearmanr(SIZES, means)[0]),
        }
    return made


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _print_shares(shares: Mapping[str, Mapping[str, float]]) -> None:
    """Print as JSON, with null in place of NaN."""
    known = {kind: {n: None if math.isnan(v) else v for n, v in each.items()} for kind, each in shares.items()}
    print(json.dumps(known, indent=1))


def main() -> None:
    """Print accuracy and monotony of a model as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=WEIGHTS)
    parser.add_argument("--pictures", type=int, default=360, help="faulty pictures of each task")
    parser.add_argument("--words", default="held-out", choices=("held-out", "trained"))
    parser.add_argument("--data", default="tiles")
    parser.add_argument("--generator", help="judge pictures of this generator or preset instead")
    given = parser.parse_args()
    from evalkit.compat.torchvision_cpu import ensure_torchvision

    ensure_torchvision()
    import torch
    from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration

    data = create("judge_data", PluginSpec(given.data))
    loaded: Any = Qwen3VLForConditionalGeneration.from_pretrained(given.folder, dtype=torch.float32)
    grid = data.side // loaded.config.vision_config.patch_size
    predict = in_process(loaded.eval(), Coder(AutoTokenizer.from_pretrained(given.folder)), grid)
    if given.generator:
        _print_shares(on_generated(predict, data, given.generator, given.pictures))
        return
    _print_shares(accuracy(predict, data, given.pictures, given.words))
    print(json.dumps(monotone(predict, data, SCENES, given.words), indent=1))


if __name__ == "__main__":
    main()
