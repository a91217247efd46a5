"""Writes measured abilities: one JSON file per judge, and a Markdown page with all tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from evalkit.api.ability import Ability
from evalkit.formats.keys import to_json
from evalkit.formats.slug import slug
from evalkit.studies.faults.table import markdown


def write_abilities(abilities: Sequence[Ability], folder: Path) -> Path:
    """Write `<judge>.faults.json` for each judge and `faults.md` into `folder`; the path of the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    for ability in abilities:
        text = json.dumps(to_json(ability), indent=1, ensure_ascii=False) + "\n"
        (folder / f"{slug(ability.judge)}.faults.json").write_text(text, encoding="utf-8")
    page = folder / "faults.md"
    page.write_text(markdown(abilities), encoding="utf-8")
    return page
