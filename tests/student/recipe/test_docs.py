"""docs/recipe.md lists every key with its default and no other keys, and its examples are valid recipes."""

import re
from pathlib import Path

import pytest
import yaml

from evalkit.student.recipe.config import Grid, Lora, Mixture, Recipe, TeacherRule

DOC = (Path(__file__).parents[3] / "docs" / "recipe.md").read_text(encoding="utf-8")
MODELS = [Recipe, Mixture, Grid, Lora, TeacherRule]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOC, re.DOTALL)


def tables() -> list[dict[str, str]]:
    """Keys and defaults of each table with a column of defaults, in order."""
    found = re.findall(r"\| key \| default \|[^\n]*\n\|[-|]+\|\n((?:\|[^\n]*\n)+)", DOC)
    rows = [[row.split("|")[1:3] for row in table.splitlines()] for table in found]
    return [{key.strip().strip("`"): default.strip().strip("`") for key, default in table} for table in rows]


@pytest.mark.parametrize(
    ("model", "table"), list(zip(MODELS, tables(), strict=True)), ids=lambda given: getattr(given, "__name__", "")
)
def test_every_key_is_documented_with_its_default(model, table):
    assert list(table) == list(model.model_fields)
    for key, field in model.model_fields.items():
        if field.is_required():
            assert table[key] == "", key
            continue
        default = field.get_default(call_default_factory=True)
        assert yaml.safe_load(table[key]) == (list(default) if isinstance(default, tuple) else default), key


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_are_recipes(text):
    recipe = Recipe.model_validate(yaml.safe_load(text), context={"base": "/"})
    assert len(recipe.grid.values((128, 128))) == 5


def test_there_is_one_example_of_a_mini_and_one_with_a_lora():
    assert [("lora" in yaml.safe_load(text)) for text in EXAMPLES] == [False, True]
