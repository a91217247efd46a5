"""Which of a judge's dimensions and findings indicate which fault, as `sees.yaml` beside the judge declares.

The declaration is written before anything is measured, so that it can't be fitted to the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from evalkit.api.ability import DECLARED
from evalkit.api.errors import ConfigError
from evalkit.api.protocols import Judge
from evalkit.api.records import Dimension, Finding, Status, Verdict
from evalkit.api.settings import Settings
from evalkit.formats.explain import validate
from evalkit.formats.strict_yaml import read_yaml
from evalkit.plugins.abilities import folder_of
from evalkit.plugins.registry import names


class Signal(Settings):
    """How a judge indicates that a picture has one of `faults`.

    `dimension` names the value that gets worse with the fault; without it, the largest severity of the `findings`
    counts. `findings` are the kinds of finding that mark the place of the fault.
    """

    faults: tuple[str, ...] = Field(min_length=1)
    dimension: str = ""
    findings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _not_empty(self) -> Signal:
        if not self.dimension and not self.findings:
            raise ValueError("a signal needs a dimension, or findings, or both")
        return self

    def of(self, verdict: Verdict) -> list[Finding]:
        """The findings that indicate the fault."""
        return [finding for finding in verdict.findings if finding.kind in self.findings]

    def value(self, verdict: Verdict, dimensions: Mapping[str, Dimension]) -> float | None:
        """How bad the fault is according to the judge (higher is worse); `None` if the judge abstained."""
        if self.dimension:
            score = verdict.score(self.dimension)
            if score is None or score.value is None:
                return None
            return -score.value if dimensions[self.dimension].higher_is_better else score.value
        if all(score.status is not Status.SCORED for score in verdict.scores):
            return None
        return max((finding.severity for finding in self.of(verdict)), default=0.0)


class SignalFile(Settings):
    """The file `sees.yaml` beside a judge."""

    signals: tuple[Signal, ...]


def signals(judge: Judge, path: Path | None = None) -> dict[str, Signal]:
    """The signal of every fault that the judge declares to see; empty for a judge that declares nothing.

    Raises:
        ConfigError: the file can't be read, or it names a dimension that the judge does not have.
    """
    folder = folder_of(judge.name)
    path = path or (folder / DECLARED if folder else None)
    if path is None or not path.is_file():
        return {}
    rows = validate(SignalFile, read_yaml(path, ConfigError), where=str(path)).signals
    known = [dimension.name for dimension in judge.dimensions]
    for row in rows:
        if row.dimension and row.dimension not in known:
            raise ConfigError(
                f"the judge has no dimension `{row.dimension}`", where=str(path), hint=f"it has {', '.join(known)}"
            )
    return {fault: row for row in rows for fault in row.faults}


def declaring_judges() -> list[str]:
    """Names of the installed judges that declare which faults they see; none of them is imported."""
    return [name for name in names("judges") if (folder := folder_of(name)) and (folder / DECLARED).is_file()]
