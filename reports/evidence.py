"""The evidence of a judge as typed blocks (`evalkit.api.evidence`).

A judge may hand over typed blocks itself. The judges that ship with evalkit, and every run made before there were
blocks, name their evidence instead; `ADAPTERS` says which block is meant by which name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from evalkit.api.evidence import Block, HeatMap, TextDifference, TextPair, block_from_json
from evalkit.api.records import JSON
from evalkit.reports.escape import clip, visible

GRAIN, FLIP = "Grain map", "FLIP map"
SHORTCUTS = {GRAIN: "g", FLIP: "f"}
"""Keys that show and hide a map in the view of a case, by the map's title."""
MAX_TEXT = 2_000
"""Most characters of one text."""
MAX_PAIRS = 500
"""Most pairs of texts of one block."""


def blocks_of(evidence: Mapping[str, JSON]) -> dict[str, Block]:
    """The blocks in the evidence of a verdict, by their names. What is no block is left out."""
    blocks = {}
    for name, value in evidence.items():
        adapt = ADAPTERS.get(name)
        block = typed_block(value) or (adapt(evidence) if adapt else None)
        if block is not None:
            blocks[name] = block
    return blocks


def typed_block(value: JSON) -> Block | None:
    """The block that a judge wrote; `None` where the value is no block, or a broken one, and is shown as plain JSON."""
    try:
        return block_from_json(value)
    except ValueError:
        return None


def text_of(value: Any) -> str:
    """A piece of evidence as text: a text as it is, nothing as empty, anything else as it prints."""
    if isinstance(value, str):
        return clip(visible(value), MAX_TEXT)
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else clip(visible(str(value)), MAX_TEXT)


def _words(evidence: Mapping[str, JSON]) -> Block | None:
    """The `words` of the typography judge: objects with `expected`, `read` and `status`."""
    listed = evidence["words"]
    if not isinstance(listed, list):
        return None
    pairs = []
    for word in listed[:MAX_PAIRS]:
        if isinstance(word, Mapping):
            status = text_of(word.get("status"))
            expected, read = text_of(word.get("expected")), text_of(word.get("read"))
            pairs.append(TextPair(expected, read, status, accepted=status == "correct"))
    return TextDifference(tuple(pairs)) if pairs else None


def _grain_map(evidence: Mapping[str, JSON]) -> Block | None:
    """The `map` of the grain judge, whose `threshold` is the visible noise in L*."""
    threshold = evidence.get("threshold")
    known = isinstance(threshold, int | float) and not isinstance(threshold, bool) and 0 < threshold < math.inf
    return _map(
        evidence["map"],
        title=GRAIN,
        low=0.03,
        high=4.0,
        unit="L*",
        scale="log",
        threshold=threshold if known else None,
        note="Visible noise of flat ground. Clear squares are not flat ground; faint squares are not visible.",
    )


def _flip_map(evidence: Mapping[str, JSON]) -> Block | None:
    """The `flip_map` of the fidelity judge: FLIP against the twin."""
    return _map(
        evidence["flip_map"],
        title=FLIP,
        low=0.0,
        high=1.0,
        palette="magma",
        note="FLIP against the twin, mean of each square: 0 looks the same, 1 is green against blue. "
        "A difference alone is not a defect.",
    )


def _map(found: JSON, **fields: Any) -> Block | None:
    """A map that a judge wrote as `{"cell": px, "values": rows}`; `None` where it can't be drawn."""
    if not isinstance(found, Mapping) or not isinstance(found.get("values"), list | tuple):
        return None
    if not all(isinstance(row, list | tuple) for row in found["values"]):
        return None
    try:
        return HeatMap(cell=found.get("cell"), values=tuple(map(tuple, found["values"])), **fields)  # type: ignore[arg-type]
    except ValueError:
        return None


ADAPTERS: Mapping[str, Callable[[Mapping[str, JSON]], Block | None]] = {
    "words": _words,
    "map": _grain_map,
    "flip_map": _flip_map,
}
"""Name in a verdict's evidence -> the block it means, or `None` where the value is not what the name promises."""
