"""Whose defect is it? A finding on the student's picture is matched with the findings on its twin.

Two findings are one defect only at the same place: the same letters of the same word, the same element, the same
region. A matched finding is inherited if it is about as severe in the twin; a clearly larger one is worsened, which is
the student's.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from evalkit.api.records import Blame, Finding, FindingKind, Role, Status, Verdict, grade_of
from evalkit.verdict.looked import look

MIN_IOU = 0.1
"""Boxes of one defect in two pictures overlap at least this much: layouts drift between student and teacher."""
Kinds = Mapping[str, FindingKind]
"""The kinds that one judge declares, by name."""
_UNDECLARED: Mapping[str, FindingKind] = {
    name: FindingKind(name, "text")
    for name in ("typo", "malformed", "punctuation", "missing-text", "duplicate-text", "extra-text")
}
"""For runs of version 0.1.0, which do not hold the kinds of their judges."""
_PARTNER = "other_target"
"""Evidence of a finding about two elements: the other one."""


def blame_verdicts(
    verdicts: Mapping[Role, tuple[Verdict, ...]], kinds: Mapping[str, Kinds] | None = None
) -> dict[Role, tuple[Verdict, ...]]:
    """The same verdicts with `blame` on every finding of a judge that scored both pictures.

    A finding without a match keeps `blame=None` where the judge has not looked for its kind on the other picture, as
    do all findings of a judge that scored only one of the two: nobody knows.

    Args:
        verdicts: by role, of one case and seed.
        kinds: by judge, the kinds of findings that it declares.
    """
    result = dict(verdicts)
    student = {verdict.judge: verdict for verdict in verdicts.get(Role.STUDENT, ())}
    teacher = {verdict.judge: verdict for verdict in verdicts.get(Role.TEACHER, ())}
    for judge in student.keys() & teacher.keys():
        if scored_anything(student[judge]) and scored_anything(teacher[judge]):
            declared = (kinds or {}).get(judge) or _UNDECLARED
            student[judge], teacher[judge] = _pair(student[judge], teacher[judge], declared)
    for role, named in ((Role.STUDENT, student), (Role.TEACHER, teacher)):
        if role in result:
            result[role] = tuple(named[verdict.judge] for verdict in verdicts[role])
    return result


def counts_as(finding: Finding, blame: Blame | None) -> bool:
    """Whether a finding is one that is asked for by its blame; `student-only` includes `worsened`."""
    if blame is None:
        return True
    return finding.blame is blame or (blame is Blame.STUDENT_ONLY and finding.blame is Blame.WORSENED)


def affinity(one: Finding, other: Finding, kinds: Kinds = _UNDECLARED) -> float:
    """How surely two findings of one judge, on twin pictures, are the same defect: 0 (they are not) to 3.

    Text defects are the same where they concern the same letters of the same occurrence of the same expected string,
    whatever went wrong with them. Defects of a declared element are the same where element (and partner, if there is
    one) and kind agree, wherever the two pictures have it. All others are the same where their family of kinds and
    their place do. Being of the very same kind counts 1 more, the overlap of the boxes up to 1 more.
    """
    overlap = one.box.iou(other.box)
    nearness = (one.kind == other.kind) + overlap
    expected = one.evidence.get("expected"), other.evidence.get("expected")
    if expected[0] or expected[1]:
        return 1 + nearness if expected[0] == expected[1] and _same_letters(one, other) else 0.0
    if _family(one, kinds) != _family(other, kinds):
        return 0.0
    if _names_an_element(one, kinds) and _names_an_element(other, kinds):
        same = one.target == other.target and one.evidence.get(_PARTNER) == other.evidence.get(_PARTNER)
        return 1 + nearness if same else 0.0
    return nearness if overlap >= MIN_IOU else 0.0


def is_worse(finding: Finding, twins: Finding, kinds: Kinds = _UNDECLARED) -> bool:
    """Whether a defect is clearly worse than the same one in the twin: of a higher grade, or so many times its size.

    How many times is declared by the kind (`FindingKind.ratio`). Sizes in different units are compared by grade alone.
    """
    if grade_of(finding).rank > grade_of(twins).rank:
        return True
    declared = kinds.get(finding.kind)
    ratio = declared.ratio if declared else FindingKind(finding.kind).ratio
    return finding.unit == twins.unit and finding.size > ratio * max(twins.size, 0.0)


def match(findings: Sequence[Finding], others: Sequence[Finding], kinds: Kinds = _UNDECLARED) -> dict[int, int]:
    """Index of each finding -> index of the same defect among the twin's: at most one to one.

    As many as possible are matched, and of all ways to do so the one with the largest sum of affinities is taken.
    """
    matched: dict[int, int] = {}
    theirs = _by_family(others, kinds)
    for family, mine in _by_family(findings, kinds).items():
        rivals = theirs.get(family, [])
        table = [[affinity(findings[i], others[j], kinds) for j in rivals] for i in mine]
        matched.update((mine[row], rivals[column]) for row, column in _assigned(table))
    return matched


def scored_anything(verdict: Verdict) -> bool:
    """Whether the judge scored the picture on any dimension."""
    return any(score.status is Status.SCORED for score in verdict.scores)


def _by_family(findings: Sequence[Finding], kinds: Kinds) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(findings):
        groups[_family(finding, kinds)].append(index)
    return groups


def _family(finding: Finding, kinds: Kinds) -> str:
    """Kinds that may be one defect seen twice: a word is misspelt here and missing there."""
    if finding.evidence.get("expected"):
        return "text"
    declared = kinds.get(finding.kind)
    return (declared and declared.family) or finding.kind


def _names_an_element(finding: Finding, kinds: Kinds) -> bool:
    """Whether the target is one thing of the layout; `background` is none, and a text has many words."""
    return ":" in finding.target and _family(finding, kinds) == finding.kind


def _same_letters(one: Finding, other: Finding) -> bool:
    """Whether two defects of one expected string concern the same occurrence of it, and the same letters."""
    places = one.evidence.get("occurrence"), other.evidence.get("occurrence")
    if one.target != other.target or (None not in places and places[0] != places[1]):
        return False
    mine, theirs = _wrong_letters(one), _wrong_letters(other)
    return not mine or not theirs or bool(mine & theirs)


def _wrong_letters(finding: Finding) -> frozenset[int]:
    """Positions in the expected string that were not read as expected; empty where that is not known.

    A surplus letter counts at the position before which it stands.
    """
    expected, read = finding.evidence.get("expected"), finding.evidence.get("read")
    if not isinstance(expected, str):
        return frozenset()
    if not isinstance(read, str):
        return frozenset(range(len(expected))) if "read" in finding.evidence else frozenset()
    steps = SequenceMatcher(None, expected.casefold(), read.casefold(), autojunk=False).get_opcodes()
    wrong = [range(start, max(end, start + 1)) for step, start, end, _, _ in steps if step != "equal"]
    return frozenset(position for each in wrong for position in each)


def _assigned(table: list[list[float]]) -> list[tuple[int, int]]:
    """(row, column) of the best one-to-one assignment of a table of affinities, 0 meaning never."""
    possible = [(r, c) for r, row in enumerate(table) for c, value in enumerate(row) if value > 0]
    rows, columns = ({pair[axis] for pair in possible} for axis in (0, 1))
    if len(rows) == len(columns) == len(possible):  # nobody has a choice
        return possible
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    values = np.array(table)
    one_more = 3 * min(values.shape) + 1  # worth more than any affinities together
    worth = np.where(values > 0, values + one_more, 0)
    chosen = zip(*linear_sum_assignment(worth, maximize=True), strict=True)
    return [(int(r), int(c)) for r, c in chosen if values[r, c] > 0]


def _pair(student: Verdict, teacher: Verdict, kinds: Kinds) -> tuple[Verdict, Verdict]:
    matched = match(student.findings, teacher.findings, kinds)
    inherited = set(matched.values())

    def known(finding: Finding, other: Verdict) -> bool:
        declared = kinds.get(finding.kind)
        return declared is None or kinds is _UNDECLARED or look(declared, other).value is not None

    def blame(index: int, finding: Finding) -> Blame | None:
        if index not in matched:
            return Blame.STUDENT_ONLY if known(finding, teacher) else None
        return Blame.WORSENED if is_worse(finding, teacher.findings[matched[index]], kinds) else Blame.BOTH

    def twins(index: int, finding: Finding) -> Blame | None:
        if index in inherited:
            return Blame.BOTH
        return Blame.TEACHER_ONLY if known(finding, student) else None

    return (
        _blamed(student, [blame(i, finding) for i, finding in enumerate(student.findings)]),
        _blamed(teacher, [twins(i, finding) for i, finding in enumerate(teacher.findings)]),
    )


def _blamed(verdict: Verdict, blames: Sequence[Blame | None]) -> Verdict:
    findings = (dataclasses.replace(f, blame=blame) for f, blame in zip(verdict.findings, blames, strict=True))
    return dataclasses.replace(verdict, findings=tuple(findings))
