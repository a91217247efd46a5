"""What the tests of the diffusers generator share: settings, requests, and how pictures are compared."""

import numpy as np

from evalkit.api.records import Case, Request
from evalkit.formats.keys import noise_seed
from evalkit.student.pipelines.generator import DiffusersGenerator
from evalkit.student.pipelines.settings import DiffusersSettings

STUDENT = {"sigmas": (1.0, 0.75, 0.5, 0.25), "true_cfg_scale": 1.0, "scheduler": {"shift_terminal": None}}
TEACHER = {"num_inference_steps": 40, "true_cfg_scale": 4.0}
SIZE = {"width": 64, "height": 64}


def generator(model, **settings):
    return DiffusersGenerator(DiffusersSettings(**{"model": str(model), "dtype": "float32"} | settings))


def request(case_id="a", prompt="a cat", seed=0, **case):
    return Request(Case(id=case_id, prompt=prompt, **SIZE | case), seed, noise_seed(case_id, seed))


def draw(images, *requests):
    results = images.generate(requests)
    assert not any(result.error for result in results), [result.error for result in results]
    return results


def levels(one, other):
    """Largest difference in 8-bit levels."""
    return int(np.abs(one.image.astype(int) - other.image.astype(int)).max())
