"""Which of a judge's dimensions and findings speak for which fault: declared beside the judge, before measuring."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from evalkit.api.ability import DECLARED
from evalkit.api.errors import ConfigError
from evalkit.api.protocols import Judge
from evalkit.api.records import Dimension, Finding, Status, Verdict
from evalkit.api.settings import Settings
from evalkit.formats.explain import explain
from evalkit.formats.strict_yaml import read_yaml
from evalkit.plugins.abilities import folder_of


class Signal(Settings):
    """How a judge says that one of `faults` is there.

    `dimension` is the value that gets worse; without one it is the largest severity of its `findings`. `findings` are
    the kinds that point at the place.
    """

    faults: tuple[str, ...] = Field(min_length=1)
    dimension: str = ""
    findings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _speaks(self) -> Signal:
        if not self.dimension and not self.findings:
            raise ValueError("a dimension, or findings, or both")
        return self

    def of(self, verdict: Verdict) -> list[Finding]:
        """The findings that speak for the fault."""
        return [finding for finding in verdict.findings if finding.kind in self.findings]

    def value(self, verdict: Verdict, dimensions: Mapping[str, Dimension]) -> float | None:
        """How bad it is, higher is worse; `None` where the judge abstains."""
        if self.dimension:
            score = verdict.score(self.dimension)
            if score is None or score.value is None:
                return None
            return -score.value if dimensions[self.dimension].higher_is_better else score.value
        if all(score.status is not Status.SCORED for score in verdict.scores):
            return None
        return max((finding.severity for finding in self.of(verdict)), default=0.0)


class Sees(Settings):
    """The file `sees.yaml` beside a judge."""

    signals: tuple[Signal, ...]


def signals(judge: Judge, path: Path | None = None) -> dict[str, Signal]:
    """Fault -> what speaks for it; empty for a judge that declares nothing.

    Raises:
        ConfigError: the file can't be read, or names a dimension that the judge does not have.
    """
    folder = folder_of(judge.name)
    path = path or (folder / DECLARED if folder else None)
    if path is None or not path.is_file():
        return {}
    try:
        rows = Sees.model_validate(read_yaml(path, ConfigError)).signals
    except ValidationError as error:
        what, hint = explain(error, Sees)
        raise ConfigError(what, where=str(path), hint=hint) from error
    known = [dimension.name for dimension in judge.dimensions]
    for row in rows:
        if row.dimension and row.dimension not in known:
            raise ConfigError(f"no dimension `{row.dimension}`", where=str(path), hint=f"it has {', '.join(known)}")
    return {fault: row for row in rows for fault in row.faults}
