"""Controls of the VLM judge made from the run itself: a model can know the shipped ones, and be right there alone.

    teacher's pictures ─▶ those that the model itself finds good ─▶ spoilt (spoil.py) ─▶ must get a bad score
    none of them       ─▶ the shipped scenes at the size of the run ─▶ spoilt         ─▶ must get a lower score
    pairs              ─▶ a picture and the same one spoilt, in both orders           ─▶ the spoilt one must lose

A picture of the teacher may be bad, so that it is no proof of anything if the model says so. If the model finds it
good, the same picture can't fit another case too. The teacher's pictures are judged in the run anyway: that costs no
call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import NamedTuple, TypeVar

from evalkit.api.errors import JudgeError, PictureError
from evalkit.api.hooks import RunPictures
from evalkit.api.pictures import Picture
from evalkit.api.records import Case, Status, Verdict
from evalkit.api.results import ControlResult
from evalkit.judges.vlm.controls import scenes
from evalkit.judges.vlm.rubric import CONSISTENCY, ORDER, Rubric, why_not
from evalkit.judges.vlm.spoil import WAYS, Clean, Spoilt, source_of

MOST = 24
"""Controls of one rubric, at most."""
SHARE = 10
"""One control for so many looks of the run at least: 10 % of the calls."""
LEAST = 2
"""A single wrong verdict proves nothing."""
HONEST = 0.98
"""Share of the controls that an honest judge gets right: the spoilt pictures are spoilt beyond doubt."""
ERROR = 0.01
"""Share of the runs in which an honest judge may fail one of its controls of the run, over all rubrics."""
GOOD, BAD = 0.75, 0.375
"""Values from which a picture is good (level 4), and up to which it is bad (nearer to level 2 than to 3)."""
SCREENED = 4
"""So many pictures are looked at for each control, at most, to find those that the model finds good."""
AT_ONCE = 8
LEAST_SIDE = 128
"""px; on a smaller scene the text can't be read for certain."""
STEADY = 0.8
"""Least share of the questions asked twice that are answered alike."""
CHANCE = 1 / 3
"""Share of the pairs for which a model that draws lots (A, B, tie) gives the same answer in both orders."""

A = TypeVar("A")
B = TypeVar("B")
Ask = Callable[[Rubric, Case, Picture, Picture | None], Verdict]
"""Has the model judge a picture by one rubric alone."""


class Said(Enum):
    """What a control came to. `UNKNOWN`: the call failed."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Trial(NamedTuple):
    """A spoilt picture, the way in which it is spoilt, and the clean one."""

    way: str
    clean: Clean
    spoilt: Spoilt


def try_on_run(judge: str, rubrics: Sequence[Rubric], pictures: RunPictures, ask: Ask) -> Iterator[ControlResult]:
    """The results for every rubric that is asked in the run; one that is not `made` says why."""
    asked = [rubric for rubric in rubrics if _applicable(rubric, pictures)]
    for rubric in asked:
        if control_name(rubric) not in pictures.passed:
            yield _Tried(judge, rubric, pictures, ask, ERROR / len(asked)).result()


def control_name(rubric: Rubric) -> str:
    """The name of the result for one rubric."""
    return f"pictures of this run: {rubric.name}"


def least_right(n: int, error: float) -> int:
    """The most controls of `n` that an honest judge gets right in all but a share `error` of the runs.

    It is the largest k with P(X < k) ≤ error, where X is binomial (n, `HONEST`).
    """
    k, below = 0, 0.0
    while k < n and (below := below + _binomial(n, k, HONEST)) <= error:
        k += 1
    return k


def fewer_than(share: float, right: int, n: int, error: float) -> bool:
    """Whether `right` of `n` is significantly less than `share`: P(X ≤ right) < error for binomial (n, share)."""
    return n > 0 and sum(_binomial(n, k, share) for k in range(right + 1)) < error


def check_verdicts(judge: str, verdicts: Iterable[Verdict], paired: Sequence[str]) -> list[ControlResult]:
    """Whether the answers of a run hold when the order changes or when a question is asked again.

    Args:
        paired: the dimensions that rest on pairs.
    """
    pairs, pairs_alike, asked, alike = 0, 0.0, 0, 0
    for verdict in verdicts:
        order = verdict.score(ORDER)
        if order is not None and order.value is not None:
            pairs, pairs_alike = pairs + 1, pairs_alike + order.value
        twice, flips = (verdict.evidence.get(name) for name in ("asked_twice", "flips"))
        if isinstance(twice, int) and isinstance(flips, int):
            asked, alike = asked + twice, alike + twice - flips
    results = []
    if pairs:
        rule = "the answer holds in both orders more often than by chance (1 of 3)"
        passed = not fewer_than(CHANCE, round(pairs_alike), pairs, ERROR)
        detail = f"{ORDER}: {pairs_alike:g} of {pairs} pairs"
        results.append(ControlResult(judge, "order of the pictures", rule, passed, detail, tuple(paired)))
    if asked:
        rule = f"at least {STEADY:.0%} of the questions that are asked twice are answered alike"
        passed = not fewer_than(STEADY, alike, asked, ERROR)
        detail = f"{CONSISTENCY}: {alike} of {asked} questions"
        results.append(ControlResult(judge, "same question twice", rule, passed, detail))
    return results


class _Tried:
    """The controls of one rubric."""

    def __init__(self, judge: str, rubric: Rubric, pictures: RunPictures, ask: Ask, error: float) -> None:
        self._judge, self._rubric, self._pictures, self._ask, self._error = judge, rubric, pictures, ask, error
        self._paired = not (rubric.levels or rubric.questions)
        self._cells = _applicable(rubric, pictures)
        self._spent = 0

    def result(self) -> ControlResult:
        rubric = self._rubric
        if rubric.name not in WAYS:
            return self._unmade("for a rubric of your own the right answers are not known")
        budget = self._budget()
        if budget < LEAST:
            return self._unmade("10 % of the calls of this run are fewer than two controls")
        if self._paired:
            return self._of_pairs(budget)
        own = self._clean_pictures(budget)
        trials = _trials(rubric, own, [*own, *self._cases()], budget - self._spent)
        if len(trials) >= LEAST:
            said = _in_parallel(self._absolute, trials)
            return self._counted("pictures of this run", list(zip(trials, said, strict=True)))
        return self._of_scenes(budget - self._spent)

    def _budget(self) -> int:
        """How many controls may be tried."""
        pictures = self._pictures
        cells = len(self._cells) * pictures.n_cells / max(1, len(pictures.cells))
        looks = cells * (1 if self._paired else pictures.n_roles)
        return min(MOST, int(looks / SHARE + 1e-9))

    def _cases(self) -> list[Clean]:
        return [Clean(case, picture) for case, picture in self._cells if picture is not None]

    def _clean_pictures(self, budget: int) -> list[Clean]:
        """Pictures of the run that the model finds good: the teacher's; for rubrics that need no prompt also sources.

        The teacher's are judged in the run anyway. Sources are not: half of the budget goes to them.
        """
        found = [one for one in self._cases() if _readable(one.picture)]
        most = SCREENED * budget
        if not found and self._rubric.given == "nothing":
            found = [Clean(case, picture) for case, _ in self._cells if (picture := source_of(case))]
            most = self._spent = min(len(found), budget // 2)
        step = max(1, len(found) // max(1, most))
        chosen = found[::step][:most]
        values = _in_parallel(lambda one: self._value(one.case, one.picture), chosen)
        return [one for one, (value, _) in zip(chosen, values, strict=True) if value is not None and value >= GOOD]

    def _value(self, case: Case, picture: Picture) -> tuple[float | None, bool]:
        """The value of one look, and whether the call failed."""
        try:
            verdict = self._ask(self._rubric, case, _fresh(picture), None)
        except (JudgeError, PictureError):
            return None, True
        score = verdict.score(self._rubric.dimension)
        return (None, True) if score is None else (score.value, score.status is Status.ERROR)

    def _absolute(self, trial: Trial) -> Said:
        """The clean picture was found good: the spoilt one must be bad."""
        value, failed = self._value(*trial.spoilt)
        return Said.UNKNOWN if failed else Said.RIGHT if value is not None and value <= BAD else Said.WRONG

    def _relative(self, trial: Trial) -> Said:
        """It is certain that the clean picture is better."""
        (before, one), (after, other) = self._value(*trial.clean), self._value(*trial.spoilt)
        if one or other:
            return Said.UNKNOWN
        lower = before is not None and after is not None and after <= before - BAD
        return Said.RIGHT if lower else Said.WRONG

    def _of_scenes(self, budget: int) -> ControlResult:
        width, height = _size(*self._cells[len(self._cells) // 2])
        if min(width, height) < LEAST_SIDE:
            return self._unmade(
                f"no picture of this run is found good, and scenes of {width}x{height} px are too small"
            )
        with scenes(width, height) as drawn:
            fit = [Clean(*one) for one in drawn if not why_not(self._rubric, one[0], twin=False)]
            used = fit[: max(1, budget // 3)]
            trials = _trials(self._rubric, used, fit, budget - len(used))
            if len(trials) < LEAST:
                return self._unmade(
                    "no picture of this run is found good, and the shipped scenes give too few controls"
                )
            said = _in_parallel(self._relative, trials)
            return self._counted(f"shipped scenes at {width}x{height} px", list(zip(trials, said, strict=True)))

    def _of_pairs(self, budget: int) -> ControlResult:
        clean = [one for one in self._cases() if _readable(one.picture)]
        step = max(1, len(clean) // budget)
        trials = _trials(self._rubric, clean[::step], clean, budget)
        if len(trials) < LEAST:
            return self._unmade("the teacher has delivered too few pictures")

        def in_both_orders(trial: Trial) -> Said:
            try:
                clean, spoilt = _fresh(trial.clean.picture), _fresh(trial.spoilt.picture)
                verdict = self._ask(self._rubric, trial.clean.case, clean, spoilt)
            except (JudgeError, PictureError):
                return Said.UNKNOWN
            score, order = verdict.score(self._rubric.dimension), verdict.score(ORDER)
            if score is None or score.status is Status.ERROR:
                return Said.UNKNOWN
            held = score.value == 1.0 and order is not None and order.value == 1.0
            return Said.RIGHT if held else Said.WRONG

        said = _in_parallel(in_both_orders, trials)
        return self._counted("pictures of this run, in both orders", list(zip(trials, said, strict=True)))

    def _counted(self, what: str, trials: Sequence[tuple[Trial, Said]]) -> ControlResult:
        known = [(trial, said) for trial, said in trials if said is not Said.UNKNOWN]
        if len(known) < LEAST:
            return self._unmade("the calls of its controls failed")
        least = least_right(len(known), self._error)
        right = sum(said is Said.RIGHT for _, said in known)
        ways = dict.fromkeys(trial.way for trial, _ in known)
        parts = [f"{way} {_share(way, known)}" for way in ways]
        rule = f"at least {least} of {len(known)} spoilt pictures are recognised ({what})"
        detail = f"{right} of {len(known)} right: {', '.join(parts)}"
        return self._result(rule, passed=right >= least, detail=detail)

    def _unmade(self, why: str) -> ControlResult:
        return self._result(f"no controls on pictures of this run: {why}", passed=True, made=False)

    def _result(self, rule: str, *, passed: bool, detail: str = "", made: bool = True) -> ControlResult:
        dimensions = (self._rubric.dimension,)
        return ControlResult(self._judge, control_name(self._rubric), rule, passed, detail, dimensions, made)


def _trials(rubric: Rubric, clean: Sequence[Clean], others: Sequence[Clean], most: int) -> list[Trial]:
    """At most `most` spoilt pictures, as many clean ones and as many ways as there are."""
    ways = list(WAYS[rubric.name].items())
    found: list[Trial] = []
    for turn in range(len(ways)):
        for number, one in enumerate(clean):
            if len(found) >= most:
                return found
            name, way = ways[(number + turn) % len(ways)]
            start = (number * 7 + 1) % max(1, len(others))
            spoilt = way(Clean(one.case, _fresh(one.picture)), [*others[start:], *others[:start]])
            if spoilt is not None and not why_not(rubric, spoilt.case, twin=True):
                found.append(Trial(name, one, spoilt))
    return found


def _applicable(rubric: Rubric, pictures: RunPictures) -> list[tuple[Case, Picture | None]]:
    twin = pictures.n_roles > 1
    return [cell for cell in pictures.cells if not why_not(rubric, cell[0], twin=twin)]


def _in_parallel(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="vlm-controls") as pool:
        return list(pool.map(function, items))


def _fresh(picture: Picture) -> Picture:
    """The same picture, whose pixels are not kept after use."""
    return Picture(picture.sha256, picture.source)


def _readable(picture: Picture) -> bool:
    try:
        return _fresh(picture).pixels.size > 0
    except PictureError:
        return False


def _size(case: Case, picture: Picture | None) -> tuple[int, int]:
    if picture is not None and _readable(picture):
        height, width = _fresh(picture).pixels.shape[:2]
        return width, height
    return case.width, case.height


def _share(way: str, trials: Sequence[tuple[Trial, Said]]) -> str:
    mine = [said for trial, said in trials if trial.way == way]
    return f"{sum(said is Said.RIGHT for said in mine)}/{len(mine)}"


def _binomial(n: int, k: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)
