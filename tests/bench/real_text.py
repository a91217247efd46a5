"""Measures the typography judge on hand-labelled pictures (word alarms, boxes), and its speed beside stock PaddleOCR.

    python -m tests.bench.real_text [FOLDER] [--looks 1.0,0.5] [--misses] [--by] [--no-stock]

Scored by `evalkit.benchmarks.score_labels`. `spelling` counts words that are not there letter by letter (a right word
that is drawn twice is not an error); `words` also counts duplicates as errors; `boxes` are all findings except missing
text. Words the judge is unsure of are not counted; their share is printed. `--by` splits the words by the length of the
word, the height of its line and the number of lines in the picture. The ratio is of CPU seconds on one thread, over
every fourth picture.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.api.pictures import Picture, Pixels, read_file
from evalkit.api.records import Case, TextTarget, Verdict
from evalkit.benchmarks.labels import Label, read_labels, word_positions
from evalkit.benchmarks.score_labels import NO_ALARM, DetectionCounts, LabelAgreement, TextVerdict, is_hit, score_labels
from evalkit.judges.typography.judge import TypographyJudge
from tests.bench.breakdown import BREAKDOWNS, WordRow, rows

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "real-text"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--looks", default="", help="scales the picture is read at, instead of the judge's own")
    parser.add_argument("--misses", action="store_true", help="name every false alarm and every miss")
    parser.add_argument("--by", action="store_true", help="split by length, height and number of lines")
    parser.add_argument("--no-stock", action="store_true", help="leave out the comparison of speed")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"no labelled pictures at {options.folder}: name their folder")
        return
    looks = {"looks": tuple(float(scale) for scale in options.looks.split(","))} if options.looks else {}
    judge = TypographyJudge(TypographyJudge.Settings(threads=1, **looks))
    labels = list(read_labels(options.folder))
    judged: dict[str, TextVerdict] = {}
    verdicts: dict[str, Verdict] = {}
    groups: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        verdict = judge.judge(picture_of(options.folder, label), case_of(label), None)
        judged[label.id], verdicts[label.id] = as_judged(verdict), verdict
        groups[f"{label.id.split('/')[0]} {Path(label.image).suffix[1:]}"].append(label)
        if options.misses:
            name_misses(label, verdict)
    groups["all"] = labels
    for name, members in groups.items():
        strict = score_labels(members, judged)["all"]
        spelling = spelling_only(members, judged)
        unsure = [status is None for label in members for status in labelled(label, judged[label.id].words)]
        print(f"{name:12s} {len(members):2d} pictures  spelling {said(spelling.words)}  words {said(strict.words)}")
        print(f"{'':27s}boxes {said(strict.boxes)}  unsure of {sum(unsure)} of {len(unsure)} words")
    if options.by:
        print_breakdowns(labels, verdicts)
    if not options.no_stock:
        print_speed(judge, options.folder, labels[::4])


def picture_of(folder: Path, label: Label) -> Picture:
    return Picture("", read_file(folder / label.image))


def case_of(label: Label) -> Case:
    return Case(label.id, label.prompt, texts=tuple(TextTarget(text) for text in label.expected_texts))


def as_judged(verdict: Verdict) -> TextVerdict:
    """The judge's words in the terms of the labels; `None` where it abstained."""
    named = {"punctuation": "punct", "unsure": None}
    words = [word["status"] for word in verdict.evidence["words"] if word["expected"] is not None]
    boxes = [finding.box for finding in verdict.findings if finding.kind != "missing-text"]
    return TextVerdict(tuple(named.get(word, word) for word in words), tuple(boxes))


def labelled(label: Label, statuses: Sequence[str | None]) -> list[str | None]:
    """The judge's statuses of the words that carry a label."""
    return [statuses[at] for at in word_positions(label)]


def spelling_only(labels: Sequence[Label], judged: dict[str, TextVerdict]) -> LabelAgreement:
    """The same with `duplicate` read as `correct` on both sides."""
    plain = [
        replace(x, words=tuple(replace(w, status="correct") if w.status == "duplicate" else w for w in x.words))
        for x in labels
    ]
    seen = {
        key: replace(value, words=tuple("correct" if word == "duplicate" else word for word in value.words))
        for key, value in judged.items()
    }
    return score_labels(plain, seen)["all"]


def name_misses(label: Label, verdict: Verdict) -> None:
    words = [word for word in verdict.evidence["words"] if word["expected"] is not None]
    statuses = as_judged(verdict).words
    for truth, at in zip(label.words, word_positions(label), strict=True):
        alarm, wrong = statuses[at] not in NO_ALARM, truth.status not in NO_ALARM
        if statuses[at] is None or alarm != wrong:
            kind = "unsure" if statuses[at] is None else "miss" if wrong else "false alarm"
            word = words[at]
            why = f"p_wrong {word.get('p_wrong', '-')} {word.get('reason', '')}"
            print(f"{kind}: {label.id} {truth.expected!r} drawn {truth.observed!r} read {word['read']!r} {why}")
    located = [finding for finding in verdict.findings if finding.kind != "missing-text"]
    for finding in located:
        if not any(is_hit(finding.box, box) for box in [*label.ignore_boxes, *(e.box for e in label.error_boxes)]):
            print(f"false box: {label.id} {finding.kind}: {finding.message}")
    for error in label.error_boxes:
        if not any(is_hit(finding.box, error.box) for finding in located):
            print(f"box missed: {label.id} {error.kind} {error.text!r}")


def print_breakdowns(labels: Sequence[Label], verdicts: dict[str, Verdict]) -> None:
    """Agreement on spelling, by length, height and number of lines."""
    by: dict[str, dict[str, DetectionCounts]] = {name: defaultdict(DetectionCounts) for name in BREAKDOWNS}
    for label in labels:
        listed = rows(verdicts[label.id].evidence)
        for truth, at in zip(label.words, word_positions(label), strict=True):
            for name, bucket in BREAKDOWNS.items():
                by[name][bucket(listed[at])] += agreement(truth.status, listed[at])
    for name, counts in by.items():
        for kind in sorted(counts):
            print(f"by {name:8s} {kind:18s} {said(counts[kind])}")


def agreement(truth: str, word: WordRow) -> DetectionCounts:
    if word.status == "unsure":
        return DetectionCounts()
    wrong, alarm = truth not in {*NO_ALARM, "duplicate"}, not word.right
    return DetectionCounts(wrong and alarm, alarm and not wrong, wrong and not alarm, wrong and alarm)


def print_speed(judge: TypographyJudge, folder: Path, labels: Sequence[Label]) -> None:
    """CPU seconds per picture of the judge over those of one call of PaddleOCR with the same models, one thread."""
    stock = stock_ocr()
    ours = theirs = 0.0
    for label in labels:
        picture, case = picture_of(folder, label), case_of(label)
        pixels = picture.pixels
        started = time.process_time()
        judge.judge(picture, case, None)
        ours += time.process_time() - started
        started = time.process_time()
        stock(pixels)
        theirs += time.process_time() - started
    n = len(labels)
    print(f"{ours / n:.2f} s per picture, stock PaddleOCR {theirs / n:.2f} s: ratio {ours / theirs:.2f} ({n} pictures)")


def stock_ocr() -> Any:
    import logging
    import os

    from evalkit.judges.typography import models

    os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"
    logging.getLogger("paddlex").setLevel(logging.ERROR)
    import numpy as np
    from paddleocr import PaddleOCR

    folders = models.prepare()
    ocr = PaddleOCR(
        text_detection_model_name=models.DETECTION,
        text_detection_model_dir=str(folders.detection),
        text_recognition_model_name=models.RECOGNITION,
        text_recognition_model_dir=str(folders.recognition),
        engine="onnxruntime",
        engine_config={"intra_op_num_threads": 1},
        device="cpu",
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        use_textline_orientation=False,
    )

    def read(pixels: Pixels) -> None:
        ocr.predict(np.ascontiguousarray(pixels[:, :, ::-1]))

    read(np.full((64, 64, 3), 255, np.uint8))
    return read


def said(counts: DetectionCounts) -> str:
    rates = [("P", counts.precision), ("R", counts.recall), ("F1", counts.f1)]
    figures = " ".join(f"{name} {'  - ' if rate is None else f'{rate:.2f}'}" for name, rate in rates)
    return f"{figures} ({counts.hits} right, {counts.false_alarms} false, {counts.misses} missed)"


if __name__ == "__main__":
    main(sys.argv[1:])
