"""Controls of the VLM judge made from the run itself: a model can know the shipped ones, and be right there alone.

    teacher's pictures ─▶ those that the model itself finds good ─▶ spoilt (spoil.py)  ─▶ must get a bad score
                                                                 └▶ in another shade   ─▶ must get a good score
    none of them       ─▶ the shipped scenes, drawn anew          ─▶ spoilt            ─▶ must get a lower score
    pairs              ─▶ a picture and the same one spoilt, in both orders            ─▶ the spoilt one must lose

A picture of the teacher may be bad, so that it is no proof of anything if the model says so. If the model finds it
good, the same picture can't fit another case too. The teacher's pictures are judged in the run anyway: that costs no
call.

Each rubric is tested on its own controls, and the judge on those of all rubrics together (quorum.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from evalkit.api.errors import JudgeError, PictureError
from evalkit.api.hooks import RunPictures
from evalkit.api.pictures import Picture
from evalkit.api.records import Case, Status, Verdict
from evalkit.api.results import ControlResult
from evalkit.judges.vlm.controls import scenes
from evalkit.judges.vlm.quorum import ERROR, LEAST, best_count, fewer_than
from evalkit.judges.vlm.rubric import CONSISTENCY, ORDER, Rubric, why_not
from evalkit.judges.vlm.spoil import WAYS, Clean, Spoilt, shaded, source_of
from evalkit.judges.vlm.tally import (
    ALL,
    GUESSED_ANSWER,
    GUESSED_DROP,
    GUESSED_PAIR,
    Said,
    Tally,
    control_name,
    guessed,
    is_pair,
    result_of_all,
    result_of_rubric,
)

MOST = 24
"""Controls of one rubric, at most."""
SHARE = 10
"""One control for so many looks of the run at least: 10 % of the calls."""
GOOD, BAD = 0.75, 0.375
"""Values from which a picture is good (level 4), and up to which it is bad (nearer to level 2 than to 3)."""
STILL_GOOD = 0.625
"""Least value of a good picture in another shade (nearer to level 4 than to 3)."""
FEW = 5
"""From so many controls on, half are good pictures in another shade: however often a model that draws lots calls a
picture bad, it is right about half of the controls at most."""
SCREENED = 4
"""So many pictures are looked at for each control, at most, to find those that the model finds good."""
FOR_SCENES = 3
"""Looks that are kept for the shipped scenes: a clean one, and two that are spoilt."""
AT_ONCE = 8
LEAST_SIDE = 128
"""px; on a smaller scene the text can't be read for certain."""
TINT = 6
"""Levels of 255 by which the colours of a scene differ from the shipped one, at most."""
STEADY = 0.8
"""Least share of the questions asked twice that are answered alike."""
CHANCE = 1 / 3
"""Share of the pairs for which a model that draws lots (A, B, tie) gives the same answer in both orders."""

A = TypeVar("A")
B = TypeVar("B")
Ask = Callable[[Rubric, Case, Picture, Picture | None], Verdict]
"""Has the model judge a picture by one rubric alone."""


class Trial(NamedTuple):
    """A picture to ask about, how it was made from the clean one, and whether it is as good as that."""

    way: str
    clean: Clean
    asked: Spoilt
    good: bool = False


def try_on_run(judge: str, rubrics: Sequence[Rubric], pictures: RunPictures, ask: Ask) -> Iterator[ControlResult]:
    """The results for every rubric that is asked in the run, and for all together; one that is not `made` says why."""
    asked = [rubric for rubric in rubrics if _applicable(rubric, pictures)]
    single = [rubric for rubric in asked if rubric.name in WAYS and not is_pair(rubric)]
    several = len(single) > 1
    errors = _errors(asked, single)
    counts = budgets(asked, pictures)
    tallies: list[Tally] = []
    for rubric in asked:
        together = several and rubric in single
        if control_name(rubric) in pictures.passed and not (together and ALL not in pictures.passed):
            continue
        most = counts[rubric.name]
        if not together:
            most = best_count(most, errors[rubric.name], guessed(rubric))
        tallies.append(_Controls(rubric, pictures, ask, most).tally())
    of_all = [tally for tally in tallies if tally.rubric in single and tally.said]
    for tally in tallies:
        yield result_of_rubric(judge, tally, errors[tally.rubric.name], alone=not (several and tally.rubric in single))
    if several and ALL not in pictures.passed:
        yield result_of_all(judge, of_all, errors[ALL])


def _errors(asked: Sequence[Rubric], single: Sequence[Rubric]) -> Mapping[str, float]:
    """`ERROR` shared out by name: half to rubrics of single pictures, the rest to pairs and to the test of all rubrics.

    Of those rubrics none gets so little that one of two controls would not have to be right.
    """
    tests = [ALL] if len(single) > 1 else []
    tests += [rubric.name for rubric in asked if is_pair(rubric)]
    half = ERROR / 2 if tests and single else ERROR
    names = [rubric.name for rubric in asked if not is_pair(rubric)]
    return {name: half / len(tests) for name in tests} | {name: half / max(1, len(single)) for name in names}


def budgets(asked: Sequence[Rubric], pictures: RunPictures) -> Mapping[str, int]:
    """How many controls may be tried for each rubric: a tenth of its looks.

    What is left of the tenth of all looks at single pictures goes to those rubrics that miss one control by least.
    """
    share = pictures.n_cells / max(1, len(pictures.cells))
    tenths = {
        rubric.name: len(_applicable(rubric, pictures)) * share * (1 if is_pair(rubric) else pictures.n_roles) / SHARE
        for rubric in asked
    }
    counts = {name: min(MOST, int(tenth + 1e-9)) for name, tenth in tenths.items()}
    single = [rubric.name for rubric in asked if rubric.name in WAYS and not is_pair(rubric)]
    left = int(sum(tenths[name] for name in single) + 1e-9) - sum(int(tenths[name] + 1e-9) for name in single)
    for name in sorted(single, key=lambda name: int(tenths[name] + 1e-9) - tenths[name])[:left]:
        counts[name] = min(MOST, counts[name] + 1)
    return counts


def tint_of(pictures: RunPictures) -> tuple[int, int, int]:
    """The tint of scenes drawn for a run. It follows from all cases and pictures of the run: no one knows it before."""
    seen = [f"{case.id} {picture.sha256 if picture else ''}" for case, picture in pictures.cells]
    red, green, blue = hashlib.sha256("\n".join(seen).encode()).digest()[:3]
    return red % TINT - TINT, green % TINT - TINT, blue % (2 * TINT + 1) - TINT


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


class _Controls:
    """The controls of one rubric."""

    def __init__(self, rubric: Rubric, pictures: RunPictures, ask: Ask, most: int) -> None:
        self._rubric, self._pictures, self._ask, self._most = rubric, pictures, ask, most
        self._cells = _applicable(rubric, pictures)
        self._spent = 0

    def tally(self) -> Tally:
        if self._rubric.name not in WAYS:
            return self._none("for a rubric of your own the right answers are not known")
        if self._most < (LEAST if is_pair(self._rubric) else 1):
            return self._none("10 % of the calls of this run are fewer than two controls")
        if is_pair(self._rubric):
            return self._of_pairs()
        own = self._clean_pictures()
        most = self._most - self._spent
        again = most // 2 if most >= FEW else 0
        trials = _trials(self._rubric, own, [*own, *self._cases()], most - again)
        if not trials or (len(trials) < LEAST <= most - again):
            return self._of_scenes(most)
        trials += [
            Trial("in another shade", one, Spoilt(one.case, shaded(_reopened(one))), good=True)
            for one in own[::-1][: min(again, len(trials))]
        ]
        return self._known("pictures of this run", trials, _in_parallel(self._absolute, trials), guessed(self._rubric))

    def _cases(self) -> list[Clean]:
        return [Clean(case, picture) for case, picture in self._cells if picture is not None]

    def _clean_pictures(self) -> list[Clean]:
        """Pictures of the run that the model finds good: the teacher's; for rubrics that need no prompt also sources.

        The teacher's are judged in the run anyway. Sources are not: half of the budget goes to them.
        """
        found = [one for one in self._cases() if _readable(one.picture)]
        most = SCREENED * self._most
        if not found and self._rubric.given == "nothing" and self._most > FOR_SCENES:
            found = [Clean(case, picture) for case, _ in self._cells if (picture := source_of(case))]
            most = self._spent = min(len(found), self._most // 2, self._most - FOR_SCENES)
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
        """The clean picture was found good: the spoilt one must be bad, the one in another shade still good."""
        value, failed = self._value(*trial.asked)
        if failed:
            return Said.UNKNOWN
        right = value is not None and (value >= STILL_GOOD if trial.good else value <= BAD)
        return Said.RIGHT if right else Said.WRONG

    def _relative(self, trial: Trial) -> Said:
        """It is certain that the clean picture is better."""
        (before, one), (after, other) = self._value(*trial.clean), self._value(*trial.asked)
        if one or other:
            return Said.UNKNOWN
        lower = before is not None and after is not None and after <= before - BAD
        return Said.RIGHT if lower else Said.WRONG

    def _of_scenes(self, budget: int) -> Tally:
        width, height = _size(*self._cells[len(self._cells) // 2])
        if min(width, height) < LEAST_SIDE:
            return self._none(f"no picture of this run is found good, and scenes of {width}x{height} px are too small")
        with scenes(width, height, tint_of(self._pictures)) as drawn:
            fit = [Clean(*one) for one in drawn if not why_not(self._rubric, one[0], twin=False)]
            used = fit[: max(1, budget // 3)]
            trials = _trials(self._rubric, used, fit, budget - len(used))
            if not trials:
                why = "no picture of this run is found good, and the shipped scenes give too few controls"
                return self._none(why)
            said = _in_parallel(self._relative, trials)
            luck = GUESSED_ANSWER if self._rubric.questions else GUESSED_DROP
            return self._known(f"shipped scenes at {width}x{height} px", trials, said, luck)

    def _of_pairs(self) -> Tally:
        clean = [one for one in self._cases() if _readable(one.picture)]
        step = max(1, len(clean) // self._most)
        trials = _trials(self._rubric, clean[::step], clean, self._most)
        if len(trials) < LEAST:
            return self._none("the teacher has delivered too few pictures")

        def in_both_orders(trial: Trial) -> Said:
            try:
                clean, spoilt = _fresh(trial.clean.picture), _fresh(trial.asked.picture)
                verdict = self._ask(self._rubric, trial.clean.case, clean, spoilt)
            except (JudgeError, PictureError):
                return Said.UNKNOWN
            score, order = verdict.score(self._rubric.dimension), verdict.score(ORDER)
            if score is None or score.status is Status.ERROR:
                return Said.UNKNOWN
            held = score.value == 1.0 and order is not None and order.value == 1.0
            return Said.RIGHT if held else Said.WRONG

        return self._known(
            "pictures of this run, in both orders", trials, _in_parallel(in_both_orders, trials), GUESSED_PAIR
        )

    def _known(self, of: str, trials: Sequence[Trial], said: Sequence[Said], luck: float) -> Tally:
        known = [(trial.way, one) for trial, one in zip(trials, said, strict=True) if one is not Said.UNKNOWN]
        return Tally(self._rubric, known, of, luck) if known else self._none("the calls of its controls failed")

    def _none(self, why: str) -> Tally:
        return Tally(self._rubric, why=why)


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
            spoilt = way(_reopened(one), [*others[start:], *others[:start]])
            if spoilt is not None and not why_not(rubric, spoilt.case, twin=True):
                found.append(Trial(name, one, spoilt))
    return found


def _reopened(clean: Clean) -> Clean:
    return Clean(clean.case, _fresh(clean.picture))


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
