"""The arrows of the house: who may import whom, no circles, and what may be imported on start-up."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("benchmarks", "student", "judges", "reports")
FLOORS = (
    {"api"},
    {"formats", "stats"},
    {"plugins", "store"},
    {"config"},
    {"verdict"},
    {"engine"},
    {"studies"},
    {"cli"},
    {"__main__"},
)
"""The floors of `evalkit/`, from the ground: each imports only what stands below it."""
APART = {"compat", "testing"}
"""Stands beside the floors: imports the ground floor alone, and rooms and tests use it."""
FOR_ROOMS = {"api", "formats", "stats", "plugins", "compat"}
"""What a room may import beside itself."""
HEAVY = {
    "torch",
    "torchvision",
    "transformers",
    "diffusers",
    "accelerate",
    "peft",
    "paddleocr",
    "onnxruntime",
    "ray",
    "plotly",
}
HEAVY |= {"datasets", "torchmetrics", "vllm", "openai"}
ONLY_LOADED = {"evalkit.student.mini.codec", "evalkit.student.mini.scheduler"}
"""Modules of classes that derive from diffusers' own, so they need it at the top. Only a loader that has torch already
imports them, by name; nothing imports them on start-up."""
PATHS = {
    ".".join(("evalkit", *path.relative_to(top).with_suffix("").parts)).removesuffix(".__init__"): path
    for top, folders in ((ROOT / "evalkit", ["."]), (ROOT, ROOMS))
    for folder in (top / name for name in folders)
    for path in sorted(folder.rglob("*.py"))
    if top != ROOT / "evalkit" or path.relative_to(top).parts[0] not in ROOMS
}
"""Module name -> file. The rooms lie beside `evalkit/`; the links inside of it are not followed."""
MODULES = pytest.mark.parametrize("module", sorted(PATHS))


def imports(tree: ast.AST, *, top_level: bool = False) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of every import; with `top_level`, only those that run on import of the module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield (deeper if deeper in PATHS else node.module, node.lineno)
        elif top_level and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)):
            continue
        else:
            yield from imports(node, top_level=top_level)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def tree_of(module: str) -> ast.AST:
    return ast.parse(PATHS[module].read_text(encoding="utf-8"))


def part_of(module: str) -> str:
    """`evalkit.store.cache` -> `store`; the package itself is its own part."""
    return [*module.split("."), "evalkit"][1]


def floor_of(part: str) -> int:
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def allowed(part: str, other: str) -> bool:
    """Whether a module of `part` may import one of `other`, a part of `evalkit`."""
    if part == other or other == "evalkit":  # the package itself holds the version and nothing else
        return True
    if part in ROOMS:
        return other in FOR_ROOMS
    if part in APART:
        return other in FOR_ROOMS
    if other in ROOMS:
        return part == "cli"  # the composition root
    return other in APART or floor_of(other) < floor_of(part)


@MODULES
def test_arrows(module: str) -> None:
    part = part_of(module)
    for name, line in imports(tree_of(module)):
        assert name.split(".")[0] != "tests", f"{module}:{line} imports {name}"
        if name.split(".")[0] == "evalkit":
            assert allowed(part, part_of(name)), f"{PATHS[module]}:{line}: {part} may not import {name}"


@MODULES
def test_nothing_heavy_on_start_up(module: str) -> None:
    for name, line in imports(tree_of(module), top_level=True):
        if module in ONLY_LOADED and name.split(".")[0] in ("torch", "diffusers"):
            continue
        assert name not in ONLY_LOADED, f"{PATHS[module]}:{line} imports {name}, and torch with it, on start-up"
        assert name.split(".")[0] not in HEAVY, f"{PATHS[module]}:{line} imports {name} on start-up"
        if part_of(module) == "cli" and name.startswith("evalkit."):
            assert part_of(name) not in ROOMS, f"{PATHS[module]}:{line}: the command line imports rooms when called"


def test_no_circles() -> None:
    arrows = {module: {name for name, _ in imports(tree_of(module)) if name in PATHS} for module in PATHS}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@MODULES
def test_one_job_per_file(module: str) -> None:
    assert len(PATHS[module].read_text(encoding="utf-8").splitlines()) <= 400, "two jobs: make it two files"
