"""The border: what plug-ins hand over is checked here, once, where it enters the engine.

Every record is written as the store would write it, and read again (`stored`). What the engine goes on with is what
was read: plain data, of the declared types, that the store can always read back. A value that does not come through
is a `FaultyValue`; the engine marks the cell with its reason, or refuses the plug-in where there is no cell yet.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from evalkit.api.errors import StoppedByUser
from evalkit.api.geometry import Box
from evalkit.api.pictures import MAX_PIXELS, Picture, Pixels
from evalkit.api.protocols import GeneratorInfo, Judge, SetFigure
from evalkit.api.records import JSON, Case, Dimension, Finding, Generated, Score, Verdict
from evalkit.api.results import ControlResult, Interval
from evalkit.formats.foreign_text import readable, said
from evalkit.formats.keys import dump, from_json_text
from evalkit.plugins.conformance import verdict_problem

T = TypeVar("T")

MAX_NUMBER = 1e15
"""Largest amount of a score, a size or a figure without bounds: sums and squares of so many stay finite."""
MAX_SECONDS = 1e8
"""Largest duration, three years."""
MAX_NOTES = 1_000_000
"""Largest notes of a picture as JSON, bytes."""
MAX_VERDICT = 64_000_000
"""Largest verdict as JSON, bytes, with its evidence."""
_SLACK = 1e-6
"""A score may be outside of its bounds by so much (rounding); it is set to the bound."""


class FaultyValue(ValueError):
    """What is wrong with a value, as a clause that follows the name of the plug-in: "returned …"."""


def stored(record: T, limit: int = MAX_VERDICT) -> T:
    """The record as the store will read it. Raises `FaultyValue` if it can't be written, or not be read again."""
    try:
        text = dump(record)
    except StoppedByUser:
        raise
    except BaseException as error:  # it may hold any object, whose methods are foreign code
        deep = isinstance(error, RecursionError) or "depth" in readable(error)
        raise FaultyValue("values nested too deeply" if deep else f"what JSON can't: {said(error)[:300]}") from error
    if len(text) > limit:
        raise FaultyValue(f"{len(text) / 1e6:.1f} MB of JSON, at most {limit / 1e6:.0f} MB")
    try:
        return from_json_text(type(record), text)
    except ValidationError as error:
        raise FaultyValue(_explained(error)) from error
    except (ValueError, RecursionError) as error:
        raise FaultyValue(f"what can't be read again: {said(error)[:300]}") from error


def checked_case(given: object) -> Case:
    """A case of a benchmark, with plain values."""
    if not isinstance(given, Case):
        raise FaultyValue(f"the benchmark yields {_type(given)}, not Case")
    try:
        return stored(given)
    except FaultyValue as problem:
        raise FaultyValue(f"the case `{readable(given.id, 80)}` holds {problem}") from problem


def checked_generated(given: object) -> Generated:
    """The result of a generator, with plain values. Its image is checked when it is stored."""
    if not isinstance(given, Generated):
        raise FaultyValue(f"the generator returned {_type(given)}, not Generated")
    if not isinstance(given.error, str):
        raise FaultyValue(f"the generator returned an error that is {_type(given.error)}, not a text")
    if (given.image is None) == (not given.error):
        raise FaultyValue("the generator returned neither an image nor the reason why there is none, or both")
    invariant = given.batch_invariant
    if not (invariant is None or isinstance(invariant, bool | np.bool_)):
        raise FaultyValue("the generator's `batch_invariant` is not true, false or None")
    return Generated(
        image=given.image,
        error=readable(given.error),
        nfe=_whole(given.nfe, "nfe", 0),
        seconds=_amount(given.seconds, "seconds", MAX_SECONDS),
        peak_memory_mb=_amount(given.peak_memory_mb, "peak_memory_mb", MAX_NUMBER),
        batch_size=_whole(given.batch_size, "batch_size", 1) or 1,
        batch_invariant=None if invariant is None else bool(invariant),
        notes=_notes(given.notes),
    )


def checked_pixels(image: object) -> Pixels:
    """The pixels that a generator returned, as an array of our own. Raises `FaultyValue` for any other thing."""
    if not isinstance(image, np.ndarray):
        raise FaultyValue(f"the generator returned {_type(image)}, not encoded bytes or uint8 of shape (H, W, 3)")
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        shape = f"{pixels.dtype}{list(pixels.shape)}"
        raise FaultyValue(f"the generator returned {shape}, not encoded bytes or uint8 of shape (H, W, 3)")
    if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        raise FaultyValue(f"the generator returned {pixels.shape[1]}x{pixels.shape[0]} px, at most 64 Mpx")
    return pixels


def checked_verdict(judge: Judge, given: object, picture: Picture) -> Verdict:
    """A verdict of this judge, with plain values, its scores within their bounds and its boxes within the picture."""
    if not isinstance(given, Verdict):
        raise FaultyValue(f"the judge returned {_type(given)}, not a Verdict")
    if problem := _shape_problem(given) or verdict_problem(judge, given):
        raise FaultyValue(problem)
    dimensions = {dimension.name: dimension for dimension in judge.dimensions}
    verdict = stored(dataclasses.replace(given, scores=tuple(given.scores), findings=tuple(given.findings)))
    scores = tuple(_score(score, dimensions[score.dimension]) for score in verdict.scores)
    findings = tuple(_finding(finding, picture) for finding in verdict.findings)
    return dataclasses.replace(verdict, scores=scores, findings=findings)


def checked_control(judge: Judge, given: object) -> ControlResult:
    """What a judge says came of one of its controls."""
    if not isinstance(given, ControlResult):
        raise FaultyValue(f"the judge returned {_type(given)}, not ControlResult")
    if given.passed not in (True, False) or given.made not in (True, False):
        raise FaultyValue("the judge returned a control that neither passed nor failed")
    result = stored(dataclasses.replace(given, dimensions=tuple(given.dimensions)))
    if result.judge != judge.name:
        raise FaultyValue(f"the judge returned a control of `{readable(result.judge, 80)}`")
    return result


def checked_figures(name: str, dimensions: Iterable[Dimension], given: object) -> dict[str, SetFigure]:
    """The figures of a metric by dimension. A figure that can't be used is one without estimate that says why."""
    known = {dimension.name: dimension for dimension in dimensions}
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        raise FaultyValue(f"the metric returned {_type(given)}, not its figures")
    found: dict[str, SetFigure] = {}
    for figure in given:
        if not isinstance(figure, SetFigure) or not isinstance(figure.dimension, str):
            raise FaultyValue(f"the metric returned {_type(figure)}, not SetFigure")
        if figure.dimension not in known:
            raise FaultyValue(f"the metric returned a figure of `{readable(figure.dimension, 80)}`, not of its own")
        if figure.dimension in found:
            raise FaultyValue(f"the metric returned two figures of `{figure.dimension}`")
        try:
            found[figure.dimension] = _figure(figure)
        except FaultyValue as problem:
            found[figure.dimension] = SetFigure(figure.dimension, None, f"the metric `{name}` {problem}")
    return found


def checked_info(given: object) -> GeneratorInfo:
    """What a generator says of itself."""
    if not isinstance(given, GeneratorInfo):
        raise FaultyValue(f"returned {_type(given)}, not GeneratorInfo")
    return stored(dataclasses.replace(given, settings=dict(given.settings)), MAX_NOTES)


def checked_text(given: object, what: str) -> str:
    """A fingerprint, or what a model is identified by. Raises `FaultyValue` if it is no text, or none to be stored."""
    if not isinstance(given, str) or readable(given, 10_000) != given:
        raise FaultyValue(f"{what} is {_type(given)} or a text that can't be stored")
    return str(given)


# ------------------------------------------------------------------------------------------------------------- details


def _shape_problem(given: Verdict) -> str:
    """Why the parts of a verdict are not records; empty if they are."""
    for name, kind in (("scores", Score), ("findings", Finding)):
        parts = getattr(given, name)
        if not isinstance(parts, tuple | list):
            return f"the judge's `{name}` are {_type(parts)}, not a tuple"
        if wrong := next((part for part in parts if not isinstance(part, kind)), None):
            return f"the judge's `{name}` hold {_type(wrong)}, not only {kind.__name__}"
    if wrong := next((score for score in given.scores if not isinstance(score.dimension, str)), None):
        return f"the judge scores a dimension whose name is {_type(wrong.dimension)}"
    return ""


def _score(score: Score, dimension: Dimension) -> Score:
    value = score.value
    if value is None:
        return score
    low = -MAX_NUMBER if dimension.low is None else dimension.low
    high = MAX_NUMBER if dimension.high is None else dimension.high
    if not low - _SLACK <= value <= high + _SLACK:
        raise FaultyValue(f"the judge scores {value:g} on `{score.dimension}`, which has {low:g} to {high:g}")
    within = dimension.limited(min(max(value, low), high))
    if abs(within - value) > _SLACK:
        what = (
            f"the judge scores {value:g} on `{score.dimension}`, worse than the {within:g} that it declares as `worst`"
        )
        raise FaultyValue(what)
    return score if within == value else dataclasses.replace(score, value=within)


def _finding(finding: Finding, picture: Picture) -> Finding:
    if abs(finding.size) > MAX_NUMBER:
        raise FaultyValue(f"the judge finds `{finding.kind}` of size {finding.size:g}")
    height, width = picture.pixels.shape[:2]
    box = finding.box
    if box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height:
        return finding
    across, down = max(-box.x0, box.x1 - width), max(-box.y0, box.y1 - height)
    beside = box.x1 < 0 or box.y1 < 0 or box.x0 > width or box.y0 > height
    if beside or across > width or down > height:  # what only stands out of the picture is cut off
        at = f"[{box.x0:g}, {box.y0:g}, {box.x1:g}, {box.y1:g}]"
        raise FaultyValue(f"the judge finds `{finding.kind}` at {at}, outside of its {width}x{height} px")
    x0, x1 = (min(max(value, 0.0), float(width)) for value in (box.x0, box.x1))
    y0, y1 = (min(max(value, 0.0), float(height)) for value in (box.y0, box.y1))
    return dataclasses.replace(finding, box=Box(x0, y0, x1, y1))


def _figure(figure: SetFigure) -> SetFigure:
    estimate = figure.estimate
    if estimate is not None:
        if not isinstance(estimate, Interval):
            raise FaultyValue(f"returned {_type(estimate)}, not Interval")
        value = _figure_number(estimate.value)
        low, high = (None if bound is None else _figure_number(bound) for bound in (estimate.low, estimate.high))
        if not isinstance(estimate.n, numbers.Integral) or estimate.n < 0:
            raise FaultyValue(f"returned an interval over {readable(estimate.n, 40)} pictures")
        confidence = _figure_number(estimate.confidence)
        estimate = stored(Interval(value, low, high, int(estimate.n), confidence))
    pseudo = tuple(_figure_number(value) for value in figure.pseudo_values)
    reason, note = readable(figure.reason), readable(figure.note)
    if estimate is None and not reason:
        reason = "the metric gave no figure and no reason"
    return SetFigure(figure.dimension, estimate, reason, note, pseudo)


def _figure_number(value: object) -> float:
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not abs(float(value)) <= MAX_NUMBER:
        raise FaultyValue(f"returned {readable(repr(value), 40)} where a finite number is due")
    return float(value)


def _notes(notes: object) -> Mapping[str, JSON]:
    if not isinstance(notes, Mapping):
        raise FaultyValue(f"the generator's notes are {_type(notes)}, not a mapping")
    try:
        return stored(Generated(error="-", notes=dict(notes)), MAX_NOTES).notes
    except FaultyValue as problem:
        if isinstance(problem.__cause__, TypeError | PydanticSerializationError):
            return {"lost": f"the generator's notes hold {problem}"}  # the picture is good
        raise FaultyValue(f"the generator's notes hold {problem}") from problem


def _whole(value: object, name: str, least: int) -> int | None:
    if value is None and name != "batch_size":
        return None
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or not least <= int(value) <= MAX_NUMBER:
        raise FaultyValue(f"the generator's `{name}` is {readable(_shown(value), 40)}, not a number from {least} on")
    return int(value)


def _amount(value: object, name: str, most: float) -> float | None:
    if value is None:
        return None
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= float(value) <= most:
        raise FaultyValue(f"the generator's `{name}` is {readable(_shown(value), 40)}, not from 0 to {most:g}")
    return float(value)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, int | float | str) else _type(value)


def _type(value: object) -> str:
    """Name of the value's type; a metaclass may make even that fail."""
    try:
        return readable(str(type(value).__name__), 80)
    except StoppedByUser:
        raise
    except BaseException:
        return "an object without a name"


def _explained(error: ValidationError) -> str:
    """The first problem that pydantic has with a record, in words."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    if "recursion" in first["msg"]:
        return "values nested too deeply"
    if first["type"] in ("string_unicode", "json_invalid"):
        return "text that is no Unicode (half of a surrogate pair)"
    return f"a faulty `{readable(place, 80)}`: {readable(first['msg'], 200)}"
