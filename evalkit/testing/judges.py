"""Checks a judge."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.api.errors import JudgeError, PluginError
from evalkit.api.hooks import Attachable, SharesDevice
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Control, Judge
from evalkit.api.records import JSON, Case, Status, TextTarget, Verdict
from evalkit.api.scope import kinds_of, not_applicable
from evalkit.plugins.conformance import verdict_problem
from evalkit.testing.common import called, check, check_close, check_fingerprint, check_json, created, example_picture

_CASE = Case("example/0001", "a sign that says OPEN", width=128, height=128, texts=(TextTarget("OPEN"),))


def check_judge(
    judge: type[Judge] | Judge,
    *,
    settings: Mapping[str, JSON] | None = None,
    picture: Picture | None = None,
    case: Case | None = None,
) -> None:
    """Check a judge: class, kinds, scope, a verdict without and one with a twin, controls, fingerprint, `close`.

    Args:
        judge: the class, or an instance; it is closed at the end.
        settings: with which an instance of the class is created; without them, the defaults.
        picture: a picture that the judge can judge; by default a small grey one.
        case: what it was asked for; by default a sign with a word.

    Raises:
        AssertionError: the judge breaks its contract; the message says how.
        UnavailableError: the judge needs something that this machine does not have.
    """
    made: Judge = created("judges", judge, settings)
    name = made.name
    case, picture = case or _CASE, picture or example_picture()
    check_fingerprint(made)
    with tempfile.TemporaryDirectory(prefix="evalkit-") as folder:
        try:
            if isinstance(made, SharesDevice) and made.after_generation:
                called(f"{name}.release_device", made.release_device)
            if isinstance(made, Attachable):
                called(f"{name}.attach", made.attach, Path(folder))
            _check_scope(made, case)
            for twin in (None, picture):
                verdict = _verdict(made, picture, case, twin)
                _check_verdict(made, verdict, picture)
                _check_excuses(made, verdict, case, has_twin=twin is not None)
            _check_controls(made)
        finally:
            check_close(made)


def _verdict(made: Judge, picture: Picture, case: Case, twin: Picture | None) -> Any:
    try:
        return called(f"{made.name}.judge", made.judge, picture, case, twin)
    except AssertionError as error:
        if isinstance(error.__cause__, JudgeError):
            hint = "give check_judge a `picture` and a `case` that it can judge"
            raise AssertionError(f"{made.name} could not judge the picture ({error.__cause__}): {hint}") from error
        raise


def _check_verdict(made: Judge, verdict: Verdict, picture: Picture) -> None:
    problem = verdict_problem(made, verdict)
    check(not problem, f"{made.name}.judge: {problem}")
    check_json(f"the verdict of {made.name}", verdict)
    dimensions = {dimension.name: dimension for dimension in made.dimensions}
    for score in verdict.scores:
        kind = dimensions[score.dimension]
        where = f"{made.name}: the score on `{score.dimension}`"
        check(score.status is not Status.SKIPPED, f"{where} is `skipped`, which only evalkit may say")
        if score.value is not None:
            check(kind.low is None or score.value >= kind.low, f"{where} is {score.value}, below its `low` {kind.low}")
            check(kind.high is None or score.value <= kind.high, f"{where} is {score.value}, above `high` {kind.high}")
    height, width = picture.pixels.shape[:2]
    declared = kinds_of(made)
    for finding in verdict.findings:
        check(finding.kind in declared, f"{made.name} finds `{finding.kind}`, which it does not declare in `kinds`")
        box = finding.box
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        check(inside, f"{made.name}: the box {box} of a finding `{finding.kind}` is not inside {width}x{height} px")


def _check_excuses(made: Judge, verdict: Verdict, case: Case, *, has_twin: bool) -> None:
    outside = not_applicable(made, case, has_twin)
    for score in verdict.scores:
        excused = score.status is Status.NOT_APPLICABLE and score.dimension not in outside
        where = f"{made.name}: the score on `{score.dimension}`"
        check(not excused, f"{where} is `not-applicable`, which its `applies` does not say of the case")


def _check_scope(made: Judge, case: Case) -> None:
    """What a judge says does not apply are dimensions of its own."""
    try:
        for has_twin in (False, True):
            not_applicable(made, case, has_twin)
    except PluginError as error:
        raise AssertionError(str(error)) from error


def _check_controls(made: Judge) -> None:
    controls = called(f"{made.name}.controls", lambda: list(made.controls()))
    for control in controls:
        check(isinstance(control, Control), f"{made.name}.controls yields {type(control).__name__}, not Control")
    names = [control.name for control in controls]
    for name in names:
        check(names.count(name) == 1, f"{made.name} has two controls named `{name}`")
    for control in controls:
        verdict = _verdict(made, control.picture, control.case, control.twin)
        _check_verdict(made, verdict, control.picture)
        passed = called(f"the control `{control.name}` of {made.name}", control.passes, verdict)
        check(passed, f"{made.name} fails its control `{control.name}`: {control.rule}")
