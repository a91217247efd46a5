"""Trains variants ("arms") of one recipe with the same budget and compares them: does a change make a difference?

    PLAN ─▶ recipe of each arm ─▶ train ─▶ an ordinary run of each ─▶ paired differences to a reference arm ─▶ table

Everything lies below one folder: `arms/NAME/` (recipe, checkpoints, model), `runs/NAME/`, `ablation.json` and `.md`.
The caller says how to train (`ReadRecipe`, `OpenTraining`): the recipes are a matter of the room `student`.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from pydantic import Field, model_validator

from evalkit.api.errors import ConfigError, Interrupted
from evalkit.api.records import Role
from evalkit.api.results import DimensionResult, Interval
from evalkit.api.settings import Settings
from evalkit.config.load import load_config
from evalkit.config.model import RunConfig
from evalkit.engine.plan import assemble
from evalkit.engine.progress import Progress
from evalkit.engine.run import execute
from evalkit.formats.explain import validate
from evalkit.formats.keys import to_json
from evalkit.formats.slug import slug
from evalkit.formats.strict_yaml import read_yaml
from evalkit.plugins.registry import PluginSpec
from evalkit.stats.intervals import case_means, mean_interval
from evalkit.stats.multiplicity import holm
from evalkit.stats.paired_tests import paired_p_value
from evalkit.store.run_reader import RunReader
from evalkit.verdict.compare import difference_bounds, paired_differences
from evalkit.verdict.results import StoredResults

ALPHA = 0.05
Conclusion = Literal["better", "worse", "undecided"]


class Budget(Protocol):
    """What an ablation reads from a recipe: what its training costs."""

    @property
    def steps(self) -> int: ...

    @property
    def batch_size(self) -> int: ...

    @property
    def accumulate(self) -> int:
        """Batches per step."""
        ...

    @property
    def seed(self) -> int: ...


class Training(Protocol):
    """One training, which ends with the model in the subfolder `model` of its folder."""

    @property
    def finished(self) -> bool: ...

    def run(self, stop: Callable[[], bool]) -> Iterator[dict[str, float]]:
        """Train until finished or until `stop()`, from the last checkpoint on; yields the figures of each step."""
        ...


ReadRecipe = Callable[[Path], Budget]
"""Reads and checks a recipe file; raises `ConfigError` if it is wrong."""
OpenTraining = Callable[[Path, Path], Training]
"""Makes the training of a recipe file in a folder, without starting it; raises `ConfigError` for unsuitable data."""


class ArmComparison(Settings):
    """A question of the plan: which arms to compare with a reference arm. `claim` is what the literature says."""

    question: str = Field(min_length=1)
    claim: str = ""
    reference: str
    arms: tuple[str, ...] = Field(min_length=1)


class AblationPlan(Settings):
    """What to train and how to measure it. The keys of an arm replace those of `recipe`, at the top level only."""

    recipe: dict[str, Any]
    arms: dict[str, dict[str, Any]] = Field(min_length=2)
    generator: dict[str, Any] = Field(
        description="settings of the generator `diffusers` for every arm, without `model`"
    )
    run: dict[str, Any] = Field(description="keys of a config of `evalkit run`: benchmark, judges, seeds, limit")
    dimensions: tuple[str, ...] = Field(min_length=1)
    comparisons: tuple[ArmComparison, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_arms(self) -> Self:
        named = {name for each in self.comparisons for name in (each.reference, *each.arms)}
        if unknown := sorted(named - set(self.arms)):
            raise ValueError(f"there is no arm `{unknown[0]}`")
        return self


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """An arm minus its reference on one dimension, paired by case and noise; positive means more, not better.

    `p_adjusted` is corrected by Holm over the whole plan; `verdict` follows from it at a level of 5 %.
    """

    question: str
    arm: str
    reference: str
    dimension: str
    interval: Interval | None
    p_value: float | None
    p_adjusted: float | None
    verdict: Conclusion


@dataclasses.dataclass(frozen=True, slots=True)
class Ablation:
    """The result: the mean of every arm on every dimension, and the paired differences."""

    command: str
    budget: str
    means: dict[str, dict[str, Interval | None]]
    differences: tuple[Difference, ...]


def read_plan(path: Path) -> AblationPlan:
    """The plan in a YAML file, with the paths of its recipes made absolute. Raises `ConfigError`."""
    base = path.resolve().parent
    plan = validate(AblationPlan, read_yaml(path, ConfigError), where=str(path))
    arms = {name: _absolute({**plan.recipe, **changes}, base) for name, changes in plan.arms.items()}
    return plan.model_copy(update={"arms": arms})


def run_ablation(
    plan: AblationPlan,
    folder: Path,
    read_recipe: ReadRecipe,
    open_training: OpenTraining,
    *,
    command: str,
    progress: Callable[[], Progress],
    stop: threading.Event,
    say: Callable[[str], None],
) -> Ablation:
    """Train and measure what is missing, and write `ablation.json` and `ablation.md`.

    Raises:
        ConfigError: a recipe is wrong, or an arm was begun with another recipe.
        UnavailableError: as `execute`.
        Interrupted: `stop` was set; finished work is kept.
    """
    paths = {name: _write_recipe(folder / "arms" / slug(name), values) for name, values in plan.arms.items()}
    budgets = {name: read_recipe(path) for name, path in paths.items()}
    for number, (name, path) in enumerate(paths.items(), 1):
        say(f"arm {number} of {len(paths)}: {name}")
        if not (path.parent / "model").is_dir():
            _train(open_training(path, path.parent), stop)
        _measure(plan, folder, name, command, progress(), stop)
    result = _compare(plan, folder, command, _describe_budget(budgets))
    (folder / "ablation.json").write_text(json.dumps(to_json(result), indent=1) + "\n", encoding="utf-8")
    (folder / "ablation.md").write_text(as_markdown(plan, result), encoding="utf-8")
    return result


def as_markdown(plan: AblationPlan, result: Ablation) -> str:
    """Every arm's means, and a table of differences for each question."""
    lines = [f"Budget of every arm: {result.budget}. `{result.command}`", ""]
    lines += [_row("arm", *plan.dimensions), _row(*["---"] * (len(plan.dimensions) + 1))]
    lines += [_row(name, *(_plain(means[d]) for d in plan.dimensions)) for name, means in result.means.items()]
    for each in plan.comparisons:
        lines += ["", f"**{each.question}**" + (f" {each.claim}" if each.claim else ""), ""]
        lines += [_row(f"minus `{each.reference}`", *plan.dimensions), _row(*["---"] * (len(plan.dimensions) + 1))]
        for arm in each.arms:
            found = {d.dimension: d for d in result.differences if (d.question, d.arm) == (each.question, arm)}
            cells = [f"{_plain(found[d].interval, signed=True)} {found[d].verdict}" for d in plan.dimensions]
            lines.append(_row(f"`{arm}`", *cells))
    return "\n".join(lines) + "\n"


def _absolute(values: dict[str, Any], base: Path) -> dict[str, Any]:
    teachers = values.get("teachers") or {}
    changed: dict[str, Any] = {"base": str((base / str(values.get("base", ""))).resolve())}
    if teachers:
        changed["teachers"] = {name: str((base / str(where)).resolve()) for name, where in teachers.items()}
    return {**values, **changed}


def _write_recipe(folder: Path, values: dict[str, Any]) -> Path:
    """The recipe file in the arm's folder. Raises `ConfigError` if the arm was trained with another recipe."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.yaml"
    begun = any((folder / name).exists() for name in ("state.pt", "model"))
    if begun and read_yaml(path, ConfigError) != values:
        what = f"the recipe of the arm `{folder.name}` has changed since it was trained"
        hint = "give another --out, or remove the arm's folders in arms/ and runs/ to train it again"
        raise ConfigError(what, where=str(path), hint=hint)
    path.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _train(training: Training, stop: threading.Event) -> None:
    for _ in training.run(stop.is_set):
        pass
    if not training.finished:
        raise Interrupted("stopped; the training so far is kept")


def _measure(
    plan: AblationPlan, folder: Path, name: str, command: str, progress: Progress, stop: threading.Event
) -> None:
    student = {"use": "diffusers", **plan.generator, "model": str(folder / "arms" / slug(name) / "model")}
    config: RunConfig = load_config(None, {**plan.run, "student": student, "teacher": None})
    changed = config.model_copy(update={"exporters": (PluginSpec("html"),)})
    execute(changed, assemble(changed), folder / "runs" / slug(name), command=command, progress=progress, stop=stop)


def _describe_budget(recipes: Mapping[str, Budget]) -> str:
    """The training budget as text, listed by arm only if the arms differ."""
    each = {
        name: f"{recipe.steps} steps of {recipe.batch_size * recipe.accumulate} pictures, seed {recipe.seed}"
        for name, recipe in recipes.items()
    }
    budgets = set(each.values())
    return budgets.pop() if len(budgets) == 1 else "; ".join(f"`{name}` {budget}" for name, budget in each.items())


def _compare(plan: AblationPlan, folder: Path, command: str, budget: str) -> Ablation:
    with ExitStack() as stack:
        readers = {name: stack.enter_context(RunReader(folder / "runs" / slug(name))) for name in plan.arms}
        rows = {name: _dimension_results(reader) for name, reader in readers.items()}
        known = next(iter(rows.values()))
        if unknown := [name for name in plan.dimensions if name not in known]:
            hint = f"its judges measure: {', '.join(known)}"
            raise ConfigError(f"no judge of the plan measures `{unknown[0]}`", where="dimensions", hint=hint)
        means = {name: {d: rows[name][d].estimate for d in plan.dimensions} for name in rows}
        found = [each for question in plan.comparisons for each in _differences(plan, question, readers, known)]
    adjusted = holm([difference.p_value for difference in found])
    judged = [
        dataclasses.replace(each, p_adjusted=p, verdict=_conclude(each, p, known))
        for each, p in zip(found, adjusted, strict=True)
    ]
    return Ablation(command, budget, means, tuple(judged))


def _dimension_results(reader: RunReader) -> dict[str, DimensionResult]:
    rows = StoredResults(reader).summary().dimensions
    return {row.dimension.name: row for row in rows if row.role is Role.STUDENT}


def _differences(
    plan: AblationPlan, each: ArmComparison, readers: Mapping[str, RunReader], known: Mapping[str, DimensionResult]
) -> Iterator[Difference]:
    for arm in each.arms:
        for name in plan.dimensions:
            pairs = paired_differences(readers[arm], readers[each.reference], Role.STUDENT, name)
            values = case_means(pairs)
            low, high = difference_bounds(known[name].dimension)
            interval = mean_interval(values, low=low, high=high)
            p_value = paired_p_value(values) if len(values) else None
            yield Difference(each.question, arm, each.reference, name, interval, p_value, None, "undecided")


def _conclude(each: Difference, p_adjusted: float | None, known: Mapping[str, DimensionResult]) -> Conclusion:
    if each.interval is None or p_adjusted is None or p_adjusted > ALPHA:
        return "undecided"
    higher = known[each.dimension].dimension.higher_is_better
    return "better" if (each.interval.value > 0) is higher else "worse"


def _plain(interval: Interval | None, signed: bool = False) -> str:
    if interval is None:
        return "not scored"
    sign = "+" if signed else ""
    low, high = ("?" if bound is None else f"{bound:{sign}.3f}" for bound in (interval.low, interval.high))
    return f"{interval.value:{sign}.3f} [{low}, {high}]"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
