"""The docs keep up with the program: commands, options, keys, links and the navigation of the site."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import click
import pytest
import yaml

from evalkit.config.model import Gate, RunConfig

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READ_FROM_THE_ROOT = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / "tools" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load("reference")
COMMANDS: dict[str, click.Command] = dict(reference.commands())
WRITTEN_BY_HAND = "\n".join(
    page.read_text(encoding="utf-8") for page in (*PAGES, *READ_FROM_THE_ROOT) if page != reference.COMMAND_LINE
)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_explained_on_a_page_written_by_hand(command: str) -> None:
    assert re.search(rf"\b{command}\b", WRITTEN_BY_HAND), f"no page but the list of all commands mentions `{command}`"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_is_listed(command: str) -> None:
    section = reference.COMMAND_LINE.read_text(encoding="utf-8").partition(f"## {command}\n")[2].partition("\n## ")[0]
    for parameter in COMMANDS[command].params:
        if isinstance(parameter, click.Option):
            for name in parameter.opts:
                assert re.search(rf"`{name}[ `]", section), f"{name} of `{command}` is not in docs/command-line.md"


@pytest.mark.parametrize("model", [RunConfig, Gate])
def test_each_key_of_the_config_is_listed(model: type[RunConfig] | type[Gate]) -> None:
    page = reference.CONFIGURATION.read_text(encoding="utf-8")
    for key in model.model_fields:
        assert f"| `{key}` |" in page, f"{key} is not in docs/configuration.md"


def test_pages_written_from_the_code_are_up_to_date() -> None:
    todo = "write them again: python docs/tools/reference.py"
    assert reference.COMMAND_LINE.read_text(encoding="utf-8") == reference.command_line_page(), todo
    page = reference.CONFIGURATION.read_text(encoding="utf-8")
    assert page == reference.configuration_page(page), todo


def test_every_page_is_in_the_navigation_once() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(leaves(site["nav"])) == [page.relative_to(DOCS).as_posix() for page in PAGES]


def leaves(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    children = nav.values() if isinstance(nav, dict) else nav
    assert not isinstance(children, str)
    return [leaf for child in children for leaf in leaves(child)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", [*PAGES, *READ_FROM_THE_ROOT], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if ":" not in target:
            path, _, anchor = target.partition("#")
            there = (page.parent / path) if path else page
            assert there.exists(), f"{page.relative_to(ROOT)} links to {target}"
            if anchor and there.suffix == ".md":
                assert anchor in map(slug, re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE))


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
