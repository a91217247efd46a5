"""Finds, before the first picture, what would stop a run later: a server that is down, a missing package or key."""

from __future__ import annotations

from evalkit.api.errors import EvalkitError, StoppedByUser, UnavailableError
from evalkit.api.hooks import Checkable
from evalkit.api.protocols import Generator
from evalkit.api.records import Request, Role
from evalkit.engine.generating import fingerprint_of
from evalkit.engine.plan import Plan
from evalkit.formats.foreign_text import said
from evalkit.formats.keys import noise_seed, picture_key
from evalkit.plugins.values import FaultyValue
from evalkit.store.cache import Cache
from evalkit.store.run_reader import RunReader


def problems_of(part: object) -> list[tuple[str, str]]:
    """What a plug-in says is missing, each with what to do; also an error that its `check` raises."""
    if not isinstance(part, Checkable):
        return []
    try:
        return list(part.check())
    except EvalkitError as error:
        return [(error.what, error.hint)]
    except StoppedByUser:
        raise
    except BaseException as error:  # a plug-in: anything can happen
        return [(f"its `check` raised {said(error)}", "only its author can mend this")]


def check_before_work(plan: Plan, store: RunReader, cache: Cache | None) -> None:
    """Ask every plug-in that still has work in this run whether it could do it.

    A finished run is not checked: it can be summarised again without the servers that made it.

    Raises:
        UnavailableError: something is missing; the message has all of it.
    """
    undrawn = {role for role, generator in plan.generators.items() if _is_undrawn(plan, role, generator, store, cache)}
    if not undrawn and store.meta("summary") is not None:
        return
    parts: list[tuple[str, object]] = [
        (role.value, plan.generators[role]) for role in plan.generators if role in undrawn
    ]
    parts += [(f"judge {judge.name}", judge) for judge in plan.judges]
    parts += [(f"metric {metric.name}", metric) for metric in plan.metrics]
    found = [(name, *problem) for name, part in parts for problem in problems_of(part)]
    if found:
        what = "; ".join(f"{name}: {problem}" for name, problem, _ in found)
        raise UnavailableError(what, hint="; ".join(dict.fromkeys(todo for _, _, todo in found if todo)))


def _is_undrawn(plan: Plan, role: Role, generator: Generator, store: RunReader, cache: Cache | None) -> bool:
    """Whether a picture of this role is neither in the run nor in the cache; it looks no further than the first."""
    for idx, case in store.cases():
        try:
            fingerprint = fingerprint_of(generator, case)
        except FaultyValue:
            continue  # nothing is drawn for this case
        for seed in plan.seeds:
            key = picture_key(Request(case, seed, noise_seed(case.id, seed)), fingerprint)
            stored = store.sample(role, idx, seed)
            if not (stored and stored.ok and stored.key == key) and not (cache and cache.has_picture(key)):
                return True
    return False
