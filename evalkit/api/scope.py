"""What a judge says about itself before it looks: which kinds of findings it reports, and what a case does not ask for.

Both are optional. A judge without `kinds` reports no findings; to a judge without `applies` every case applies.
"""

from __future__ import annotations

from evalkit.api.errors import PluginError, StoppedByUser
from evalkit.api.hooks import DeclaresKinds, DeclaresScope
from evalkit.api.protocols import Judge
from evalkit.api.records import Case, FindingKind


def kinds_of(judge: Judge) -> dict[str, FindingKind]:
    """The kinds of findings that a judge declares, by name."""
    return {kind.name: kind for kind in judge.kinds} if isinstance(judge, DeclaresKinds) else {}


def not_applicable(judge: Judge, case: Case, has_twin: bool) -> dict[str, str]:
    """Dimension name -> why it does not apply to the case.

    Raises:
        PluginError: the judge's `applies` raises, or names a dimension that the judge does not have.
    """
    if not isinstance(judge, DeclaresScope):
        return {}
    try:
        outside = {name: str(reason) for name, reason in judge.applies(case, has_twin).items()}
    except StoppedByUser:
        raise
    except BaseException as error:  # a judge is a plug-in: anything can happen
        what = f"`applies` of the judge `{judge.name}` raised {type(error).__name__}: {error}"
        raise PluginError(what, where=case.id) from error
    unknown = outside.keys() - {dimension.name for dimension in judge.dimensions}
    if unknown:
        what = f"`applies` of the judge `{judge.name}` names `{min(unknown)}`, which is none of its dimensions"
        raise PluginError(what, where=case.id)
    return {name: reason or "it does not apply to this case" for name, reason in outside.items()}
