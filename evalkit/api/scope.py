"""What a judge says about itself before it looks: which kinds of findings it reports, and what a case does not ask for.

Both are optional. A judge without `kinds` reports no findings; to a judge without `applies` every case applies.
"""

from __future__ import annotations

from evalkit.api.hooks import DeclaresKinds, DeclaresScope
from evalkit.api.protocols import Judge
from evalkit.api.records import Case, FindingKind


def kinds_of(judge: Judge) -> dict[str, FindingKind]:
    """The kinds of findings that a judge declares, by name."""
    return {kind.name: kind for kind in judge.kinds} if isinstance(judge, DeclaresKinds) else {}


def not_applicable(judge: Judge, case: Case, has_twin: bool) -> dict[str, str]:
    """Dimension name -> why it does not apply to the case."""
    return dict(judge.applies(case, has_twin)) if isinstance(judge, DeclaresScope) else {}
