"""The local executor: generates in this thread, judges in one process for each judge, writes in one thread.

    teacher pictures ─▶ file ─▶ judge stages ─▶ writer
    student pictures ─▶ file ─▶ judge stages (with the twin) ─▶ writer

The teacher runs before the student: only one of them is loaded at a time, and the twin of every student picture is
already stored. Queues are bounded, so that memory does not grow with the number of cases. What the store or the cache
holds is not done again.

A judge that shares the device of the generators (`SharesDevice`) starts when they have been closed. Such judges run one
after the other, on the pictures in the store.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from evalkit.api.errors import Interrupted, JudgeError
from evalkit.api.hooks import SharesDevice
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Generator, Judge
from evalkit.api.records import Generated, Request, Role, Sample, Status, Verdict
from evalkit.api.results import ControlResult
from evalkit.api.scope import not_applicable
from evalkit.api.timing import TIMED_ON
from evalkit.engine.controls import RunControls
from evalkit.engine.drawing import Drawing
from evalkit.engine.early_stop import EarlyStop
from evalkit.engine.filing import file_picture
from evalkit.engine.generating import fingerprint_of
from evalkit.engine.judge_stage import JudgeStage
from evalkit.engine.judging import JudgeTask, blank, complete, in_scope, without_excuses
from evalkit.engine.plan import Plan
from evalkit.engine.progress import Progress
from evalkit.engine.timing import conditions_of
from evalkit.engine.writer import Writer
from evalkit.formats.keys import digest, noise_seed, picture_key, score_key
from evalkit.plugins.conformance import Origin, calling
from evalkit.plugins.registry import PluginSpec, create
from evalkit.plugins.values import FaultyValue
from evalkit.store.cache import Cache
from evalkit.store.run_store import ControlRow, RunStore, VerdictRow
from evalkit.verdict.flaky import read_flaky

_FILING_THREADS = 2
_CHECK_EVERY = 8
"""After so many pictures it is checked whether the gates are decided."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One picture of the plan: its case's place in the suite, the request, the generator's fingerprint, and the key.

    `fault` says why there can be no picture: the generator has no fingerprint for the case.
    """

    idx: int
    request: Request
    fingerprint: str
    key: str
    fault: str = ""


class LocalExecutor:
    """Does the work of a plan and writes the results to a store.

    Args:
        stop: set on Ctrl-C; work that has begun is finished, the rest is left for the next time.
    """

    stops_early = True
    """Whether a plan with `stop_early` ends when its gates are decided."""

    def __init__(
        self, plan: Plan, store: RunStore, cache: Cache | None, progress: Progress, stop: threading.Event
    ) -> None:
        self._plan = plan
        self._store = store
        self._cache = cache
        self._progress = progress
        self._stop = stop
        flaky = frozenset(read_flaky(plan.config.flaky).cases)
        self._early = EarlyStop(plan, flaky) if self.stops_early and plan.config.stop_early else None
        self._fingerprints = {judge.name: judge.fingerprint() for judge in plan.judges}
        self._controls = RunControls(plan, store, cache, self._fingerprints)

    def run(self) -> tuple[ControlResult, ...]:
        """Bring every picture and every verdict of the plan into the store; return the results of the controls.

        Raises:
            UnavailableError: a generator or a judge can't work at all.
            Interrupted: `stop` was set.
        """
        with ExitStack() as stack:
            writer = stack.enter_context(Writer(self._store, self._cache))
            specs = self._plan.judge_specs()
            waiting = [(judge, spec) for judge, spec in specs if _waits(judge)]
            for judge, _ in waiting:
                if isinstance(judge, SharesDevice):
                    with calling(Origin("judges", judge.name), "`release_device`"):
                        judge.release_device()
            stages = [self._stage(judge, spec, writer, stack) for judge, spec in specs if not _waits(judge)]
            filing = stack.enter_context(ThreadPoolExecutor(_FILING_THREADS, thread_name_prefix="filing"))
            total = self._store.n_cases() * len(self._plan.seeds)
            for judge, _ in specs:
                self._progress.start(f"{judge.name} verdicts", total * len(self._plan.generators))
            if Role.TEACHER not in self._plan.generators:
                self._controls.ask_of_run(stages)
            for role, generator in self._plan.generators.items():
                self._progress.start(f"{role.value} pictures", total)
                drawing = Drawing(
                    generator, partial(self._renewed, role), f"the {role.value}", self._plan.config.stall_limit_s
                )
                self._run_role(role, drawing, writer, stages, filing)
                drawing.close()
                writer.flush()
                if role is Role.TEACHER and not self._stop.is_set():
                    self._controls.ask_of_run(stages)
            for judge, spec in waiting:
                if not self._stop.is_set():
                    stages.append(self._show_all(judge, spec, writer, stack))
            if self._stop.is_set():
                for stage in stages:
                    stage.drop()
            for stage in stages:
                self._finish(stage)
            writer.flush()
        if self._stop.is_set():
            raise Interrupted("stopped; everything finished so far is kept")
        results = self._controls.results(stages)
        self._controls.share_verdicts(results)
        return results

    # ------------------------------------------------------------------------------------------------------ judges

    def _stage(self, judge: Judge, spec: PluginSpec, writer: Writer, stack: ExitStack) -> JudgeStage:
        """Start a judge. If it is new to this run, it is given its controls at once."""

        def done(row: VerdictRow) -> None:
            writer.put(row)
            self._progress.advance(f"{judge.name} verdicts")

        def tried(result: ControlResult) -> None:
            writer.put(ControlRow(self._fingerprints[judge.name], result))

        stage = JudgeStage(judge, spec, done, tried, self._store.folder, self._plan.config.stall_limit_s)
        stack.callback(stage.kill)
        self._controls.ask_unless_known(stage)
        return stage

    def _finish(self, stage: JudgeStage) -> None:
        """Wait until a judge has judged everything, and end its process."""
        if not self._stop.is_set():
            self._controls.ask_the_rest(stage)
        stage.finish()

    # ---------------------------------------------------------------------------------------------------- pictures

    def _run_role(
        self, role: Role, drawing: Drawing, writer: Writer, stages: list[JudgeStage], filing: ThreadPoolExecutor
    ) -> None:
        batch: list[WorkItem] = []
        pending: deque[tuple[WorkItem, Future[Sample]]] = deque()

        def settle(at_most: int) -> None:
            while len(pending) > at_most:
                item, future = pending.popleft()
                self._add(role, item, future.result(), writer, stages)

        def generate() -> None:
            drawn = drawing.draw([item.request for item in batch])
            timed_on = conditions_of(drawing.generator)
            for item, generated in zip(batch, drawn, strict=True):
                noted = dataclasses.replace(generated, notes={**generated.notes, TIMED_ON: timed_on})
                future = filing.submit(file_picture, noted, item.request, role, item.fingerprint, self._store.blobs)
                pending.append((item, future))
            batch.clear()
            settle(at_most=drawing.generator.batch_size)

        watched = self._early if role is Role.STUDENT else None
        for number, item in enumerate(self._items(drawing)):
            if self._stop.is_set() or (watched and number % _CHECK_EVERY == 0 and watched.decided(self._store)):
                break
            ready = self._ready(role, item)
            if ready is not None:
                sample, in_store = ready
                self._add(role, item, sample, writer, stages, in_store=in_store, cached=True)
                continue
            if item.fault:
                failed = Generated(error=item.fault)
                sample = file_picture(failed, item.request, role, item.fingerprint, self._store.blobs)
                self._add(role, item, sample, writer, stages)
                continue
            batch.append(item)
            if len(batch) >= drawing.generator.batch_size:
                generate()
        if batch and not self._stop.is_set():
            generate()
        settle(at_most=0)

    def _renewed(self, role: Role) -> Generator:
        return create("generators", self._plan.generator_spec(role))

    def _items(self, drawing: Drawing) -> Iterator[WorkItem]:
        for idx, case in self._store.cases():
            fault = ""
            try:
                fingerprint = fingerprint_of(drawing.generator, case)
            except FaultyValue as problem:
                fingerprint, fault = "", str(problem)
            for seed in self._plan.seeds:
                request = Request(case, seed, noise_seed(case.id, seed))
                yield WorkItem(idx, request, fingerprint, picture_key(request, fingerprint), fault)

    def _ready(self, role: Role, item: WorkItem) -> tuple[Sample, bool] | None:
        """The finished sample of an item, and whether this run's store has it; `None` if it must be generated."""
        stored = self._store.sample(role, item.idx, item.request.seed)
        wanted = stored is not None and stored.ok and stored.key == item.key
        if stored and wanted and self._store.blobs.is_intact(stored.sha256, stored.suffix):
            return stored, True
        cached = self._cache and self._cache.picture(item.key, role, item.request, self._store.blobs)
        return (cached, False) if cached else None

    def _add(
        self,
        role: Role,
        item: WorkItem,
        sample: Sample,
        writer: Writer,
        stages: list[JudgeStage],
        *,
        in_store: bool = False,
        cached: bool = False,
    ) -> None:
        """Write the row of a picture (or of the reason why it is missing), and give it to the judges."""
        if not in_store:
            writer.put((item.idx, sample), cached=cached)
        self._progress.advance(f"{role.value} pictures", cached=cached, missing=not sample.ok)
        self._show(role, item.idx, item.request, sample, writer, stages)

    def _show_all(self, judge: Judge, spec: PluginSpec, writer: Writer, stack: ExitStack) -> JudgeStage:
        """Start a judge that had to wait, give it every picture in the store, and wait for the end of its process."""
        stage = self._stage(judge, spec, writer, stack)
        self._controls.ask_of_run([stage])
        for role in self._plan.generators:
            for idx, case in self._store.cases():
                for seed in self._plan.seeds:
                    sample = self._store.sample(role, idx, seed)
                    if sample is not None and not self._stop.is_set():
                        request = Request(case, seed, noise_seed(case.id, seed))
                        self._show(role, idx, request, sample, writer, [stage])
        if self._stop.is_set():
            stage.drop()
        self._finish(stage)
        writer.flush()
        return stage

    def _show(
        self, role: Role, idx: int, request: Request, sample: Sample, writer: Writer, stages: list[JudgeStage]
    ) -> None:
        """Give a picture to every judge that has not judged it yet."""
        twin = self._twin(role, idx, request.seed)
        case = request.case
        picture = self._picture(sample)
        has_twin = role is Role.STUDENT and Role.TEACHER in self._plan.generators
        for stage in stages:
            name, cell = stage.judge.name, (role, idx, request.seed)
            outside = not_applicable(stage.judge, case, has_twin)
            if len(outside) == len(stage.judge.dimensions):
                verdict = in_scope(blank(stage.judge, Status.SKIPPED, "not asked"), outside)
                self._progress.advance(f"{name} verdicts", cached=True)
                row = VerdictRow(*cell, digest("not-applicable", sorted(outside.items())), verdict, None)
                writer.put(row, cached=True)  # it is known without asking: nothing for the cache
                continue
            if picture is None:
                verdict = in_scope(blank(stage.judge, Status.SKIPPED, f"no picture: {sample.error}"), outside)
                self._progress.advance(f"{name} verdicts", missing=True)
                writer.put(VerdictRow(*cell, digest("skipped", sample.error), verdict, None))
                continue
            twin_sha = twin.sha256 if twin else "missing" if has_twin else None
            key = score_key(sample.sha256, twin_sha, self._fingerprints[name], case)
            if self._store.has_verdict(*cell, name, key):
                self._progress.advance(f"{name} verdicts", cached=True)
            elif found := self._cached_verdict(stage.judge, key, outside):
                self._progress.advance(f"{name} verdicts", cached=True)
                writer.put(VerdictRow(*cell, key, *found), cached=True)
            else:
                stage.submit(JudgeTask(key, *cell, case, picture, twin, outside))

    def _cached_verdict(
        self, judge: Judge, key: str, outside: Mapping[str, str]
    ) -> tuple[Verdict, float | None] | None:
        """A verdict from the cache and its seconds, with what judges have declared since it was made."""
        found = self._cache.verdict(key) if self._cache else None
        if found is None or without_excuses(found[0], outside) != found[0]:
            return None
        try:
            return complete(judge, found[0], outside), found[1]
        except JudgeError:  # it reports a kind that the judge does not declare (any more): judged anew
            return None

    def _twin(self, role: Role, idx: int, seed: int) -> Picture | None:
        """The teacher's picture of the same case and noise, if this is the student's."""
        if role is Role.TEACHER or Role.TEACHER not in self._plan.generators:
            return None
        twin = self._store.sample(Role.TEACHER, idx, seed)
        return self._picture(twin) if twin else None

    def _picture(self, sample: Sample) -> Picture | None:
        """The stored picture of a sample, `None` where it could not be generated."""
        path = self._store.blobs.path(sample.sha256, sample.suffix)
        return Picture(sample.sha256, path, stored=True) if sample.ok else None


def _waits(judge: Judge) -> bool:
    """Whether a judge needs the device of the generators."""
    return isinstance(judge, SharesDevice) and judge.after_generation
