"""Options and values that several verbs share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """`click.option`, which also reads a variable: `--max-drop` reads `EVALKIT_MAX_DROP` unless `envvar` is given."""
    long_name = next(name for name in names if name.startswith("--"))
    attributes.setdefault("envvar", "EVALKIT_" + long_name.removeprefix("--").replace("-", "_").upper())
    return click.option(*names, **attributes)


benchmark = option("--benchmark", metavar="B", help="Benchmark to run: a name or a folder.")
judges = option("--judge", "judges", metavar="J", multiple=True, help="Judge to run; repeat the option for several.")
limit = option("--limit", type=int, metavar="N", help="Run only the first N cases.")
seeds = option("--seeds", type=int, metavar="K", help="Number of pictures per case and generator.")

time = option(
    "--time",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Draw N cases anew to measure the seconds per picture, after a warm-up and never from the cache.",
)


def _allow(ctx: click.Context, param: click.Parameter, names: tuple[str, ...]) -> None:
    """Judges run in processes of their own, which inherit the variable."""
    from evalkit.formats.api_keys import ALLOWED

    if names:
        os.environ[ALLOWED] = ",".join(names)


allow_key_variable = option(
    "--allow-key-variable",
    metavar="NAME",
    multiple=True,
    expose_value=False,
    callback=_allow,
    help="Let the config send the key in this variable, whose name does not begin with EVALKIT_, to the server that it "
    "names; repeat the option for several.",
)


def _follow(ctx: click.Context, param: click.Parameter, on: bool) -> None:
    from evalkit.formats.inside import follow_links

    follow_links(on)


follow_links = option(
    "--follow-links",
    is_flag=True,
    expose_value=False,
    callback=_follow,
    help="Follow links out of folders of pictures, labels and suites that you trust; a config can not set it.",
)


class Numbers(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """Numbers separated by commas, as a tuple: `1,2,4`.

    Args:
        kind: `int` or `float`.
        least: smallest number allowed.
        most: largest number allowed.
    """

    name = "numbers"

    def __init__(self, kind: type[int] | type[float], least: float = float("-inf"), most: float = float("inf")) -> None:
        self._kind, self._least, self._most = kind, least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):  # a default that is a tuple already
            return value
        try:
            numbers = tuple(self._kind(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as 1,2,4", param, ctx)
        if not all(self._least <= number <= self._most for number in numbers):
            self.fail(f"{value!r}: each number must lie between {self._least:g} and {self._most:g}", param, ctx)
        return numbers


def from_variables(*names: str) -> frozenset[str]:
    """Those of these parameters of the command that a variable gives, and no flag."""
    context = click.get_current_context()
    return frozenset(n for n in names if context.get_parameter_source(n) is ParameterSource.ENVIRONMENT)


def overrides(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given, as keys of the config; their relative paths resolve against the working folder.

    Raises:
        ConfigError: a plug-in that can't be parsed, or a baseline that does not exist.
    """
    from evalkit.plugins.registry import on_command_line

    here = Path.cwd()
    given = {key: value for key, value in flags.items() if value not in (None, ()) and value is not False}
    if given.pop("no_gates", False):
        given |= {"gates": (), "stop_early": False}
    for key in ("benchmark", "student", "teacher"):
        if key in given:
            given[key] = None if key == "teacher" and given[key] == "none" else on_command_line(given[key], here)
    for key in ("judges", "metrics"):
        if key in given:
            given[key] = tuple(on_command_line(each, here) for each in given[key])
    if "baseline" in given:
        given["baseline"] = _find_baseline(given["baseline"], here)
    for key in ("flaky", "out"):
        if key in given:
            given[key] = Path(os.path.realpath(here / given[key]))
    if "cache" in given:
        given["cache"] = False if given["cache"] == "none" else Path(os.path.realpath(here / given["cache"]))
    return given


def _find_baseline(text: str, here: Path) -> Path:
    from evalkit.api.errors import ConfigError
    from evalkit.store.baselines import find_baseline

    try:
        return find_baseline(text, here)
    except ValueError as error:
        raise ConfigError(str(error), where="--baseline") from error
