"""Which judges and which kinds of findings a gate rests on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from evalkit.api.errors import ConfigError
from evalkit.api.protocols import Judge
from evalkit.api.records import FindingKind
from evalkit.api.results import ControlResult
from evalkit.api.scope import kinds_of
from evalkit.config.model import Gate


def kinds_meant(gate: Gate, kinds: Mapping[str, FindingKind]) -> frozenset[str]:
    """The kinds of one judge that a gate counts: the one of that name, or all of that family."""
    return frozenset(name for name, kind in kinds.items() if gate.finding in (kind.name, kind.family))


def judges_of_finding(gate: Gate, judges: Sequence[Judge]) -> dict[str, frozenset[str]]:
    """By judge, the kinds it declares that the gate counts; judges that declare none of them are not in it."""
    meant = {judge.name: kinds_meant(gate, kinds_of(judge)) for judge in judges}
    return {name: kinds for name, kinds in meant.items() if kinds}


def dimensions_of_finding(gate: Gate, judge: Judge) -> frozenset[str]:
    """The dimensions of a judge under which it looks for the kinds that a gate counts."""
    kinds = kinds_of(judge)
    named = [kinds[name].dimensions for name in kinds_meant(gate, kinds)]
    everything = frozenset(dimension.name for dimension in judge.dimensions)
    return everything if () in named else everything & {name for names in named for name in names}


def concerns(control: ControlResult, rests_on: Mapping[str, frozenset[str]]) -> bool:
    """Whether a control speaks for what a gate rests on; one that names no dimensions speaks for the whole judge."""
    dimensions = rests_on.get(control.judge)
    return dimensions is not None and (not control.dimensions or not dimensions.isdisjoint(control.dimensions))


def check_findings(gates: Sequence[Gate], judges: Sequence[Judge], *, teacher: bool) -> None:
    """Raise `ConfigError` for a gate on a kind of finding that no judge declares, or on blame without a teacher."""
    kinds = [kind for judge in judges for kind in kinds_of(judge).values()]
    declared = sorted({name for kind in kinds for name in (kind.name, kind.family) if name})
    for gate in gates:
        if gate.finding and gate.finding not in declared:
            near = difflib.get_close_matches(gate.finding, declared, n=1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            raise ConfigError(
                f"no judge of this run reports findings of the kind `{gate.finding}`",
                where="gates",
                hint=f"{hint}kinds and families of this run: {', '.join(declared) or 'none'}",
            )
        if gate.blame is not None and not teacher:
            what = f"`blame: {gate.blame.value}` on `{gate.finding}` needs a teacher to compare with"
            raise ConfigError(what, where="gates", hint="add a teacher, or leave `blame` out")
