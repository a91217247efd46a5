"""The controls of the judges of one run: which are asked, what came of them, and whose verdicts are shared.

Controls show what a judge is worth now: behind the same name there may be another server the next time. So a session
that makes verdicts asks the shipped controls anew, and only one in which the judge judges nothing relies on results
that are in the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalkit.api.errors import StoppedByUser, UnavailableError
from evalkit.api.hooks import ChecksVerdicts, ControlsFromRun, RunPictures
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Judge
from evalkit.api.records import Case, Role, Verdict
from evalkit.api.results import ControlResult
from evalkit.engine.judge_stage import JudgeStage
from evalkit.engine.plan import Plan
from evalkit.formats.foreign_text import said
from evalkit.plugins.values import checked_control
from evalkit.store.cache import Cache
from evalkit.store.run_store import RunStore

_SHOWN_CELLS = 512
"""So many cells, at most, are shown to a judge that makes controls of them."""


class RunControls:
    """The controls of a plan's judges.

    Args:
        fingerprints: of the judges by name; results of a judge with another fingerprint say nothing.
    """

    def __init__(self, plan: Plan, store: RunStore, cache: Cache | None, fingerprints: Mapping[str, str]) -> None:
        self._plan = plan
        self._store = store
        self._cache = cache
        self._fingerprints = fingerprints

    def ask_unless_known(self, stage: JudgeStage) -> None:
        """Ask the controls of a judge that has none in the store. Those of any other are asked with its first picture:
        a judge that has nothing left to judge needs no server.
        """
        if not self._stored(stage.judge):
            stage.ask_controls(())

    def ask_the_rest(self, stage: JudgeStage) -> None:
        """Of a judge that has judged nothing in this session, ask the controls that it has not passed in an earlier."""
        if not stage.controls_asked:
            stage.ask_controls(result.name for result in self._passed(stage.judge))

    def ask_of_run(self, stages: Sequence[JudgeStage]) -> None:
        """Give every judge that makes controls of the run its cases and the teacher's pictures."""
        able = [stage for stage in stages if isinstance(stage.judge, ControlsFromRun)]
        if not able:
            return
        n_cells, cells = self._store.n_cases() * len(self._plan.seeds), tuple(self._cells())
        for stage in able:
            passed = frozenset(result.name for result in self._passed(stage.judge) if result.made)
            stage.ask_controls_of_run(RunPictures(cells, n_cells, len(self._plan.generators), passed))

    def results(self, stages: Sequence[JudgeStage]) -> tuple[ControlResult, ...]:
        """What came of all controls of the run, those of earlier sessions too; nothing may write to the store now."""
        results: list[ControlResult] = []
        for stage in stages:
            known = {result.name: result for result in (*self._passed(stage.judge), *stage.controls())}
            if isinstance(stage.judge, ChecksVerdicts):
                for result in self._checked_by(stage.judge):
                    known[result.name] = result
                    self._store.put_control(self._fingerprints[stage.judge.name], result)
            results += known.values()
        return tuple(results)

    def share_verdicts(self, results: Sequence[ControlResult]) -> None:
        """Put the verdicts into the shared cache, but for those of judges that failed a control."""
        failed = {result.judge for result in results if not result.passed}
        for judge in self._plan.judges:
            if self._cache and judge.name not in failed:
                self._cache.add_verdicts(self._store.looked_at(judge.name))

    def _stored(self, judge: Judge) -> list[ControlResult]:
        fingerprint, stored = self._fingerprints[judge.name], self._store.control_results()
        return [result for theirs, result in stored if theirs == fingerprint and result.judge == judge.name]

    def _passed(self, judge: Judge) -> list[ControlResult]:
        return [result for result in self._stored(judge) if result.passed]

    def _checked_by(self, judge: Judge) -> tuple[ControlResult, ...]:
        """What a judge says of all its verdicts; that it fails to say anything is a control it has failed."""
        assert isinstance(judge, ChecksVerdicts)
        try:
            return tuple(checked_control(judge, each) for each in judge.check_verdicts(self._verdicts(judge.name)))
        except (UnavailableError, StoppedByUser):
            raise
        except BaseException as error:  # a judge is a plug-in: anything can happen, `sys.exit` too
            rule = "the judge can check its verdicts"
            return (ControlResult(judge.name, "check of the verdicts", rule, False, said(error)),)

    def _cells(self) -> Iterator[tuple[Case, Picture | None]]:
        """Cases, each with the teacher's picture of its first seed, evenly spread over the run."""
        n_cases = self._store.n_cases()
        step = max(1, -(-n_cases // _SHOWN_CELLS))
        for number, (idx, case) in enumerate(self._store.cases()):
            if number % step == 0:
                sample = self._store.sample(Role.TEACHER, idx, 0)
                ok = sample if sample and sample.ok else None
                picture = Picture(ok.sha256, self._store.blobs.path(ok.sha256, ok.suffix)) if ok else None
                yield case, picture

    def _verdicts(self, judge: str) -> Iterator[Verdict]:
        """Every verdict of a judge."""
        for role in self._plan.generators:
            for idx, _ in self._store.cases():
                for seed in self._plan.seeds:
                    yield from (v for v in self._store.verdicts(role, idx, seed) if v.judge == judge)
