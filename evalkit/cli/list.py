"""`evalkit list`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from evalkit.api.errors import UnavailableError
from evalkit.cli.say import say
from evalkit.plugins import KINDS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS), required=False)
def command(kind: str | None) -> int:
    """List the installed plug-ins of KIND with their settings, or of every kind. Generators include the presets."""
    from evalkit.plugins.registry import names

    for each in (kind,) if kind else KINDS:
        say(f"{each}:")
        if not names(each):
            say("  none installed")
        for name in names(each):
            _plugin(each, name)
        if each == "generators":
            _presets()
    return 0


def _plugin(kind: str, name: str) -> None:
    from evalkit.plugins.conformance import settings_of
    from evalkit.plugins.registry import try_out

    plugin = try_out(kind, name)
    if plugin.problem or plugin.cls is None:
        say(f"  {name:<16} not usable: {plugin.problem}")
        return
    summary = (inspect.getdoc(plugin.cls) or "").partition("\n")[0]
    say(f"  {name:<16} {summary}")
    settings = ", ".join(_setting(key, info) for key, info in settings_of(plugin.cls).model_fields.items())
    if settings:
        say(f"  {'':<16} settings: {settings}")
    for dimension in plugin.dimensions:
        better = "higher" if dimension.higher_is_better else "lower"
        say(f"  {'':<16} {dimension.name}: {dimension.description} ({better} is better)")


def _presets() -> None:
    from evalkit.plugins.presets import presets

    say("presets, each a generator with its settings (use NAME, or NAME:key=value to override):")
    try:
        for preset in presets().values():
            say(f"  {preset.name:<31} {preset.summary}")
            say(f"  {'':<31} {preset.brief}")
    except UnavailableError as error:
        say(f"  not usable: {error}")


def _setting(name: str, info: FieldInfo) -> str:
    return f"{name} (required)" if info.is_required() else name
