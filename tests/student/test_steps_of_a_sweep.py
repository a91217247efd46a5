"""A sweep over steps of the real pipelines: what is counted is what was evaluated, from the same noise."""

import dataclasses

import numpy as np
import pytest

from evalkit.api.records import Case, Request
from evalkit.plugins.registry import PluginSpec, create
from evalkit.studies.sweep import with_steps

pytestmark = pytest.mark.slow

ASKED = Request(Case("a", "a red square", width=32, height=32), seed=0, noise_seed=7)


@pytest.mark.nightly
@pytest.mark.parametrize(("guidance", "counted"), [(1.0, (1, 2, 4)), (4.0, (2, 4, 8))])
def test_nfe_is_counted_at_every_number_of_steps(checkpoints, guidance: float, counted: tuple[int, ...]) -> None:
    spec = PluginSpec(
        "diffusers",
        {
            "true_cfg_scale": guidance,
            "dtype": "float32",
            "device": "cpu",
            "sigmas": [1.0, 0.5],
            "scheduler": {"shift_terminal": None},
        },
        str(checkpoints / "q21"),
    )
    drawn, prints = [], set()
    for steps in (1, 2, 4):
        generator = create("generators", with_steps(spec, steps, "student"))
        drawn += generator.generate([ASKED])
        prints.add(generator.fingerprint(ASKED.case))
        generator.close()
    assert [picture.error for picture in drawn] == [""] * 3
    assert tuple(picture.nfe for picture in drawn) == counted
    assert [len(picture.notes["sigmas"]) - 1 for picture in drawn] == [1, 2, 4]
    assert len(prints) == 3, "no point is taken for another by the cache"
    assert not np.array_equal(drawn[0].image, drawn[2].image)


def test_a_preset_is_swept_by_its_name() -> None:
    swept = with_steps(PluginSpec("qwen-image-flash", {"model": "weights"}), 2, "student")
    assert swept == dataclasses.replace(
        swept, use="qwen-image-flash", settings={"model": "weights", "num_inference_steps": 2}
    )
    assert create("generators", swept).settings.num_inference_steps == 2
