"""A made-up run with drawn posters: real boxes on real defects, and figures that are made up but hang together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evalkit.api.records import Blame, Box, Case, Dimension, Finding, Role, Sample, Score, Status, TextTarget, Verdict
from evalkit.api.results import (
    CaseResult,
    ControlResult,
    DimensionResult,
    GateResult,
    GateStatus,
    GeneratorResult,
    Interval,
    Outcome,
    RunSummary,
)
from tests.reports.posters import DESIGNS, HEIGHT, TYPOS, WIDTH, Drawn, draw_poster

HOSTILE = (
    "</script><img src=x onerror=alert(1)>'\"&amp;\u2028\u2029\x00\x1b[31m\ud800 \u202eenil tfel ot thgir | `*_@octocat"
)


@dataclass
class FakeRunResults:
    """Results in memory, with pictures in `folder`. `make` streams the cases anew each time it is called."""

    run: RunSummary
    folder: Path
    make: Callable[[], Iterator[CaseResult]]

    def summary(self) -> RunSummary:
        return self.run

    def cases(self) -> Iterator[CaseResult]:
        return self.make()

    def picture_path(self, sample: Sample) -> Path:
        return self.folder / f"{sample.sha256}{sample.suffix}"


def store(folder: Path, png: bytes) -> str:
    sha = hashlib.sha256(png).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{sha}.png").write_bytes(png)
    return sha


def a_sample(role: Role, case_id: str, seed: int, sha: str, *, error: str = "") -> Sample:
    student = role is Role.STUDENT
    return Sample(
        key=hashlib.sha256(f"{role}{case_id}{seed}".encode()).hexdigest(),
        role=role,
        case_id=case_id,
        seed=seed,
        fingerprint="f1" * 32 if student else "b0" * 32,
        noise_seed=81985529216486895 + seed,
        sha256="" if error else sha,
        suffix="" if error else ".png",
        width=WIDTH,
        height=HEIGHT,
        nfe=4 if student else 40,
        seconds=0.21 if student else 3.97,
        batch_size=4,
        error=error,
    )


def typography(drawn: Drawn, blame: dict[str, Blame], score: Score | None = None) -> Verdict:
    found, words = [], []
    for i, (asked, read, box) in enumerate(drawn.words):
        status = "exact" if asked == read else "wrong"
        words.append(
            {"text": asked, "expected": asked, "read": read, "status": status, "box": [box.x0, box.y0, box.x1, box.y1]}
        )
        if asked != read:
            found.append(
                Finding(
                    "typo",
                    box,
                    1.0,
                    "letters",
                    0.72,
                    f"“{read}” where “{asked}” was asked for",
                    {"expected": asked, "read": read},
                    f"text:{i}",
                    blame.get(asked),
                )
            )
    right = sum(a == r for a, r, _ in drawn.words) / len(drawn.words)
    scores = (score or Score("words", Status.SCORED, right), Score("ned", Status.SCORED, 1 - right / 9))
    return Verdict("typography", scores, tuple(found), {"words": words, "reader": "PP-OCRv6 small"})


def grain_verdict(area: Box | None, blame: Blame | None) -> Verdict:
    found = (
        Finding(
            "grain",
            area,
            3.4,
            "L*",
            0.46,
            "visible noise on a ground that should be solid",
            {"threshold": 1.0},
            "background",
            blame,
        )
        if area
        else None
    )
    return Verdict("grain", (Score("clean-ground", Status.SCORED, 0.61 if found else 0.99),), (found,) if found else ())


def demo_cases(folder: Path) -> list[CaseResult]:
    results = []
    for i, design in enumerate(DESIGNS):
        for seed in (0, 1):
            slip = [w for w in TYPOS if w in f"{design.title} {' '.join(design.lines)}"][:2]
            shared = i == 3 and seed == 0
            broken = {w: TYPOS[w] for w in slip} if seed == 0 else {}
            area = Box(300, 420, 500, 620) if (i + seed) % 2 == 0 else None
            low = i == 1 and seed == 0
            student = draw_poster(design, typos=broken, grain=area, button_y=470 if low else 548)
            teacher = draw_poster(
                design, typos=broken if shared else {}, grain=Box(20, 20, 120, 110) if (i, seed) == (2, 1) else None
            )
            blame = Blame.BOTH if shared else Blame.STUDENT_ONLY
            shas = {Role.STUDENT: store(folder, student.png), Role.TEACHER: store(folder, teacher.png)}
            case = Case(
                f"poster/{design.title.lower().replace(' ', '-')}",
                f"A poster on a solid ground, headline “{design.title}”, below it: "
                + ", ".join(f"“{line}”" for line in design.lines)
                + f", and a button that says “{design.button}”.",
                width=WIDTH,
                height=HEIGHT,
                category=("events", "food", "travel", "events")[i],
                tags=("solid-ground",),
                texts=tuple(TextTarget(t) for t in (design.title, *design.lines)),
            )
            error = "CUDA out of memory at step 3 of 4" if (i, seed) == (3, 1) else ""
            samples = {r: a_sample(r, case.id, seed, shas[r], error=error if r is Role.STUDENT else "") for r in Role}
            layout = Verdict("layout", (Score("relations", Status.UNSCORED, reason="the case declares no relation"),))
            if low:
                clash = Finding(
                    "overlap",
                    Box(student.button.x0, student.button.y0, 260, student.button.y1),
                    31,
                    "px",
                    0.9,
                    "the button covers the last line",
                    {},
                    "button",
                    Blame.STUDENT_ONLY,
                )
                layout = Verdict("layout", (Score("relations", Status.SCORED, 0.67),), (clash,))
            vlm = Verdict(
                "vlm", (Score("checklist", Status.ERROR, reason="server closed the connection after 3 tries"),)
            )
            on_student = (
                typography(student, dict.fromkeys(slip, blame)),
                grain_verdict(area, Blame.STUDENT_ONLY),
                layout,
                vlm,
            )
            spot = Box(20, 20, 120, 110) if (i, seed) == (2, 1) else None
            on_teacher = (typography(teacher, dict.fromkeys(slip, blame)), grain_verdict(spot, Blame.TEACHER_ONLY))
            judged = {Role.TEACHER: on_teacher} if error else {Role.STUDENT: on_student, Role.TEACHER: on_teacher}
            results.append(CaseResult(case, seed, samples, judged))
    return results


TIMED_ON = {"hardware": "2× EPYC vCPU", "threads": 2, "batch_size": 1, "torch": "2.9", "offload": "none"}


def demo_summary(n_cases: int = 4, seeds: int = 2) -> RunSummary:
    n = n_cases * seeds
    dims = (
        (
            "typography",
            "2.1",
            Dimension("words", "share of words drawn letter for letter"),
            0.861,
            0.942,
            -0.081,
            0.022,
        ),
        (
            "typography",
            "2.1",
            Dimension("ned", "normalised edit distance of all texts", higher_is_better=False),
            0.031,
            0.012,
            0.019,
            0.024,
        ),
        (
            "grain",
            "1.0",
            Dimension("clean-ground", "share of flat ground without visible noise"),
            0.902,
            0.981,
            -0.079,
            0.03,
        ),
        (
            "grain",
            "1.0",
            Dimension("residual", "noise left on flat ground", higher_is_better=False, unit="L*", high=None),
            1.31,
            0.62,
            0.69,
            0.2,
        ),
    )
    rows = []
    for judge, version, dimension, student, teacher, change, half in dims:
        difference = Interval(change, change - half, change + half, n_cases)
        rows.append(
            DimensionResult(
                Role.STUDENT,
                judge,
                version,
                dimension,
                n,
                n - 1,
                Interval(student, student - half, min(student + half, dimension.high or 9), n_cases),
                difference,
            )
        )
        rows.append(
            DimensionResult(
                Role.TEACHER,
                judge,
                version,
                dimension,
                n,
                n,
                Interval(teacher, max(teacher - half / 2, 0), min(teacher + half / 2, dimension.high or 9), n_cases),
            )
        )
    unheard = Dimension("checklist", "share of yes/no questions answered right")
    rows += [DimensionResult(role, "vlm", "0.4", unheard, n, 0, None) for role in Role]
    return RunSummary(
        outcome=Outcome.FAILED,
        reasons=("typography words: the student is 0.081 below the teacher, 0.05 is allowed",),
        benchmark="scenes-core",
        benchmark_version="1.2",
        benchmark_digest="9f2c" * 16,
        created="2026-11-23T06:40:00Z",
        evalkit_version="0.1.0",
        command="evalkit run ci.yaml --student flash-mini --teacher base-mini",
        n_cases=n_cases,
        seeds=seeds,
        coverage=0.99951,
        generators=(
            GeneratorResult(
                Role.STUDENT, "flash-mini", "Apache-2.0", "2× EPYC vCPU", n - 1, 1, 4, 0.21, {"steps": 4}, TIMED_ON
            ),
            GeneratorResult(
                Role.TEACHER, "base-mini", "Apache-2.0", "2× EPYC vCPU", n, 0, 40, 3.97, {"steps": 20}, TIMED_ON
            ),
        ),
        dimensions=tuple(rows),
        gates=(
            GateResult(
                "clean-ground: at most 0.15 below the teacher", GateStatus.PASS, "−0.079 [−0.109, −0.049], limit −0.15"
            ),
            GateResult(
                "typography words: at most 0.05 below the teacher",
                GateStatus.FAIL,
                "−0.081 [−0.103, −0.059], limit −0.05",
            ),
            GateResult(
                "ned: at most 0.01 above the teacher",
                GateStatus.UNDECIDED,
                "+0.019 [−0.005, +0.043]; needs 310 cases to tell 0.01",
            ),
        ),
        controls=(
            ControlResult(
                "typography", "misspelling", "one swapped letter is found", True, "found at [40, 130, 270, 190]"
            ),
            ControlResult("typography", "re-encoded", "the same pixels give the same score", True),
            ControlResult("grain", "seeded patch", "a patch of noise is found", True, "iou 0.93"),
        ),
        finding_counts={
            "typo": {"student-only": 6, "both": 2, "teacher": 2},
            "grain": {"student-only": 4, "teacher": 1},
            "overlap": {"student-only": 1},
        },
        config={"benchmark": "scenes-core", "seeds": seeds, "judges": ["typography", "grain", "vlm"]},
        environment={"python": "3.11.2", "platform": "Linux x86_64", "torch": "2.9.1"},
    )


@pytest.fixture(autouse=True)
def no_shipped_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up runs must not show what `evalkit faults` measured of our judges."""
    monkeypatch.setattr("evalkit.reports.detection.ability_of", lambda judge: None)


@pytest.fixture
def demo(tmp_path: Path) -> FakeRunResults:
    """Four posters, two seeds each, with their defects boxed."""
    folder = tmp_path / "pictures"
    results = demo_cases(folder)
    return FakeRunResults(demo_summary(), folder, lambda: iter(results))


@pytest.fixture
def compared(tmp_path: Path) -> FakeRunResults:
    """The posters compared with a baseline, with gate intervals, grain maps and a language judge's words."""
    from tests.reports.compared_run import compared_run  # it builds on this file

    return compared_run(tmp_path / "pictures")


@pytest.fixture
def many(tmp_path: Path) -> Callable[[int], FakeRunResults]:
    """A run of any number of cases that share two pictures, made one at a time."""

    def make(n: int) -> FakeRunResults:
        folder = tmp_path / "pictures"
        base = demo_cases(folder)

        def cases() -> Iterator[CaseResult]:
            for i in range(n):
                pattern = base[i % len(base)]
                yield replace(pattern, case=replace(pattern.case, id=f"poster/{i:05d}"), seed=0)

        return FakeRunResults(demo_summary(n, 1), folder, cases)

    return make


@pytest.fixture
def hostile(tmp_path: Path) -> FakeRunResults:
    """Every free text of a run is an attack on whatever shows it."""
    folder = tmp_path / "pictures"
    sha = store(folder, draw_poster(DESIGNS[0], typos={}).png)
    case = Case(
        "evil/one", HOSTILE + "\n" + "long " * 9000, category=HOSTILE, tags=(HOSTILE,), texts=(TextTarget(HOSTILE),)
    )
    finding = Finding(
        HOSTILE, Box(10, 10, 90, 60), 1, HOSTILE, 0.8, HOSTILE, {HOSTILE: HOSTILE, "__proto__": float("nan")}, HOSTILE
    )
    words = [
        {"text": HOSTILE, "expected": HOSTILE, "read": HOSTILE + "x", "status": HOSTILE, "box": None},
        "not an object",
    ]
    verdict = Verdict(
        HOSTILE, (Score(HOSTILE, Status.UNSCORED, reason=HOSTILE),), (finding,), {"words": words, HOSTILE: HOSTILE}
    )
    sample = replace(a_sample(Role.STUDENT, case.id, 0, sha), fingerprint=HOSTILE, notes={HOSTILE: HOSTILE})
    lost = a_sample(Role.TEACHER, case.id, 0, "", error=HOSTILE)
    result = CaseResult(case, 0, {Role.STUDENT: sample, Role.TEACHER: lost}, {Role.STUDENT: (verdict,)})
    row = DimensionResult(Role.STUDENT, HOSTILE, HOSTILE, Dimension(HOSTILE, HOSTILE, unit=HOSTILE), 1, 0, None)
    calm = demo_summary(1, 1)
    run = replace(
        calm,
        reasons=(HOSTILE,),
        benchmark=HOSTILE,
        benchmark_version=HOSTILE,
        command=HOSTILE,
        dimensions=(row,),
        gates=(GateResult(HOSTILE, GateStatus.FAIL, HOSTILE),),
        controls=(ControlResult(HOSTILE, HOSTILE, HOSTILE, False, HOSTILE),),
        generators=tuple(replace(g, name=HOSTILE, licence=HOSTILE, hardware=HOSTILE) for g in calm.generators),
        finding_counts={HOSTILE: {"student": 1}},
        config={HOSTILE: HOSTILE},
        environment={HOSTILE: HOSTILE},
    )
    return FakeRunResults(run, folder, lambda: iter([result]))
