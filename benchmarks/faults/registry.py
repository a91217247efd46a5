"""All kinds of faults by name. To add one, write a function in the file of its family and add a line here."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.benchmarks.faults.banding import banding
from evalkit.benchmarks.faults.cast import colour_cast
from evalkit.benchmarks.faults.fault import ContentFault, LayerFault, PictureFault
from evalkit.benchmarks.faults.grain import grain
from evalkit.benchmarks.faults.grid import grid
from evalkit.benchmarks.faults.ink import (
    double_ink,
    drop_ink,
    drop_word_ink,
    move_ink,
    overlap_ink,
    repeat_word_ink,
    run_off_ink,
    shift_ink,
    substitute_ink,
    swap_ink,
)
from evalkit.benchmarks.faults.letters import double_letter, drop_letter, substitute_letter, swap_letters
from evalkit.benchmarks.faults.mottle import mottle
from evalkit.benchmarks.faults.overlap import overlap_text
from evalkit.benchmarks.faults.places import move_text, run_off_text, shift_text, swap_texts, uneven_spacing
from evalkit.benchmarks.faults.set_lines import clip_text, tilt_text, widen_gap
from evalkit.benchmarks.faults.strokes import blur_strokes, cut_strokes, melt_strokes, mirror_strokes
from evalkit.benchmarks.faults.words import drop_word, extra_word, repeat_word

CONTENT: dict[str, Callable[..., ContentFault | None]] = {
    "substitute-letter": substitute_letter,
    "drop-letter": drop_letter,
    "double-letter": double_letter,
    "swap-letters": swap_letters,
    "drop-word": drop_word,
    "repeat-word": repeat_word,
    "extra-word": extra_word,
    "overlap-text": overlap_text,
    "shift-text": shift_text,
    "run-off-text": run_off_text,
    "move-text": move_text,
    "swap-texts": swap_texts,
    "uneven-spacing": uneven_spacing,
}
"""Faults of the scene before it is drawn: `fault(scene, drawing, random, **strength)`; `None` if it is impossible."""

LAYER: dict[str, Callable[..., LayerFault | None]] = {
    "cut-strokes": cut_strokes,
    "blur-strokes": blur_strokes,
    "mirror-strokes": mirror_strokes,
    "melt-strokes": melt_strokes,
    "clip-text": clip_text,
    "tilt-text": tilt_text,
    "widen-gap": widen_gap,
}
"""Faults of the ink of one text of any picture: `fault(layer, generator, **strength)`; `None` if it is impossible."""

ON_INK: dict[str, Callable[..., LayerFault | None]] = {
    "substitute-letter": substitute_ink,
    "drop-letter": drop_ink,
    "double-letter": double_ink,
    "swap-letters": swap_ink,
    "drop-word": drop_word_ink,
    "repeat-word": repeat_word_ink,
    "overlap-text": overlap_ink,
    "shift-text": shift_ink,
    "run-off-text": run_off_ink,
    "move-text": move_ink,
}
"""The faults of `CONTENT` that are also possible in pictures other than scenes; they change the ink, as in `LAYER`."""

PICTURE: dict[str, Callable[..., PictureFault]] = {
    "grain": grain,
    "grid": grid,
    "banding": banding,
    "mottle": mottle,
    "colour-cast": colour_cast,
}
"""Faults of the bare ground of any picture: `fault(pixels, mask, seed, **strength)`."""

FAULTS = (*CONTENT, *LAYER, *PICTURE)
