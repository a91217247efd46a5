"""Which rubrics judge-mini is fit to answer: `answers.json`, beside the weights, is written by hand from the card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

FILE = "answers.json"


@lru_cache(maxsize=8)
def unfit(folder: Path) -> Mapping[str, str]:
    """Rubrics, and aspects of edits (`edit.text.spelling`), that the model in a folder is not fit to answer, each with
    the reason. Empty if the folder has no such file.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    known = json.loads(path.read_text(encoding="utf-8"))["unfit"]
    return {name: f"judge-mini is not fit for it: {why}" for name, why in known.items()}
