"""Optional behaviour of plug-ins: a plug-in that has these methods gets more than the contract of its kind.

    Checkable     says what is missing on this machine         `evalkit doctor`
    Attachable    keeps files of its own in the run folder     before the first picture
    SharesDevice  needs the device that the generators use     before and after generation
    Replayable    can answer from a journal in the run folder  `evalkit judge replay`
    DeclaresKinds says which kinds of findings it reports      gates on findings, blame, grades
    DeclaresScope says which cases it does not apply to        before anything is judged

evalkit finds them with `isinstance`, so that a plug-in implements one by having its members; it need not inherit from
it. `plugin_api` and `Settings.primary` are the two optional class attributes: see `evalkit.api.protocols` and
`evalkit.api.settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from evalkit.api.records import JSON, Case, FindingKind


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
