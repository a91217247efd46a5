"""Checks findings of the model with the exact instruments: confirmed, refuted, or silent."""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from evalkit.api.errors import JudgeError, UnavailableError
from evalkit.api.pictures import Pixels
from evalkit.api.records import JSON, RGB, Box, Case, Finding, Grade
from evalkit.judges.vlm.findings import GROUND_KINDS, TEXT_KINDS
from evalkit.judges.vlm.pixels import crop

if TYPE_CHECKING:
    from evalkit.judges.typography.reader import Line, Reader, Word

VERSION = 4
REFUTED_SEVERITY = 0.05
"""Severity of a finding that an instrument refutes: it is reported as refuted and counts for next to nothing. Its
grade is a blemish, so that it fails no case."""
READABLE_SIDE = 64
"""Least height of a cut-out of text, px: a lower one is enlarged before it is read."""
ALIKE = 0.5
"""Similarity (1 - edit distance over length) from which a word that was read counts as the expected one."""
SURE = 0.5
"""Confidence below which a line is ignored: the reader reads a plain block as 一 (.33) or ■ (.55)."""
Opinion = Literal["confirmed", "refuted", "silent"]


class Check(NamedTuple):
    """An instrument's opinion of one finding; `by` names the instrument, `detail` is JSON for the report."""

    opinion: Opinion
    by: str = ""
    detail: JSON = None


class Instruments:
    """The grain instrument and the reader of the typography judge, the latter loaded when first needed.

    Args:
        read: whether text may be read.
        reader: used in place of the typography judge's own.
    """

    def __init__(self, *, read: bool = True, reader: Reader | None = None) -> None:
        self._read = read
        self._reader = reader
        self._lock = threading.Lock()

    def check(self, finding: Finding, pixels: Pixels, case: Case) -> Finding:
        """The finding with `instrument: confirmed | refuted | silent` in its evidence."""
        check = Check("silent")
        if finding.kind in GROUND_KINDS:
            check = uneven(finding.kind, pixels, finding.box, case.background.colors)
        elif finding.kind in TEXT_KINDS and self._read:
            check = self._text(finding, pixels, [text.text for text in case.texts])
        evidence = {**finding.evidence, "instrument": check.opinion}
        if check.by:
            evidence[f"{check.by}_seen"] = check.detail
        if check.opinion == "silent":
            return dataclasses.replace(finding, evidence=evidence)
        verb = "confirms" if check.opinion == "confirmed" else "refutes"
        message = f"{finding.message}; the {check.by} instrument {verb} it"
        if check.opinion == "confirmed":
            return dataclasses.replace(finding, evidence=evidence, message=message)
        severity = min(finding.severity, REFUTED_SEVERITY)
        return dataclasses.replace(finding, evidence=evidence, message=message, severity=severity, grade=Grade.BLEMISH)

    def places(self, pixels: Pixels, texts: Mapping[int, str]) -> dict[int, Box]:
        """Boxes of these texts as the reader finds them, px, by index; texts it does not find are left out."""
        if not (texts and self._read):
            return {}
        try:
            lines = self._lines(pixels)
        except (JudgeError, UnavailableError):
            return {}
        return where_read([word for line in lines for word in line.words], texts)

    def close(self) -> None:
        with self._lock:
            if self._reader is not None:
                self._reader.close()

    def _lines(self, pixels: Pixels) -> Sequence[Line]:
        with self._lock:  # readers are not thread-safe
            if self._reader is None:
                from evalkit.judges.typography.readers import load

                self._reader = load("pp-ocr", 1)
            return self._reader.read(pixels)

    def _text(self, finding: Finding, pixels: Pixels, expected: Sequence[str]) -> Check:
        try:
            lines = self._lines(_enlarged(crop(pixels, finding.box)))
        except (JudgeError, UnavailableError):
            return Check("silent")
        read = " ".join(line.text for line in sorted(lines, key=lambda line: (line.box.y0, line.box.x0)))
        if any(line.confidence < SURE for line in lines):
            return Check("silent", "text", read)
        return Check(compare(finding.kind, read, expected), "text", read)


def where_read(words: Sequence[Word], texts: Mapping[int, str]) -> dict[int, Box]:
    """The box round each text's words among those that were read, misspelled ones included (pure).

    A text of which fewer than half of the words were found has no box.
    """
    from evalkit.judges.typography.normalise import lenient, similarity

    read = [(lenient(word.text), word.box) for word in words]
    boxes: dict[int, Box] = {}
    for index, text in texts.items():
        wanted = [key for word in text.split() if (key := lenient(word))]
        nearest = [max(read, key=lambda one: similarity(key, one[0])) for key in wanted if read]
        found = [box for key, (word, box) in zip(wanted, nearest, strict=False) if similarity(key, word) >= ALIKE]
        if found and 2 * len(found) >= len(wanted):
            boxes[index] = functools.reduce(Box.union, found)
    return boxes


def compare(kind: str, read: str, expected: Sequence[str]) -> Opinion:
    """Whether the text read at a place confirms or refutes a finding of text there (pure).

    Only clear cases count. If every word that was read is an expected one, that refutes a typo; if all expected words
    were read, that refutes missing text; another word confirms a typo and extra text. Malformed letters can still be
    read: the opinion is silent. Symbols and single characters are ignored, because they may not be text at all (a
    circle is read as ● or O), and so is a part of an expected word, which the box may have cut off.
    """
    from evalkit.judges.typography.normalise import is_symbol, lenient

    wanted = {key for text in expected for word in text.split() if (key := lenient(word))}
    words = {key for word in read.split() if (key := lenient(word)) and (key in wanted or not is_symbol(key))}
    if kind in ("malformed", "duplicate-text"):
        return "silent"
    if kind == "missing-text":
        return "refuted" if wanted and wanted <= words else "confirmed" if not words else "silent"
    if not words:
        return "silent"
    strange = words - wanted
    if not strange:
        return "refuted"
    plain = [key for key in strange if len(key) > 1 and not any(key in word for word in wanted)]
    return "confirmed" if plain else "silent"


def uneven(kind: str, pixels: Pixels, box: Box, colours: Sequence[RGB] = ()) -> Check:
    """Whether the ground inside `box` is uneven, in whatever way.

    A cast is measured against the declared colours: without them the opinion is `silent`.
    """
    from evalkit.judges.grain.analysis import analyse
    from evalkit.judges.grain.cast import VISIBLE_CAST
    from evalkit.judges.grain.colour import view
    from evalkit.judges.grain.findings import figures, sizes
    from evalkit.judges.grain.mask import flat_area
    from evalkit.judges.grain.measure import LEAST_SIDE, VISIBLE

    if min(pixels.shape[:2]) < LEAST_SIDE or (kind == "cast" and not colours):
        return Check("silent")
    shown = view(pixels)
    area = flat_area(shown, regions=[box])
    if not area.regions.any():  # too small, or something is drawn there
        return Check("silent")
    seen = analyse(shown, area.regions, colours)
    if not seen.regions.any():
        return Check("silent")
    noise, strengths = figures(seen.noise.local).visible_noise, sizes(seen)
    shift = strengths.cast or 0.0
    uneven_by = {"grid": strengths.grid, "banding": strengths.banding, "mottle": strengths.mottle}
    visible = noise > VISIBLE or max(uneven_by.values()) >= 1 or shift > VISIBLE_CAST
    detail = {"visible_noise": noise, "just_visible": VISIBLE, **uneven_by, "cast": shift}
    return Check("confirmed" if visible else "refuted", "grain", {name: round(v, 3) for name, v in detail.items()})


def _enlarged(pixels: Pixels) -> Pixels:
    """The cut-out for the reader: enlarged twice, four times or eight times, until its lines are high enough."""
    height, width = pixels.shape[:2]
    times = 1
    while min(height, width) * times < READABLE_SIDE * 2 and times < 8:
        times *= 2
    if times == 1:
        return pixels
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize((width * times, height * times), Image.Resampling.BICUBIC))
