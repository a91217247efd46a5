"""Writes the pages that follow from the code; `python docs/tools/reference.py` replaces them.

    docs/command-line.md          every command with its arguments and options, from the command line itself
    docs/configuration.md         the two tables of keys, from `evalkit/config/model.py`

`tests/test_docs.py` fails while a page differs from the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from evalkit.cli import cli
from evalkit.config.model import Gate, RunConfig
from evalkit.plugins.registry import PluginSpec

DOCS = Path(__file__).resolve().parent.parent
COMMAND_LINE = DOCS / "command-line.md"
CONFIGURATION = DOCS / "configuration.md"
_INTRODUCTION = """\
# Command line

This page is written from the program by `python docs/tools/reference.py`; `evalkit COMMAND --help` says the same.

Each option has an environment variable, which counts when the option is not given. Relative paths of options mean the
working folder, relative paths in a config file mean the folder of that file. [Exit codes](exit-codes.md) are the same
for all commands.
"""
_MARK = re.compile(r"<!-- keys of (\w+) -->\n.*?<!-- end of keys -->\n", re.DOTALL)
_TABLES: dict[str, type[BaseModel]] = {"RunConfig": RunConfig, "Gate": Gate}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command of the program that does something, with its full name: `evalkit judge serve`."""
    yield from _below(cli, click.Context(cli, info_name="evalkit"))


def _below(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _below(command, inner)
        else:
            yield inner.command_path, command


def command_line_page() -> str:
    """The page of all commands, as Markdown."""
    return "\n".join([_INTRODUCTION, *(_command(name, command) for name, command in commands())])


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [_row(parameter) for parameter in command.params if isinstance(parameter, click.Option)]
    head = "| option | variable | default | meaning |\n|---|---|---|---|\n"
    return f"## {name}\n\n    {name} {usage}\n\n{_help(command)}\n" + (f"\n{head}{''.join(rows)}" if rows else "")


def _row(option: click.Option) -> str:
    return f"| {_spelling(option)} | {_variable(option)} | {_default(option)} | {_cell(option.help)} |\n"


def _help(command: click.Command) -> str:
    """The help text: its paragraphs, each on one line; one that click is told not to wrap stays as it is."""
    paragraphs = (command.help or "").replace("\b\n", "\n    ").split("\n\n")
    return "\n\n".join(part if part.startswith("\n") else " ".join(part.split()) for part in paragraphs if part.strip())


def _spelling(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(cli))}"
    value = value.replace("|", r"\|")
    return ", ".join(f"`{name}{value}`" for name in option.opts)


def _variable(option: click.Option) -> str:
    return f"`{option.envvar}`" if isinstance(option.envvar, str) else ""


def _default(option: click.Option) -> str:
    default = option.default
    unset = default is None or callable(default) or isinstance(default, bool) or "Sentinel" in str(default)
    return "" if unset or default == "" else f"`{default}`"


def configuration_page(page: str) -> str:
    """The page with its two tables written again; the text around them stays."""
    return _MARK.sub(lambda found: _keys(found[1]), page)


def _keys(name: str) -> str:
    model = _TABLES[name]
    schema = model.model_json_schema()
    lines = ["| key | value | default | meaning |\n|---|---|---|---|\n"]
    for key, field in schema["properties"].items():
        default = "required" if key in schema.get("required", ()) else _plain(model.model_fields[key].default)
        lines.append(f"| `{key}` | {_kind(field, schema)} | {default} | {_cell(field.get('description'))} |\n")
    return f"<!-- keys of {name} -->\n{''.join(lines)}<!-- end of keys -->\n"


def _kind(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a value looks like, in words."""
    if "$ref" in field:
        return _kind(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if "dimension" in field.get("properties", ()):
        return "gate"
    if any(option.get("required") == ["use"] for option in field.get("anyOf", ())):
        return "plug-in"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{str(field['const']).lower()}`"
    if field.get("type") == "array":
        return f"list of {_kind(field['items'], schema)}s"
    if "anyOf" in field:
        kinds = dict.fromkeys(_kind(option, schema) for option in field["anyOf"] if option.get("type") != "null")
        return " or ".join(kinds)
    words = {"string": "path" if field.get("format") == "path" else "text", "boolean": "true or false"}
    kind = str(field["type"])
    return words.get(kind, kind)


def _plain(value: Any) -> str:
    """A default as the config file would say it."""
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, PluginSpec):
        return f"`{value.use}`"
    if isinstance(value, tuple):
        return ", ".join(map(_plain, value))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("|", r"\|").split())


if __name__ == "__main__":
    COMMAND_LINE.write_text(command_line_page(), encoding="utf-8")
    CONFIGURATION.write_text(configuration_page(CONFIGURATION.read_text(encoding="utf-8")), encoding="utf-8")
