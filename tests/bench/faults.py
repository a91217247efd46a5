"""Measures what each judge can and can't see on held-out scenes, and writes the files that state it.

    python -m tests.bench.faults [--judge J …] [--count N] [--clean N] [--ship] [--sheet FILE]

`--ship` writes `faults.json` beside each judge and its table into docs/instruments.md; other judges' tables stay.
`--sheet` draws one example of each kind of fault instead. Without either option it prints figures for a few pictures of
a series that is not held out.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from evalkit.api.ability import MEASURED
from evalkit.benchmarks.faults.grades import GRADES
from evalkit.benchmarks.faults.specimens import HELD_OUT, SceneSpecimens
from evalkit.cli import main as evalkit
from evalkit.formats.keys import from_json_text
from evalkit.plugins.abilities import folder_of
from evalkit.studies.faults.table import markdown

DOCS = Path(__file__).resolve().parents[2] / "docs" / "instruments.md"
TILE = 240
COLUMNS = 6


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", action="append", default=[])
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--clean", type=int, default=10)
    parser.add_argument("--ship", action="store_true")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args(arguments)
    if options.sheet:
        draw_sheet(options.sheet)
        return
    series = HELD_OUT if options.ship else 1
    command = ["faults", "--count", str(options.count), "--clean", str(options.clean)]
    command += [] if options.ship else ["--series", str(series)]
    for judge in options.judge:
        command += ["--judge", judge]
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["evalkit", *command]  # what the record says was typed
        if evalkit([*command, "--out", folder]) != 0:
            raise SystemExit("evalkit faults failed")
        if options.ship:
            for path in sorted(Path(folder).glob("*.json")):
                ship(path, path.name.removesuffix(".faults.json"))


def ship(path: Path, judge: str) -> None:
    """Put the figures beside the judge, and its table into the documentation."""
    from evalkit.api.ability import Ability

    home = folder_of(judge)
    assert home is not None
    shutil.copyfile(path, home / MEASURED)
    table = markdown([from_json_text(Ability, path.read_bytes())])
    block = f"<!-- faults {judge} -->\n{table}<!-- end -->"
    text = DOCS.read_text(encoding="utf-8")
    found = re.compile(rf"<!-- faults {re.escape(judge)} -->.*?<!-- end -->", re.DOTALL)
    text = found.sub(lambda _: block, text) if found.search(text) else text.rstrip() + f"\n\n{block}\n"
    DOCS.write_text(text, encoding="utf-8")


def draw_sheet(path: Path) -> None:
    """Draw one picture of each kind of fault, cropped around the true box."""
    from PIL import Image, ImageDraw

    rows = -(-len(GRADES) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + 16)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (name, grades) in enumerate(GRADES.items()):
        sizes = (grades.sizes[-1],) if grades.strength else ()
        settings = SceneSpecimens.Settings(kinds=(name,), sizes=sizes, count=1 + number % 5, series=1)
        *_, shown = SceneSpecimens(settings).faulty(name)
        assert shown.box is not None
        box, image = shown.box, Image.fromarray(shown.pixels)
        ImageDraw.Draw(image).rectangle((box.x0 - 2, box.y0 - 2, box.x1 + 1, box.y1 + 1), outline=(255, 0, 200))
        half = min(max(0.65 * max(box.width, box.height), 48), image.width / 2)
        x = min(max((box.x0 + box.x1) / 2 - half, 0), image.width - 2 * half)
        y = min(max((box.y0 + box.y1) / 2 - half, 0), image.height - 2 * half)
        left, top = number % COLUMNS * TILE, number // COLUMNS * (TILE + 16)
        cut = image.crop((round(x), round(y), round(x + 2 * half), round(y + 2 * half))).resize((TILE, TILE))
        sheet.paste(cut, (left, top))
        pen.text((left + 3, top + TILE + 2), f"{name} {shown.size:.3g} {shown.unit}", fill="black")
    sheet.quantize(255).save(path, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
