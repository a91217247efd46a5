"""Writes the pictures and cases of the VLM judge's controls: `python -m evalkit.benchmarks.tiles.write_controls`.

Judges may not import this package to draw tiles, so the pictures are shipped with them. A test compares the shipped
files with this module.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

from evalkit.api.pictures import encode_png
from evalkit.api.records import Case, SourceImage
from evalkit.benchmarks.tiles.case import edit_case, tile_case
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.benchmarks.tiles.edit import Edit
from evalkit.benchmarks.tiles.scene import Mark, Portrait, TileScene, Word
from evalkit.formats.keys import to_json

FOLDER = Path(__file__).parents[2] / "judges/vlm/control_pictures"
POSTER = TileScene("text", "white", Word("OCEAN", "blue", "top"), (Mark("circle", "red", "bottom", "right"),))
MISSPELLED = dataclasses.replace(POSTER, word=Word("OCKAN", "blue", "top"))
EDITED = dataclasses.replace(POSTER, marks=(Mark("circle", "green", "bottom", "right"),))
PORTRAIT = TileScene("portrait", "teal", figure=Portrait("tan", "black", "orange"))
RIVER = TileScene("text", "teal", Word("RIVER", "white", "bottom"), (Mark("square", "yellow", "top", "left"),))
MAGIC = TileScene("text", "black", Word("MAGIC", "orange", "middle"), (Mark("triangle", "pink", "top", "center"),))
PORTRAIT_2 = TileScene("portrait", "white", figure=Portrait("pale", "orange", "blue"))
PORTRAIT_3 = TileScene("portrait", "yellow", figure=Portrait("tan", "black", "purple", "short"))
OTHERS = {"river": RIVER, "magic": MAGIC, "portrait": PORTRAIT, "portrait-2": PORTRAIT_2, "portrait-3": PORTRAIT_3}
"""Scenes that are asked about at the size of a run, beside the poster and its edit."""
SCENES = {"poster": POSTER, "misspelled": MISSPELLED, "edited": EDITED, **OTHERS}


def files() -> dict[str, bytes]:
    """Content of every file by name. Paths of sources are relative to the folder."""
    made = {f"{name}.png": encode_png(draw_tiles(scene)) for name, scene in SCENES.items()}
    source = SourceImage("poster.png", hashlib.sha256(made["poster.png"]).hexdigest())
    edit = edit_case(Edit("recolor", "Make the circle green.", POSTER, EDITED), "control/edit", source)
    others = [tile_case(scene, f"control/{name}") for name, scene in OTHERS.items()]
    cases = [_plain(case) for case in (tile_case(POSTER, "control/poster"), edit, *others)]
    made["cases.json"] = (json.dumps([to_json(case) for case in cases], indent=1) + "\n").encode()
    return made


def _plain(case: Case) -> Case:
    """The case without the suite's questions, which would only cost time."""
    return dataclasses.replace(case, checklist=(), extra={k: v for k, v in case.extra.items() if k == "edit"})


def main(folder: Path = FOLDER) -> None:
    """Write the files below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files().items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
