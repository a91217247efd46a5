"""One case as a row of the list: what the list shows, filters and orders by, in small numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evalkit.api.failing import case_fails, case_inherits
from evalkit.api.records import JSON, Finding, Grade, Role, Status, grade_of
from evalkit.api.results import Bucket, CaseResult, RunSummary
from evalkit.reports.dimensions import dimension_rows
from evalkit.reports.escape import label, one_line
from evalkit.reports.failures import Counted, by_rule, counted_by, findings
from evalkit.reports.html.case_record import BASELINE
from evalkit.reports.html.shelf import PictureFile

TEXT_IN_ROW = 400
"""Characters of a prompt and of a message that the list shows and searches."""
MESSAGES_IN_ROW = 12
STATES = (
    "no student picture", "no teacher picture", "error", "unscored", "skipped", "all scored", "failing", "flaky",
    "inherited",
)  # fmt: skip
"""States of a case beside its findings; a row holds them as bits, the first one lowest. The first three are faults of
the run: no picture, or a judge that failed. `failing`: the student has a failure of its own, or a failed gate
counted the case; `inherited`: it does not fail, but has a failure that the teacher has, too."""
FAILING = STATES.index("failing")
FAULTS = 0b111
UNKNOWN_BLAME = "unknown"
BUCKETS = (
    Bucket.REGRESSED, Bucket.NEW_FAILURE, Bucket.STILL_FAILING, Bucket.FIXED, Bucket.INCOMPARABLE, Bucket.UNCHANGED,
)  # fmt: skip
"""In the order in which a reader wants to see them."""
PICTURES = (Role.STUDENT.value, Role.TEACHER.value, BASELINE)
_STATUS_LETTERS = {Status.ERROR: "e", Status.UNSCORED: "u", Status.SKIPPED: "k", Status.NOT_APPLICABLE: "n"}

Row = dict[str, Any]


class Names:
    """Words that cases share (kinds, judges, categories …), numbered in the order in which they come up.

    A row holds the small numbers. Each word is kept with the number of cases that have it.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._cases: list[int] = []
        for name in known:
            self.number(name)

    def number(self, name: str) -> int:
        """The number of `name`, a new one if it is new."""
        if name not in self._numbers:
            self._numbers[name] = len(self._cases)
            self._cases.append(0)
        return self._numbers[name]

    def count(self, names: Iterable[str]) -> None:
        """Count one case that has each of `names`."""
        for name in set(names):
            self._cases[self.number(name)] += 1

    def listed(self) -> list[JSON]:
        """[name, number of cases] in order of the numbers."""
        return [[name, self._cases[number]] for name, number in self._numbers.items()]


class RowMaker:
    """Turns cases into rows, and keeps the words that the numbers in them stand for.

    `names` are the words of each key of the filter; `groups` are (kind, judge, role, blame, grade), by their numbers.
    """

    def __init__(self, summary: RunSummary) -> None:
        self.groups: dict[tuple[int, ...], int] = {}
        self._summary = summary
        self._gates = by_rule(summary)
        self._expected = {g.role for g in summary.generators}
        self._scope = Role.TEACHER if self._expected == {Role.TEACHER} else Role.STUDENT
        self._dimensions = [(r.judge, r.dimension.name) for r in dimension_rows(summary.dimensions)]
        self.names = {
            "kind": Names(),
            "judge": Names(label(judge) for judge, _ in self._dimensions),
            "blame": Names(),
            "grade": Names(grade.value for grade in reversed(Grade)),
            "role": Names(role.value for role in Role),
            "cat": Names(),
            "task": Names(),
            "bucket": Names(bucket.value for bucket in BUCKETS if summary.comparison),
            "is": Names(STATES),
        }

    @property
    def scope(self) -> int:
        """The role a filter is about that names none, by its number."""
        return self.names["role"].number(self._scope.value)

    def row(self, at: int, result: CaseResult, pictures: Mapping[str, PictureFile]) -> Row:
        """The row of the case at position `at` of the run. Read by `assets/data.js`, key by key.

        `pictures` holds what was placed for each role, and for the baseline where there is one.
        """
        case, change = result.case, result.change
        states = self._states(result, pictures)
        return {
            "at": at,
            "id": case.id,
            "seed": result.seed,
            "cat": self._counted("cat", label(case.category)),
            "task": self._counted("task", case.task.value),
            "bucket": self._counted("bucket", change.bucket.value) if change else -1,
            "is": sum(1 << self._counted("is", state) for state in states),
            **{part: pictures[part].thumb if part in pictures else "" for part in PICTURES},
            "found": self._found(result),
            "scores": [self._scores(result, role) for role in Role],
            "prompt": _excerpt(case.prompt),
            "says": _messages(result),
            "gates": [
                _excerpt(f"{one.rule}: {one.measured}" if one.measured else one.rule)
                for one in self._counted_by(result)
            ],
        }

    def _counted_by(self, result: CaseResult) -> tuple[Counted, ...]:
        return counted_by(result, self._gates)

    def _counted(self, key: str, name: str) -> int:
        self.names[key].count([name])
        return self.names[key].number(name)

    def _found(self, result: CaseResult) -> list[int]:
        """Group, number of findings, worst severity in thousandths; again for each group that the case has."""
        worst: dict[int, tuple[int, int]] = {}
        for role in Role:
            found = list(findings(result, role))
            for judge, finding in found:
                words = {
                    "kind": label(finding.kind),
                    "judge": label(judge),
                    "role": role.value,
                    "blame": _blame(finding),
                    "grade": grade_of(finding).value,
                }
                numbers = tuple(self.names[key].number(word) for key, word in words.items())
                group = self.groups.setdefault(numbers, len(self.groups))
                n, severity = worst.get(group, (0, 0))
                worst[group] = (n + 1, max(severity, round(finding.severity * 1000)))
            if found:
                self._counted("role", role.value)
            if role is self._scope:  # a filter without `role:` looks at this one
                self.names["kind"].count(label(f.kind) for _, f in found)
                self.names["judge"].count(label(judge) for judge, _ in found)
                self.names["grade"].count(grade_of(f).value for _, f in found)
        self.names["blame"].count(_blame(f) for role in Role for _, f in findings(result, role))
        return [figure for group, counted in worst.items() for figure in (group, *counted)]

    def _scores(self, result: CaseResult, role: Role) -> list[JSON]:
        """One entry per dimension of the summary: the score to five digits, a letter for why not, or `None`."""
        given = {(v.judge, s.dimension): s for v in result.verdicts.get(role, ()) for s in v.scores}
        scores = [given.get(name) for name in self._dimensions]
        return [
            None if s is None else _STATUS_LETTERS[s.status] if s.value is None else float(f"{s.value:.5g}")
            for s in scores
        ]

    def _states(self, result: CaseResult, pictures: Mapping[str, PictureFile]) -> list[str]:
        statuses = {s.status for verdicts in result.verdicts.values() for v in verdicts for s in v.scores}
        expected = self._expected | set(result.samples)
        states = {
            "no student picture": Role.STUDENT in expected and not pictures[Role.STUDENT].name,
            "no teacher picture": Role.TEACHER in expected and not pictures[Role.TEACHER].name,
            "error": Status.ERROR in statuses,
            "unscored": Status.UNSCORED in statuses,
            "skipped": Status.SKIPPED in statuses,
        }
        states["all scored"] = not any(states.values())
        states["failing"] = case_fails(result)
        states["flaky"] = result.case.id in self._summary.flaky
        states["inherited"] = case_inherits(result)
        return [state for state, is_so in states.items() if is_so]


def _blame(finding: Finding) -> str:
    return finding.blame.value if finding.blame else UNKNOWN_BLAME


def _excerpt(text: str) -> str:
    start = one_line(text[: 4 * TEXT_IN_ROW], 8 * TEXT_IN_ROW)
    return start if len(start) <= TEXT_IN_ROW else f"{start[:TEXT_IN_ROW]}…"


def _messages(result: CaseResult) -> list[str]:
    """What the findings say, and the expected and read words that their sentences leave out."""
    texts: dict[str, None] = {}
    for role in Role:
        for _, finding in sorted(findings(result, role), key=lambda found: -grade_of(found[1]).rank):
            words = (finding.evidence.get(name) for name in ("expected", "read"))
            extra = [word for word in words if isinstance(word, str) and word not in finding.message]
            texts[_excerpt(" ".join([finding.message, *extra]))] = None
    return list(texts)[:MESSAGES_IN_ROW]
