"""What judge-mini is fit to answer: `answers.json` beside the weights, written by hand from the figures of the card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

FILE = "answers.json"


@lru_cache(maxsize=8)
def unfit(folder: Path) -> Mapping[str, str]:
    """Rubrics, and aspects of edits (`edit.text.spelling`), that a folder's model does not answer, with the reason.

    None if it has no such file.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    known = json.loads(path.read_text(encoding="utf-8"))["unfit"]
    return {name: f"judge-mini is not fit for it: {why}" for name, why in known.items()}
