"""What a plug-in author imports: every public name is there, documented, and cheap to import."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from evalkit import api
from evalkit.testing import check_judge

MODULES = [f"evalkit.api.{module.name}" for module in pkgutil.iter_modules(api.__path__)]


@pytest.mark.parametrize("module", ["evalkit.api", *MODULES, "evalkit.testing"])
def test_the_examples_in_the_docstrings_run(module: str) -> None:
    assert doctest.testmod(importlib.import_module(module)).failed == 0


def test_all_lists_what_type_checkers_see() -> None:
    """The names are imported lazily, so that the list, the imports for type checkers and the modules must agree."""
    tree = ast.parse(Path(api.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.name: f"{statement.module}"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert sorted([*typed, "PLUGIN_API"]) == sorted(api.__all__)
    for name, module in typed.items():
        assert getattr(api, name) is getattr(importlib.import_module(module), name), name


def test_a_name_that_is_not_public_is_an_error() -> None:
    misspelt = "Jugde"
    assert not hasattr(api, misspelt)
    with pytest.raises(AttributeError, match="no attribute 'Jugde'"):
        getattr(api, misspelt)


@pytest.mark.parametrize("name", [name for name in api.__all__ if inspect.isclass(getattr(api, name))])
def test_every_public_class_is_documented_with_its_methods(name: str) -> None:
    cls = getattr(api, name)
    own = inspect.getdoc(cls) or ""
    assert own
    assert not own.startswith(f"{name}("), "dataclass wrote this docstring itself"
    for method, found in vars(cls).items():
        public = inspect.isroutine(found) or isinstance(found, property)
        if public and not method.startswith("_") and (cls.__module__ or "").endswith(("protocols", "hooks")):
            assert inspect.getdoc(found), f"{name}.{method}"


def test_the_judge_in_the_docs_keeps_its_contract(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
    code = next(block for block in text.split("```python\n")[1:] if "class BrightnessJudge" in block).split("```")[0]
    (tmp_path / "judge.py").write_text(code, encoding="utf-8")
    check_judge(runpy.run_path(str(tmp_path / "judge.py"))["BrightnessJudge"])


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, evalkit.api; print([m for m in ('numpy', 'pydantic', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_evalkit_ships_its_types() -> None:
    assert (Path(api.__file__).parent.parent / "py.typed").is_file()
