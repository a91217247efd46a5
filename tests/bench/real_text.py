"""Word alarms and boxes of the typography judge on hand-labelled pictures.

    python -m tests.bench.real_text [FOLDER] [--looks 1.0,0.5,2.0] [--misses]

Scored by `benchmarks.score_labels`. `spelling` counts words that are not there letter by letter (a word that is right
and drawn twice is no error); `words` counts duplicates as errors too; `boxes` are all findings but missing text.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.labels import Label, read_labels, word_positions
from benchmarks.score_labels import NO_ALARM, Agreement, Counts, Judged, is_hit, score_labels
from evalkit.pictures import Picture, read_file
from evalkit.records import Case, TextTarget, Verdict
from judges.typography.judge import TypographyJudge

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "real-text"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--looks", default="1.0,0.5,2.0", help="scales the picture is read at")
    parser.add_argument("--misses", action="store_true", help="name every false alarm and every miss")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"no labelled pictures at {options.folder}: name their folder")
        return
    looks = tuple(float(scale) for scale in options.looks.split(","))
    judge = TypographyJudge(TypographyJudge.Settings(looks=looks))
    labels = list(read_labels(options.folder))
    started = time.monotonic()
    judged: dict[str, Judged] = {}
    groups: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        path = options.folder / label.image
        case = Case(label.id, label.prompt, texts=tuple(TextTarget(text) for text in label.expected_texts))
        verdict = judge.judge(Picture("", read_file(path)), case, None)
        judged[label.id] = as_judged(verdict)
        groups[f"{label.id.split('/')[0]} {path.suffix[1:]}"].append(label)
        if options.misses:
            name_misses(label, verdict)
    groups["all"] = labels
    for name, members in groups.items():
        strict = score_labels(members, judged)["all"]
        spelling = spelling_only(members, judged)
        print(f"{name:12s} {len(members):2d} pictures  spelling {said(spelling.words)}  words {said(strict.words)}")
        print(f"{'':27s}boxes {said(strict.boxes)}")
    print(f"{(time.monotonic() - started) / len(labels):.2f} s per picture, loading included")


def as_judged(verdict: Verdict) -> Judged:
    words = [word["status"] for word in verdict.evidence["words"] if word["expected"] is not None]
    boxes = [finding.box for finding in verdict.findings if finding.kind != "missing-text"]
    return Judged(tuple("punct" if word == "punctuation" else word for word in words), tuple(boxes))


def spelling_only(labels: Sequence[Label], judged: dict[str, Judged]) -> Agreement:
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
        if alarm != wrong:
            kind = "miss" if wrong else "false alarm"
            print(f"{kind}: {label.id} {truth.expected!r} drawn {truth.observed!r} read {words[at]['read']!r}")
    located = [finding for finding in verdict.findings if finding.kind != "missing-text"]
    for finding in located:
        if not any(is_hit(finding.box, box) for box in [*label.ignore_boxes, *(e.box for e in label.error_boxes)]):
            print(f"false box: {label.id} {finding.kind}: {finding.message}")
    for error in label.error_boxes:
        if not any(is_hit(finding.box, error.box) for finding in located):
            print(f"box missed: {label.id} {error.kind} {error.text!r}")


def said(counts: Counts) -> str:
    rates = [("P", counts.precision), ("R", counts.recall), ("F1", counts.f1)]
    figures = " ".join(f"{name} {'  - ' if rate is None else f'{rate:.2f}'}" for name, rate in rates)
    return f"{figures} ({counts.hits} right, {counts.false_alarms} false, {counts.misses} missed)"


if __name__ == "__main__":
    main(sys.argv[1:])
