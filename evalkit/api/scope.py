"""What a judge says about itself before it looks: which kinds of findings it reports, and what a case does not ask for.

Both are optional. A judge without `kinds` reports no findings; to a judge without `applies` every case applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from evalkit.api.protocols import Judge
from evalkit.api.records import Case, FindingKind


@runtime_checkable
class DeclaresKinds(Protocol):
    """A judge that reports findings. A finding of a kind that is not declared is the judge's error."""

    kinds: tuple[FindingKind, ...]


@runtime_checkable
class DeclaresScope(Protocol):
    """A judge that knows from the case alone which of its dimensions do not apply."""

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        """Dimension name -> why it does not apply to the case; empty where all apply.

        It is asked before any picture exists. What it names is not asked, and is in no denominator.

        Args:
            case: what is asked of the model.
            has_twin: whether the picture has a twin in this run: it is the student's, and there is a teacher.
        """
        ...


def kinds_of(judge: Judge) -> dict[str, FindingKind]:
    """The kinds of findings that a judge declares, by name."""
    return {kind.name: kind for kind in judge.kinds} if isinstance(judge, DeclaresKinds) else {}


def not_applicable(judge: Judge, case: Case, has_twin: bool) -> dict[str, str]:
    """Dimension name -> why it does not apply to the case."""
    return dict(judge.applies(case, has_twin)) if isinstance(judge, DeclaresScope) else {}
