"""The cases of a run that break the bounds of gates that need not be its own: two runs are held to the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from evalkit.api.records import Dimension, Role, grade_of
from evalkit.config.model import Gate
from evalkit.store.run_reader import RunReader
from evalkit.verdict.blame import blame_verdicts, counts_as
from evalkit.verdict.cells import Asked, pairs_of
from evalkit.verdict.evidence import breaking, of_drops, of_values
from evalkit.verdict.gates import bound_of, describe, is_upper
from evalkit.verdict.kinds import kinds_meant


def breaking_cases(
    gates: Sequence[Gate],
    run: RunReader,
    other: RunReader,
    dimensions: Mapping[str, Dimension],
    judges: Collection[str],
) -> dict[str, frozenset[str]]:
    """By rule, the ids of the cases whose own value in a run breaks the bound.

    Args:
        gates: the bounds.
        run: whose student's cells are held to them.
        other: the run that has the teacher if this one has none.
        dimensions: those that both runs measured in the same way, by name.
        judges: names of the judges that are the same in both.
    """
    return {
        describe(gate): _with_findings(gate, run, judges) if gate.finding else _beyond(gate, run, other, dimensions)
        for gate in gates
    }


def _beyond(gate: Gate, run: RunReader, other: RunReader, dimensions: Mapping[str, Dimension]) -> frozenset[str]:
    dimension = dimensions.get(gate.dimension)
    if dimension is None or (gate.max_drop is not None and gate.against == "baseline"):
        return frozenset()  # the run is the baseline, or had another one
    asked = Asked(run, gate)
    if gate.max_drop is None:
        evidence = of_values(pairs_of(asked, dimension.name), None)
    else:
        teacher = run if run.n_samples(Role.TEACHER) else other
        evidence = of_drops(pairs_of(asked, dimension.name, teacher, Role.TEACHER), dimension)
    return frozenset(breaking(evidence, bound_of(gate), upper=is_upper(gate)))


def _with_findings(gate: Gate, run: RunReader, judges: Collection[str]) -> frozenset[str]:
    """The cases with such a finding; one of which nobody knows the blame counts, as it does for the student."""
    kinds = run.kinds()
    meant = {judge: kinds_meant(gate, kinds.get(judge, {})) for judge in judges}
    found = set()
    for idx, case, seed in Asked(run, gate).cells():
        verdicts = blame_verdicts({role: run.verdicts(role, idx, seed) for role in Role}, kinds)[Role.STUDENT]
        for verdict in verdicts:
            for finding in verdict.findings:
                counted = finding.kind in meant.get(verdict.judge, ()) and grade_of(finding).rank >= gate.grade.rank
                if counted and (finding.blame is None or counts_as(finding, gate.blame)):
                    found.add(case.id)
    return frozenset(found)
