"""After a change of a rubric's words: gives the shipped tokenizer today's prompts. The weights stay.

    python -m judges.vlm.mini.retitle

judge-mini reads each constant stretch of a prompt as one token, so new words for the same question need no training.
A question that means something else does: `evalkit judge train`.
"""

from __future__ import annotations

from judges.vlm.mini.export import retitle
from judges.vlm.mini.local import WEIGHTS


def main() -> None:
    """Print the names of the stretches that changed."""
    print("\n".join(retitle(WEIGHTS / "tokenizer.json")) or "nothing changed")


if __name__ == "__main__":
    main()
