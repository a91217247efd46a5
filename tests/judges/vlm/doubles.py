"""Test doubles of a judge's model: one that answers from the truth, and ones that lie.

A double answers from the form's name, the text of the question and the pixels of the pictures, so that it works in
process (`endpoint`) and behind a server (`act`).
"""

import base64
import dataclasses
import hashlib
import io
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from evalkit.api.hooks import RunPictures
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Control
from evalkit.api.records import Box, Case, SourceImage, Task
from evalkit.benchmarks.tiles.case import tile_case
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.benchmarks.tiles.scene import Mark, Portrait, TileScene, Word
from evalkit.judges.vlm.call import Call
from evalkit.judges.vlm.controls import cases as control_cases
from evalkit.judges.vlm.controls import picture as control_picture
from evalkit.judges.vlm.controls import scenes
from evalkit.judges.vlm.judge import VlmJudge
from evalkit.judges.vlm.render import neutral
from evalkit.judges.vlm.run_controls import tint_of
from evalkit.judges.vlm.spoil import Clean, shaded
from tests.judges.vlm.fakes import FakeEndpoint, Value
from tests.judges.vlm.hostile_server import envelope, send

Says = Callable[[str, str, list[np.ndarray]], Value]
"""Form, text of the question, pixels of the pictures -> value of the reply."""


class Truth:
    """An honest model: it knows which picture is the right one for which case, and finds all other pictures bad."""

    def __init__(self, known: Iterable[tuple[Case, Picture]]) -> None:
        self.known: dict[str, list[Case]] = {}
        poster, edit = control_cases()
        shipped = [(poster, control_picture("poster")), (edit, control_picture("edited"))]
        for case, picture in (*known, *shipped):
            for seen in (picture, shaded(Clean(case, picture))):
                self.known.setdefault(digest_of(seen.pixels), []).append(case)

    def __call__(self, name: str, text: str, pictures: list[np.ndarray]) -> Value:
        if name == "pairwise":
            one, other = (self._fits(shown, text) for shown in pictures[-2:])
            return {"better": "tie" if one == other else "A" if one else "B"}
        if name == "scale":
            return {"score": 5 if self._fits(pictures[-1], text) else 1, "findings": []}
        if name == "question":
            return {"answer": "yes" if self._is_so(pictures[-1], text) else "no"}
        return {"text": ""}

    def _cases(self, shown: np.ndarray) -> list[Case]:
        return self.known.get(digest_of(shown), [])

    def _fits(self, shown: np.ndarray, text: str) -> bool:
        """Whether the picture is right, and the question is about its case, its texts or nothing but the picture."""
        asked = "<asked>" in text or "<text>" in text
        return any(not asked or self._asked(case, text) for case in self._cases(shown))

    def _asked(self, case: Case, text: str) -> bool:
        texts = [neutral(one.text) for one in case.texts]
        return neutral(case.prompt) in text or (bool(texts) and all(one in text for one in texts))

    def _is_so(self, shown: np.ndarray, text: str) -> bool:
        known = self._cases(shown)
        named = re.search(r'show the text "([^"]*)"', text)
        if named:
            return any(named[1] in {one.text for one in case.texts} for case in known)
        return bool(known)


def digest_of(pixels: np.ndarray) -> str:
    """Of the pixels alone."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels, np.uint8).tobytes()).hexdigest()


# -------------------------------------------------------------------------------------------------------------- liars


def constant(score: int = 4, answer: str = "yes", better: str = "tie") -> Says:
    """The same answer to everything."""

    def says(name, text, pictures):
        values = {"scale": {"score": score, "findings": []}, "question": {"answer": answer}}
        return values.get(name) or ({"better": better} if name == "pairwise" else {"text": ""})

    return says


def praising_seldom(seed: int = 0, good: float = 0.2) -> Says:
    """A random answer to everything, mostly a bad one: what is spoilt is called so, by luck."""

    def says(name, text, pictures):
        rng = random.Random(f"{seed} {name} {text} {[digest_of(one) for one in pictures]}")
        praised = rng.random() < good
        if name == "scale":
            return {"score": 5 if praised else 1, "findings": []}
        if name == "question":
            return {"answer": "yes" if praised else "no"}
        return {"better": rng.choice(["A", "B", "tie"])} if name == "pairwise" else {"text": ""}

    return says


def drawing_lots(seed: int = 0) -> Says:
    """A random answer to everything, the same one for the same question."""

    def says(name, text, pictures):
        rng = random.Random(f"{seed} {name} {text} {[digest_of(one) for one in pictures]}")
        if name == "scale":
            return {"score": rng.randint(1, 5), "findings": []}
        if name == "question":
            return {"answer": rng.choice(["yes", "no"])}
        return {"better": rng.choice(["A", "B", "tie"])} if name == "pairwise" else {"text": ""}

    return says


def right_on_shipped_files(honest: Says, elsewhere: Says) -> Says:
    """Honest if it is shown nothing but pictures of the shipped controls, broken ones included."""
    judge = VlmJudge(VlmJudge.Settings(), endpoint(honest))
    shipped = {digest_of(shown.pixels) for control in judge.controls() for shown in _shown(control)}
    shipped |= {digest_of(control_picture(name).pixels) for name in ("poster", "edited")}
    judge.close()

    def says(name, text, shown):
        return (honest if shipped >= {digest_of(one) for one in shown} else elsewhere)(name, text, shown)

    return says


def _shown(control: Control) -> Iterator[Picture]:
    yield control.picture
    if control.twin:
        yield control.twin


def right_on_shipped_tiles(honest: Says, elsewhere: Says, pictures: Iterable[np.ndarray]) -> Says:
    """Honest unless it is shown one of `pictures` or anything of another size than a tile."""
    of_run = {digest_of(one) for one in pictures}

    def says(name, text, shown):
        tile = shown[-1].shape == (128, 128, 3) and not of_run & {digest_of(one) for one in shown}
        return (honest if tile else elsewhere)(name, text, shown)

    return says


def always_a(honest: Says, but_ties: bool = True) -> Says:
    """Honest about single pictures; of two different ones it prefers the first."""

    def says(name, text, pictures):
        if name != "pairwise":
            return honest(name, text, pictures)
        same = digest_of(pictures[-1]) == digest_of(pictures[-2])
        return {"better": "tie" if same and but_ties else "A"}

    return says


# ---------------------------------------------------------------------------------------------- in process and served


def endpoint(says: Says) -> FakeEndpoint:
    """The double in this process."""

    def answered(call: Call) -> Value:
        return says(call.name, call.text, [_pixels(image.png) for image in call.images])

    return FakeEndpoint(answered)


def act(says: Says):
    """The double as an act of `HostileServer`."""

    def served(handler, asked):
        content = asked.body["messages"][-1]["content"]
        urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
        shown = [_pixels(base64.b64decode(url.split(",", 1)[1])) for url in urls]
        value = says(asked.body["response_format"]["json_schema"]["name"], asked.text, shown)
        send(handler, json.dumps(envelope(asked, json.dumps(value))).encode())

    return served


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.uint8)


# --------------------------------------------------------------------------------------------------------- pictures

WORDS = ("OCEAN", "RIVER", "MAGIC", "TIGER", "PLANT", "BREAD", "STONE", "CLOUD", "FLAME", "HORSE", "LEMON", "NIGHT")
COLORS = ("red", "orange", "green", "teal", "purple", "black")
ROWS, COLUMNS, KINDS = ("top", "middle", "bottom"), ("left", "center", "right"), ("circle", "square", "triangle")


@cache
def drawn(n: int, seed: int = 0, scale: int = 2, *, portraits: bool = False) -> list[tuple[Case, Picture]]:
    """`n` cases with their right pictures of 128·`scale` px: portraits, or three of four with a word."""
    rng = random.Random(seed)
    made = []
    for number in range(n):
        if portraits or number % 4 == 3:
            figure = Portrait(rng.choice(["tan", "pale"]), "black", rng.choice(["orange", "red"]))
            scene = TileScene("portrait", rng.choice(["teal", "white", "yellow"]), figure=figure)
        else:
            row = rng.choice(ROWS)
            mark = Mark(rng.choice(KINDS), rng.choice(COLORS), rng.choice([r for r in ROWS if r != row]), "left")
            scene = TileScene("text", "white", Word(rng.choice(WORDS), rng.choice(COLORS), row), (mark,))
        case = larger(tile_case(scene, f"drawn/{number:04d}"), scale)
        made.append((case, Picture.from_pixels(np.kron(draw_tiles(scene), np.ones((scale, scale, 1), np.uint8)))))
    return made


def edited(n: int, folder: Path, seed: int = 0, scale: int = 2) -> list[tuple[Case, Picture]]:
    """`n` edits with their right pictures: the source, a file in `folder`, is another picture than the result."""
    made = []
    pairs = zip(drawn(n, 2 * seed + 1, scale), drawn(n, 2 * seed + 2, scale), strict=True)
    for number, ((case, result), (_, source)) in enumerate(pairs):
        path = folder / f"{number}.png"
        path.write_bytes(source.data)
        prompt = f"Make it number {number}: {case.prompt}"
        of = SourceImage(str(path), source.sha256)
        made.append((dataclasses.replace(case, task=Task.EDIT, prompt=prompt, source=of), result))
    return made


def larger(case: Case, scale: int) -> Case:
    """The case of a picture that is enlarged."""

    def moved(box: Box) -> Box:
        return Box(box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale)

    return dataclasses.replace(
        case,
        width=case.width * scale,
        height=case.height * scale,
        texts=tuple(dataclasses.replace(text, box=text.box and moved(text.box)) for text in case.texts),
        elements=tuple(dataclasses.replace(one, box=moved(one.box)) for one in case.elements),
        background=dataclasses.replace(case.background, flat_regions=tuple(map(moved, case.background.flat_regions))),
    )


def scenes_at(width: int, height: int, run: RunPictures) -> list[tuple[Case, Picture]]:
    """The shipped scenes as they are drawn for a run."""
    with scenes(width, height, tint_of(run)) as drawn_:
        return list(drawn_)
