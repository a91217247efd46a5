"""Draws some cases anew to time the generators (`evalkit run --time N`): in this process, never from the cache.

Each generator is made, draws one batch to warm up, then its cases, and is closed before the next one is made. Both draw
the same cases, in batches of one size, while no judge of this process works.
"""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evalkit.api.errors import Interrupted
from evalkit.api.hooks import SharesDevice
from evalkit.api.protocols import Generator
from evalkit.api.records import JSON, Case, Request, Role
from evalkit.api.results import GeneratorResult
from evalkit.engine.closing import close
from evalkit.engine.generating import generate
from evalkit.engine.plan import Plan
from evalkit.engine.progress import Progress
from evalkit.engine.timing import conditions_of
from evalkit.formats.keys import from_json, noise_seed, to_json
from evalkit.plugins.registry import PluginSpec, create
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore

_META = "timing"
_CLOCK_SLACK = 1.2
"""A picture can't have taken longer than the call that drew it, but for the moments at which clocks are read."""


@dataclass(frozen=True, slots=True)
class Timed:
    """The seconds of the pictures drawn for timing, and what they depend on; `reason` says why there are none."""

    seconds: tuple[float, ...] = ()
    timed_on: Mapping[str, JSON] = field(default_factory=dict)
    reason: str = ""


def time_run(plan: Plan, store: RunStore, progress: Progress, stop: threading.Event) -> None:
    """Time the generators of a plan on `config.time` of its cases, and keep that in the store.

    Without `config.time`, the store forgets an earlier timing: the seconds are then those of the run's own pictures.

    Raises:
        UnavailableError: a generator can't work at all.
        Interrupted: `stop` was set.
    """
    if plan.config.time is None:
        store.set_meta(_META, None)
        return
    for judge in plan.judges:
        if isinstance(judge, SharesDevice) and judge.after_generation:
            judge.release_device()
    requests = chosen_requests(store, plan.config.time)
    size = min([len(requests), *(generator.batch_size for generator in plan.generators.values())])
    specs = {role: plan.generator_spec(role) for role in plan.generators}
    timed = {
        role.value: time_generator(spec, requests, size, role.value, progress, stop) for role, spec in specs.items()
    }
    store.set_meta(_META, {role: to_json(each) for role, each in timed.items()})


def time_generator(
    spec: PluginSpec, requests: Sequence[Request], size: int, name: str, progress: Progress, stop: threading.Event
) -> Timed:
    """Draw `requests` in batches of `size` with a new generator, after a batch to warm up that does not count."""
    generator: Generator = create("generators", spec)
    shown = f"{name} timing"
    progress.start(shown, len(requests))
    try:
        generate(generator, list(requests[:size]))
        seconds: list[tuple[int, float]] = []
        for start in range(0, len(requests), size):
            if stop.is_set():
                raise Interrupted("stopped; everything finished so far is kept")
            batch, began = requests[start : start + size], time.perf_counter()
            drawn = generate(generator, list(batch))
            elapsed = time.perf_counter() - began
            for each in drawn:
                progress.advance(shown)
                if each.error:
                    continue
                if each.seconds is None:
                    return Timed(reason="it does not say how long a picture takes")
                if each.seconds > elapsed * _CLOCK_SLACK:
                    return Timed(reason="it tells seconds of another time: its pictures are not drawn here")
                seconds.append((each.batch_size, each.seconds))
        if not seconds:
            return Timed(reason="none of the pictures could be drawn")
        ((usual, _),) = Counter(batch_size for batch_size, _ in seconds).most_common(1)
        conditions = {**conditions_of(generator), "batch_size": usual}
        return Timed(tuple(each for batch_size, each in seconds if batch_size == usual), conditions)
    finally:
        close(generator, f"the {name}")


def chosen_requests(reader: RunReader, n: int) -> list[Request]:
    """The first seed of `n` cases, evenly spread over the suite; of all cases if there are fewer."""
    n_cases = reader.n_cases()
    n = min(n, n_cases)
    places = {number * n_cases // n for number in range(n)}
    cases: list[Case] = [case for number, (_, case) in enumerate(reader.cases()) if number in places]
    return [Request(case, 0, noise_seed(case.id, 0)) for case in cases]


def timings(reader: RunReader) -> dict[Role, Timed]:
    """What the store knows of a timing; empty if there was none."""
    stored: Mapping[str, JSON] = reader.meta(_META) or {}
    try:
        return {Role(role): from_json(Timed, each) for role, each in stored.items()}
    except (ValueError, AttributeError) as error:
        raise reader.damaged(f"`{_META}` holds no timings") from error


def timed_result(result: GeneratorResult, timed: Timed | None) -> GeneratorResult:
    """The result of a generator, whose seconds are those of the timing alone if there was one."""
    if timed is None:
        return result
    median = statistics.median(timed.seconds) if timed.seconds else None
    return dataclasses.replace(result, seconds_per_picture=median, timed_on=timed.timed_on, n_timed=len(timed.seconds))


def untimed_in_words(reader: RunReader) -> list[str]:
    """Which generators were to be timed and could not be, and why."""
    return [f"the {role.value} was not timed: {each.reason}" for role, each in timings(reader).items() if each.reason]
