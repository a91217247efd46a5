"""`evalkit list`."""

from __future__ import annotations

import inspect
from typing import Any

import click

from evalkit.api.errors import UnavailableError

KINDS = ("benchmarks", "generators", "judges", "metrics", "exporters")


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS), required=False)
def command(kind: str | None) -> int:
    """List installed plug-ins of KIND (all kinds without it), with their settings; with generators also presets."""
    from evalkit.plugins.registry import load, names

    for each in (kind,) if kind else KINDS:
        click.echo(f"{each}:")
        if not names(each):
            click.echo("  none installed")
        for name in names(each):
            try:
                cls = load(each, name)
            except UnavailableError as error:
                click.echo(f"  {name:<16} not usable: {error}")
                continue
            first = (inspect.getdoc(cls) or "").partition("\n")[0]
            click.echo(f"  {name:<16} {first}")
            settings = ", ".join(_setting(key, info) for key, info in cls.Settings.model_fields.items())
            if settings:
                click.echo(f"  {'':<16} settings: {settings}")
            for dimension in getattr(cls, "dimensions", ()):
                better = "higher" if dimension.higher_is_better else "lower"
                click.echo(f"  {'':<16} {dimension.name}: {dimension.description} ({better} is better)")
        if each == "generators":
            _presets()
    return 0


def _presets() -> None:
    from evalkit.plugins.presets import presets

    click.echo("presets, each a generator with its settings (use NAME, or NAME:key=value to override):")
    try:
        for preset in presets().values():
            click.echo(f"  {preset.name:<31} {preset.summary}")
            click.echo(f"  {'':<31} {preset.brief}")
    except UnavailableError as error:
        click.echo(f"  not usable: {error}")


def _setting(name: str, info: Any) -> str:
    return f"{name} (required)" if info.is_required() else name
