"""Puts today's prompts into a tokenizer after the words of a rubric were changed. The weights stay.

    python -m evalkit.judges.vlm.mini.retitle [FOLDER]

FOLDER holds `tokenizer.json`: by default that of the shipped weights; or OUT/tokenizer of a training.
judge-mini reads each constant stretch of a prompt as one token, so new words for the same question need no training.
A question with a new meaning does: `evalkit judge train`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from evalkit.compat.mini_qwen import MARKS
from evalkit.judges.vlm.mini.local import WEIGHTS
from evalkit.judges.vlm.mini.prompts import segments


def retitle(tokenizer_json: Path) -> list[str]:
    """Give the token of each constant stretch of the prompts the words that the stretch has today.

    Returns:
        The names of the stretches that changed.

    Raises:
        ValueError: the prompts have more or fewer stretches than the tokenizer.
    """
    core = json.loads(tokenizer_json.read_text(encoding="utf-8"))
    known = segments()
    places = [token for token in core["added_tokens"] if token["content"] not in MARKS]
    if len(places) != len(known):
        raise ValueError(f"{len(known)} stretches of prompts, {len(places)} were learnt: train again")
    changed = []
    for token, (name, text) in zip(places, known.items(), strict=True):
        if token["content"] != text:
            changed.append(name)
            token["content"] = text
    tokenizer_json.write_text(json.dumps(core, ensure_ascii=False), encoding="utf-8")
    return changed


def main() -> None:
    """Print the names of the stretches that changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=WEIGHTS)
    print("\n".join(retitle(parser.parse_args().folder / "tokenizer.json")) or "nothing changed")


if __name__ == "__main__":
    main()
