"""What all checks share: creating the plug-in, comparing fingerprints, closing, small pictures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evalkit.api.errors import Interrupted, UnavailableError, UsageError
from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import JSON
from evalkit.formats.keys import digest, to_json
from evalkit.plugins.conformance import CONTRACTS, class_problems, instance_problems, one_of, settings_of


def created(kind: str, plugin: Any, settings: Mapping[str, JSON] | None) -> Any:
    """An instance of a plug-in class with these settings, or the instance that was given; both are checked.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    cls = plugin if inspect.isclass(plugin) else type(plugin)
    complain(kind, cls, class_problems(plugin if inspect.isfunction(plugin) else cls, CONTRACTS[kind]))
    if inspect.isclass(plugin):
        made = called(f"the constructor of {cls.__name__}", cls, settings_of(cls).model_validate(dict(settings or {})))
    else:
        made = plugin
    complain(kind, cls, instance_problems(made, CONTRACTS[kind]))
    return made


def complain(kind: str, cls: type, problems: list[str]) -> None:
    """Raise `AssertionError` with all problems, if there are any."""
    if problems:
        raise AssertionError(f"{cls.__name__} is not a {one_of(kind)}: {'; '.join(problems)}")


def check(good: object, problem: str) -> None:
    """Raise `AssertionError` with the sentence `problem` unless `good`. Works under `python -O`."""
    if not good:
        raise AssertionError(problem)


def called(what: str, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """The result of a call of the plug-in; an unexpected error becomes an `AssertionError` that names the call."""
    try:
        return function(*arguments, **keywords)
    except (UsageError, UnavailableError, Interrupted):
        raise
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}: {error}") from error


def check_fingerprint(made: Any, *arguments: Any) -> None:
    """A fingerprint is a text, and the same at every call."""
    name = type(made).__name__
    first = called(f"{name}.fingerprint", made.fingerprint, *arguments)
    check(isinstance(first, str) and first, f"{name}.fingerprint returned {first!r}, not a text")
    second = called(f"{name}.fingerprint", made.fingerprint, *arguments)
    check(first == second, f"{name}.fingerprint changes from call to call: it must depend on the settings alone")


def check_close(made: Any) -> None:
    """`close` may be called twice."""
    called(f"{type(made).__name__}.close", made.close)
    called(f"{type(made).__name__}.close, called a second time,", made.close)


def check_json(what: str, value: Any) -> None:
    """`value` holds nothing that JSON can't hold."""
    try:
        digest(to_json(value))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{what} can't be written as JSON: {error}") from error


def example_pixels(shade: int = 200, side: int = 128) -> Pixels:
    """A flat picture of one grey with a darker square, (side, side, 3) uint8."""
    pixels = np.full((side, side, 3), shade, np.uint8)
    pixels[side // 4 : side // 2, side // 4 : side // 2] = shade // 2
    return pixels


def example_picture(shade: int = 200, side: int = 128) -> Picture:
    """The same as a `Picture`."""
    return Picture.from_pixels(example_pixels(shade, side))
