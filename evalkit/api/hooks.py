"""Optional behaviour of plug-ins: a plug-in that has these methods gets more than the contract of its kind.

    Checkable     says what is missing on this machine         `evalkit doctor`
    Attachable    keeps files of its own in the run folder     before the first picture
    SharesDevice  needs the device that the generators use     before and after generation
    Replayable    can answer from a journal in the run folder  `evalkit judge replay`
    DeclaresKinds says which kinds of findings it reports      gates on findings, blame, grades
    DeclaresScope says which cases it does not apply to        before anything is judged
    ControlsFromRun  is tried on controls made from the run    when the teacher's pictures exist
    ChecksVerdicts   finds signs of an unfit judge in verdicts when everything is judged
    IdentifiesModel  names the model behind a server           before the run is recognised

evalkit finds them with `isinstance`, so that a plug-in implements one by having its members; it need not inherit from
it. `plugin_api` and `Settings.primary` are the two optional class attributes: see `evalkit.api.protocols` and
`evalkit.api.settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from evalkit.api.pictures import Picture
from evalkit.api.records import JSON, Case, FindingKind, Verdict
from evalkit.api.results import ControlResult


@runtime_checkable
class Checkable(Protocol):
    """Any plug-in that can say whether it would work on this machine.

    >>> class Served:
    ...     def check(self) -> list[tuple[str, str]]:
    ...         return [("no server answers at http://localhost:8000", "start it with: acme serve")]
    >>> isinstance(Served(), Checkable)
    True
    """

    def check(self) -> Iterable[tuple[str, str]]:
        """Each problem in one sentence, with what the user can do about it. Empty if nothing is missing.

        It may ask a server one question; it loads no weights and downloads nothing.
        """
        ...


@runtime_checkable
class Attachable(Protocol):
    """A judge that keeps files of its own in the run folder: a journal, the log of a server."""

    def attach(self, folder: Path) -> None:
        """Use this run folder. Called once, in the process that judges, before the controls and the pictures."""
        ...


@runtime_checkable
class SharesDevice(Protocol):
    """A judge that needs the device (the GPU) on which the generators run.

    If `after_generation` is true, evalkit calls `release_device` before the generators start, and asks the judge about
    its controls and pictures only when all generators have been closed.
    """

    after_generation: bool

    def release_device(self) -> None:
        """Free the device for the generators. The judge takes it again when it judges its first picture.

        Raises:
            UnavailableError: the device can't be freed.
        """
        ...


@runtime_checkable
class Replayable(Protocol):
    """A judge that writes a journal of its calls into the run folder and can answer from it alone.

    `evalkit judge replay` copies the run with its journal, creates the judge with `replay_settings` over the settings
    of the run, and has it judge the same pictures again. The fingerprint must not depend on these settings.
    """

    @classmethod
    def journal_files(cls) -> Sequence[str]:
        """Names of the journal's files in the run folder. SQLite files are copied with their write-ahead log."""
        ...

    @classmethod
    def replay_settings(cls) -> Mapping[str, JSON]:
        """The settings with which the judge answers from its journal alone."""
        ...


@runtime_checkable
class DeclaresKinds(Protocol):
    """A judge that reports findings. A finding of a kind that is not declared is the judge's error."""

    @property
    def kinds(self) -> tuple[FindingKind, ...]:
        """Every kind that it may report. A class attribute will do."""
        ...


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


@dataclass(frozen=True, slots=True)
class RunPictures:
    """What a judge can make controls of that no one could know before the run (`ControlsFromRun`).

    Args:
        cells: case and teacher's picture (`None` where there is none) of cells of the run, evenly spread over it.
            The student's pictures are never among them.
        n_cells: cells of the run for each role.
        n_roles: roles that generate; 2 with a teacher.
        passed: names of the controls that the judge has passed in this run; they need not be tried again.
    """

    cells: tuple[tuple[Case, Picture | None], ...]
    n_cells: int
    n_roles: int
    passed: frozenset[str] = frozenset()


@runtime_checkable
class ControlsFromRun(Protocol):
    """A judge that makes controls from the cases and the teacher's pictures of the run itself.

    A judge may know the controls that it ships. These it can't know.
    """

    def try_on_run(self, pictures: RunPictures) -> Iterable[ControlResult]:
        """What came of the controls; a result that is not `made` says why there is none.

        Called in the process that judges, once the teacher's pictures exist (without a teacher: at the start).

        Raises:
            UnavailableError: the judge can't judge any picture.
        """
        ...


@runtime_checkable
class ChecksVerdicts(Protocol):
    """A judge whose verdicts, taken together, can show that it is unfit: answers that change with the order of two
    pictures, or when a question is asked again."""

    def check_verdicts(self, verdicts: Iterable[Verdict]) -> Iterable[ControlResult]:
        """What all verdicts of the run say about the judge. Called when everything is judged; asks nothing."""
        ...


@runtime_checkable
class IdentifiesModel(Protocol):
    """A judge whose model is behind a server or in files, so that its settings alone do not say which model it is."""

    def identify(self, known: str) -> str:
        """What determines the scores beside the settings; the judge's fingerprint contains it from now on.

        It may ask a server one question. Called once, before the run folder is recognised by its fingerprints.

        Args:
            known: what was returned when this folder was last used, empty for a new run. It is returned again where
                nothing can be asked: a server that has gone, or a replay.

        Raises:
            UnavailableError: nothing can be asked, and nothing is known.
        """
        ...
