"""`evalkit student new`: an untrained mini pipeline is a pipeline like any other, and the recipe samples as it does."""

import numpy as np
import pytest

from evalkit.student.recipe.sample import euler
from evalkit.student.recipe.teach import Teaching
from tests.student.recipe.helpers import SIDE, FlatData, batches, changed, copy_of, family
from tests.student.recipe.recipes import checked, teaching

pytestmark = pytest.mark.slow

SIZE = (SIDE, SIDE)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    from evalkit.compat.torchvision_cpu import ensure_torchvision

    ensure_torchvision()
    from evalkit.student.mini import new

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(new, "CODEC_PICTURES", 64)
        return new.new_pipeline(FlatData(), {"dark": 1.0, "light": 1.0}, tmp_path_factory.mktemp("mini") / "untrained")


@pytest.mark.parametrize("guidance", [1.0, 2.0], ids=["plain", "guided"])
@pytest.mark.parametrize("edit", [False, True], ids=["t2i", "edit"])
def test_euler_draws_the_mini_pipelines_own_picture(untrained, edit, guidance):
    """The transformer predicts x0 and the scheduler turns it into velocities; the last sigma is above MIN_SIGMA."""
    import torch
    from PIL import Image

    made = family(untrained)
    with torch.no_grad():
        for weight in made.pipe.transformer.parameters():  # the prompt hardly changes the output of an untrained one
            if weight.ndim > 1:
                weight *= 3
    source = Image.fromarray(np.full((SIDE, SIDE, 3), 90, np.uint8)) if edit else None
    with torch.no_grad():
        condition, empty = (made.encode([prompt], source and [source], SIZE) for prompt in ("paint 00ff00", ""))
    noise = torch.randn(1, 4, made.pipe.transformer.config.in_channels, generator=torch.Generator().manual_seed(0))
    given = {"image": [source]} if edit else {}
    given |= {"negative_prompt": [" "]} if guidance > 1 else {}
    theirs = made.pipe(
        prompt=["paint 00ff00"],
        true_cfg_scale=guidance,
        width=SIDE,
        height=SIDE,
        output_resolution=SIDE,
        num_inference_steps=4,
        latents=noise,
        output_type="latent",
        **given,
    ).images
    grid = made.pipe.scheduler.sigmas.tolist()
    assert grid == pytest.approx([1, 0.9, 0.75, 0.5, 0])
    ours = euler(made, made.pipe.transformer, noise, grid, condition, empty, guidance)
    assert float(theirs.std()) > 0.1
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_the_codec_keeps_what_it_was_fitted_to(untrained):
    import random

    import torch

    from evalkit.api.records import Task

    made = family(untrained)
    example = FlatData().example(random.Random(5), Task.T2I, "light")
    picture = torch.from_numpy(example.picture()).permute(2, 0, 1)[None].float() / 127.5 - 1
    again = made.pictures(made.latents(picture), SIZE)
    assert float((again - picture).abs().max()) < 1 / 127.5  # half a level of 8 bits


def test_it_learns(untrained):
    from evalkit.api.records import Task

    made = family(untrained)
    before = copy_of(made.pipe.transformer)
    recipe = checked(teaching(".", steps=20, lr=2e-3, decay=1, optimizer="muon"))
    trainer = Teaching(made, batches(made, Task.T2I, size=8), recipe, SIZE, seed=0)
    losses = [trainer.step().loss for _ in range(12)]
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:2])
    assert changed(before, made.pipe.transformer)
