"""Checks that a plug-in keeps the contract of its kind: its class when it is loaded, its members when it is created."""

from __future__ import annotations

import inspect
import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, NamedTuple

from evalkit.api import PLUGIN_API, hooks
from evalkit.api.ability import Specimens
from evalkit.api.errors import Interrupted, PluginError, StoppedByUser, UnavailableError, UsageError
from evalkit.api.protocols import Benchmark, Exporter, Generator, Judge, Metric
from evalkit.api.records import Dimension, FindingKind, Verdict
from evalkit.api.settings import Settings
from evalkit.api.training import JudgeData, TrainingData
from evalkit.formats.foreign_text import readable, said

CONTRACTS: Mapping[str, type] = {
    "benchmarks": Benchmark,
    "generators": Generator,
    "judges": Judge,
    "metrics": Metric,
    "exporters": Exporter,
    "specimens": Specimens,
    "training_data": TrainingData,
    "judge_data": JudgeData,
}
"""Kind of plug-in -> the protocol it must satisfy. Plug-ins of other kinds are not checked."""
HOOKS = (hooks.Checkable, hooks.Attachable, hooks.SharesDevice, hooks.Replayable, hooks.DeclaresScope)
MAX_NAME = 200
"""Most characters of the name or version of a plug-in, and of the name of a dimension."""
_HINT = "only its author can mend this; docs/plugins.md states the contract, `evalkit.testing` checks it"


class Origin(NamedTuple):
    """Where a plug-in comes from, for messages: `kind` is one of `CONTRACTS`, `distribution` has name and version."""

    kind: str
    name: str
    distribution: str = ""
    target: str = ""

    @classmethod
    def of(cls, kind: str, entry: EntryPoint) -> Origin:
        """The origin of an entry point."""
        dist = entry.dist
        return cls(kind, entry.name, f"{dist.name} {dist.version}" if dist else "", entry.value)

    def __str__(self) -> str:
        package = f" of {self.distribution}" if self.distribution else ""
        return f"the {one_of(self.kind)} `{self.name}`{package}"


def one_of(kind: str) -> str:
    """The kind in the singular, in words: `training_data` -> `training data`."""
    return kind.removesuffix("s").replace("_", " ")


def settings_of(cls: type) -> type[Settings]:
    """The settings model of a plug-in class that `check_class` has passed."""
    found: type[Settings] = cls.Settings  # type: ignore[attr-defined]  # no protocol of an instance can state it
    return found


# ---------------------------------------------------------------------------------------------------------- the checks


def check_class(origin: Origin, found: object) -> None:
    """Raise `PluginError` naming everything in which a loaded plug-in breaks the contract of its kind."""
    if origin.kind in CONTRACTS:
        _refuse(origin, class_problems(found, CONTRACTS[origin.kind]))


def check_instance(origin: Origin, made: object) -> None:
    """The same for an instance, whose attributes its constructor may have set."""
    if origin.kind in CONTRACTS:
        _refuse(origin, instance_problems(made, CONTRACTS[origin.kind]))


def class_problems(found: object, contract: type) -> list[str]:
    """What keeps a class from being a plug-in of this contract, one clause each: "it has no method `close`"."""
    if not inspect.isclass(found):
        return [f"it is not a class but {type(found).__name__}"]
    asked = getattr(found, "plugin_api", 1)
    if asked != PLUGIN_API:
        return [f"it asks for plug-in API {asked!r}, and this evalkit has {PLUGIN_API}"]
    problems = []
    settings = getattr(found, "Settings", None)
    if settings is None:
        problems.append("it has no `Settings` (a subclass of `evalkit.api.Settings`)")
    elif not (inspect.isclass(settings) and issubclass(settings, Settings)):
        problems.append("its `Settings` is not a subclass of `evalkit.api.Settings`")
    if not _takes(found, [object()], {}):
        problems.append("its constructor does not take the settings as its only argument")
    for name, declared in _methods(contract).items():
        problems += _method_problems(found, name, declared, required=True)
    for hook in HOOKS:
        for name, declared in _methods(hook).items():
            problems += _method_problems(found, name, declared, required=False)
    return problems


def instance_problems(made: object, contract: type) -> list[str]:
    """What an instance lacks: attributes of the contract, and values of the wrong kind."""
    problems = []
    for name in contract.__annotations__:
        try:
            value = getattr(made, name)
        except AttributeError:
            problems.append(f"it has no `{name}`")
            continue
        if name in _VALUES and (problem := _VALUES[name](value)):
            problems.append(f"its `{name}` {problem}")
    if contract is Judge and hasattr(made, "kinds") and (problem := _kinds(made.kinds, made)):
        problems.append(f"its `kinds` {problem}")
    if hasattr(made, "after_generation") and not hasattr(made, "release_device"):
        problems.append("it has `after_generation` but no method `release_device`")
    return problems


def verdict_problem(judge: Judge, verdict: Verdict) -> str:
    """Why a verdict is not one of this judge: it must have one score for each dimension. Empty if it is."""
    if not isinstance(verdict, Verdict):
        return f"the judge returned {type(verdict).__name__}, not a Verdict"
    expected = {dimension.name for dimension in judge.dimensions}
    given = [score.dimension for score in verdict.scores]
    if verdict.judge != judge.name:
        return f"the verdict is of `{verdict.judge}`, not of `{judge.name}`"
    if len(given) != len(expected) or set(given) != expected:
        return f"the judge's scores are {sorted(given)}, not one for each of {sorted(expected)}"
    return ""


@contextmanager
def calling(origin: Origin, what: str) -> Iterator[None]:
    """Turn an error that a plug-in raises where it must not into a `PluginError` that names the plug-in.

    Its own `UsageError` (with `ConfigError`), `UnavailableError` and `Interrupted` keep their meaning. `sys.exit` and
    a `KeyboardInterrupt` that the user did not cause are errors like any other.
    """
    try:
        yield
    except (UsageError, UnavailableError, Interrupted, StoppedByUser):
        raise
    except BaseException as error:  # other people's code: anything can happen
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{origin} is faulty: {what} raised {said(error)}"
        raise PluginError(message, where=f"{frame.filename}:{frame.lineno}", hint=_HINT) from error


# ------------------------------------------------------------------------------------------------------------- details


def _refuse(origin: Origin, problems: list[str]) -> None:
    if problems:
        raise PluginError(f"{origin} is faulty: {'; '.join(problems)}", where=origin.target, hint=_HINT)


def _methods(contract: type) -> dict[str, Callable[..., Any]]:
    """The public methods that a protocol declares."""
    declared = {name: getattr(contract, name) for name in vars(contract) if not name.startswith("_")}
    return {name: found for name, found in declared.items() if inspect.isroutine(found)}


def _method_problems(cls: type, name: str, declared: Callable[..., Any], *, required: bool) -> list[str]:
    found = getattr(cls, name, None)
    if found is None:
        return [f"it has no method `{name}`"] if required else []
    if not callable(found):
        return [f"its `{name}` is not a method"]
    if inspect.iscoroutinefunction(found):
        return [f"its `{name}` is `async`, and evalkit does not await it"]
    parameters = list(inspect.signature(declared).parameters.values())
    positional: list[object] = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    keywords = {each.name: None for each in parameters if each.kind is each.KEYWORD_ONLY}
    own = inspect.getattr_static(cls, name)
    if isinstance(own, staticmethod | classmethod):
        positional = [each for each in positional if each != "self"]
    if not _takes(found, positional, keywords):
        wanted = [str(each) for each in positional if each != "self"] + [f"{each}=" for each in keywords]
        return [f"its `{name}` does not take ({', '.join(wanted)})"]
    return []


def _takes(found: Callable[..., Any], positional: list[object], keywords: Mapping[str, object]) -> bool:
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # written in C: it has none to read
        return True
    try:
        signature.bind(*positional, **keywords)
    except TypeError:
        return False
    return True


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        return "is not a text"
    if len(value) > MAX_NAME:
        return f"has more than {MAX_NAME} characters"
    return "" if readable(value) == value else "holds half a surrogate pair"


def _at_least(least: int) -> Callable[[object], str]:
    def problem(value: object) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return "" if good else f"is {value!r}, not a whole number of at least {least}"

    return problem


def _dimensions(value: object) -> str:
    if not isinstance(value, tuple | list) or not value:
        return "is not a tuple of Dimension"
    for each in value:
        if not isinstance(each, Dimension):
            return f"holds {type(each).__name__}, not only Dimension"
    for each in value:
        if problem := _text(each.name) or _bounds(each):
            return f"holds a Dimension whose {problem}" if _bounds(each) else f"holds a Dimension whose name {problem}"
    given = [each.name for each in value]
    twice = next((name for name in given if given.count(name) > 1), "")
    return f"names `{twice}` twice" if twice else ""


def _bounds(dimension: Dimension) -> str:
    for name in ("low", "high", "worst"):
        value = getattr(dimension, name)
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
            return f"{name} is {value!r}"
    if dimension.low is not None and dimension.high is not None and dimension.low >= dimension.high:
        return f"low {dimension.low} is not below its high {dimension.high}"
    return _worst(dimension)


def _worst(dimension: Dimension) -> str:
    """Why `worst` is not at the bad end: a missing score would then count as better than it may have been."""
    if dimension.worst is None:
        return ""
    down = dimension.higher_is_better
    bad, good = (dimension.low, dimension.high) if down else (dimension.high, dimension.low)
    if bad is not None and (dimension.worst > bad if down else dimension.worst < bad):
        return f"worst {dimension.worst} is better than its {'low' if down else 'high'} {bad}"
    if good is not None and (dimension.worst >= good if down else dimension.worst <= good):
        return f"worst {dimension.worst} is no worse than its {'high' if down else 'low'} {good}"
    return ""


def _kinds(value: object, judge: object) -> str:
    if not isinstance(value, tuple | list) or not all(isinstance(each, FindingKind) for each in value):
        return "is not a tuple of FindingKind"
    given = [each.name for each in value]
    if twice := next((name for name in given if given.count(name) > 1), ""):
        return f"names `{twice}` twice"
    measured = {each.name for each in getattr(judge, "dimensions", ()) if isinstance(each, Dimension)}
    unknown = sorted({name for each in value for name in each.dimensions} - measured)
    return f"names the dimension `{unknown[0]}`, which it does not measure" if unknown else ""


def _reference(value: object) -> str:
    return "" if value is None or isinstance(value, Path) else f"is {type(value).__name__}, not a Path or None"


_VALUES: Mapping[str, Callable[[object], str]] = {
    "name": _text,
    "version": _text,
    "dimensions": _dimensions,
    "concurrency": _at_least(1),
    "batch_size": _at_least(1),
    "least_for_gate": _at_least(0),
    "reference": _reference,
}
"""Attribute -> what is wrong with its value, as a clause that follows its name."""
