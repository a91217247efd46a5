from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from evalkit.api.records import Case, Request
from evalkit.benchmarks.faults.fault import Fault
from evalkit.benchmarks.faults.registry import FAULTS
from evalkit.benchmarks.scenes.case import scene_case
from evalkit.benchmarks.scenes.generator import FaultySceneGenerator, SceneGenerator
from evalkit.benchmarks.scenes.recipe import KINDS, SceneRecipe
from evalkit.benchmarks.scenes.render import render
from evalkit.formats.keys import from_json

CASES = [scene_case(SceneRecipe(kind, 2, 256), kind) for kind in KINDS]


def clean() -> SceneGenerator:
    return SceneGenerator(SceneGenerator.Settings())


def defective(**settings) -> FaultySceneGenerator:
    return FaultySceneGenerator(FaultySceneGenerator.Settings(**settings))


def test_it_renders_the_scene_of_the_case_whatever_the_noise():
    one, other = clean().generate([Request(CASES[0], 0, 1), Request(CASES[0], 1, 2)])
    assert np.array_equal(one.image, render(SceneRecipe("poster", 2, 256)).pixels)
    assert np.array_equal(one.image, other.image)
    assert one.nfe is None
    assert one.notes == {"faults": []}


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (Case("a", "a cat"), "no scene"),
        (Case("a", "a cat", extra={"scene": {"kind": "sonnet", "seed": 1}}), "sonnet"),
        (Case("a", "a cat", extra={"scene": "poster"}), "can't be read"),
        (dataclasses.replace(CASES[0], width=512), "512x256"),
    ],
)
def test_a_case_without_a_scene_is_an_error_of_that_case_alone(case, words):
    bad, good = clean().generate([Request(case, 0, 0), Request(CASES[1], 0, 0)])
    assert bad.image is None
    assert words in bad.error
    assert not good.error


def test_both_say_that_they_are_no_models():
    for generator in (clean(), defective()):
        assert "no model" in generator.info().name


def test_faults_follow_the_noise_and_are_written_down():
    generator = defective(rate=1.0)
    requests = [Request(case, seed, 100 * i + seed) for i, case in enumerate(CASES) for seed in range(4)]
    first, again = generator.generate(requests), generator.generate(requests)
    kinds = set()
    for request, one, two in zip(requests, first, again, strict=True):
        assert np.array_equal(one.image, two.image)
        (fault,) = (from_json(Fault, value) for value in one.notes["faults"])
        kinds.add(fault.kind)
        assert not np.array_equal(one.image, render(SceneRecipe(request.case.category, 2, 256)).pixels)
    assert len(kinds) >= 4


def test_the_rate_is_kept():
    made = defective(rate=0.25).generate([Request(CASES[0], seed, seed) for seed in range(120)])
    assert 0.12 < np.mean([bool(one.notes["faults"]) for one in made]) < 0.4
    none = defective(rate=0.0).generate([Request(CASES[0], 0, 5)])[0]
    assert np.array_equal(none.image, render(SceneRecipe("poster", 2, 256)).pixels)


def test_only_the_wanted_kinds():
    made = defective(rate=1.0, kinds=("grain",)).generate([Request(case, 0, 7) for case in CASES])
    assert {one.notes["faults"][0]["kind"] for one in made} == {"grain"}
    with pytest.raises(ValidationError, match="no fault 'rust'"):
        defective(kinds=("rust",))


def test_fingerprints_tell_generators_apart():
    prints = {generator.fingerprint(CASES[0]) for generator in (clean(), defective(), defective(rate=0.1))}
    assert len(prints) == 3
    assert defective().fingerprint(CASES[0]) == defective(kinds=FAULTS).fingerprint(CASES[0])
