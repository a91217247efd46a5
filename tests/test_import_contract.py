"""The arrows of the house: who may import whom, and what may be imported on start-up."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("evalkit", "benchmarks", "student", "judges", "reports")
GROUND_FLOOR = {
    f"evalkit.{name}"
    for name in (
        "records",
        "errors",
        "protocols",
        "results",
        "pictures",
        "keys",
        "settings",
        "ability",
        "explain",
        "plugins",
        "presets",
        "strict_yaml",
        "strict_jsonl",
        "cache_folder",
        "torchvision_cpu",
        "mini_qwen",
        "frontier",
        "retry",
        "foreign_text",
        "labels",
    )
}
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
ONLY_LOADED = {"student.mini.codec", "student.mini.scheduler"}
"""Modules of classes that derive from diffusers' own, so they need it at the top. Only a loader that has torch already
imports them, by name; nothing imports them on start-up."""
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imports(tree: ast.AST, *, top_level: bool = False) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of every import; with `top_level`, only those that run on import of the module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module in ROOMS:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "", node.lineno)
        elif top_level and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)):
            continue
        else:
            yield from imports(node, top_level=top_level)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    room = module.split(".")[0]
    for name, line in imports(tree):
        top = name.split(".")[0]
        where = f"{path}:{line} imports {name}"
        assert top != "tests", where
        if top not in ROOMS:
            continue
        if module in GROUND_FLOOR:
            assert name in GROUND_FLOOR, f"{where}: the ground floor imports nothing above it"
        elif room != "evalkit":
            assert top == room or name in GROUND_FLOOR, f"{where}: a room imports the ground floor and itself"
        else:
            assert top == "evalkit", f"{where}: the harness finds the rooms by entry point"
    for name, line in imports(tree, top_level=True):
        if module in ONLY_LOADED and name.split(".")[0] in ("torch", "diffusers"):
            continue
        assert name not in ONLY_LOADED, f"{path}:{line} imports {name}, and torch with it, on start-up"
        assert name.split(".")[0] not in HEAVY, f"{path}:{line} imports {name} on start-up"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_job_per_file(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, "two jobs: make it two files"
