"""Each family member asks a transformer exactly as its pipeline does at inference.

Tolerance: 2e-5 of the range. Embeddings and pictures are bit-equal but for edits of 2.1 (1.3e-5 measured), where the
pipeline reads source pictures as RGBA in [0, 1] and keeps the keys of the prefix from step to step.
"""

import numpy as np
import pytest

from evalkit.api.errors import ConfigError
from evalkit.api.records import Task
from evalkit.student.recipe.families import family_of
from evalkit.student.recipe.sample import euler
from tests.student.recipe.helpers import KIND_IDS, KINDS, family, load

pytestmark = pytest.mark.slow

SIZE = (64, 64)
STEPS = 3
TOLERANCE = 2e-5


@pytest.fixture
def made(checkpoints, small_sources):
    """A family whose latents have a mean and a deviation, so that leaving them out changes the result."""

    def make(name):
        made = family(checkpoints / name)
        channels = made.pipe.vae.config.z_dim
        mean, std = np.linspace(-0.2, 0.3, channels).tolist(), np.linspace(0.5, 1.5, channels).tolist()
        made.pipe.vae.register_to_config(latents_mean=mean, latents_std=std)
        return made

    return make


def picture(seed):
    from PIL import Image

    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize(("name", "task"), KINDS, ids=KIND_IDS)
def test_prompts_are_encoded_as_the_pipeline_does(made, name, task):
    import torch

    made = made(name)
    source = picture(1) if task is Task.EDIT else None
    for prompt in ("a cat", ""):
        with torch.no_grad():
            ours = made.encode([prompt], source and [source], SIZE)
        given = {"image": [source]} if source else {}
        theirs = made.pipe.encode_prompt(prompt=[prompt or " "], **given)
        assert float((ours.embeds - theirs[0].detach()).abs().max()) < TOLERANCE
        assert theirs[1] is None
        assert ours.mask is None


@pytest.mark.parametrize(("name", "task"), KINDS, ids=KIND_IDS)
def test_deviations_are_those_of_the_packed_channels(made, name, task):
    import torch

    made = made(name)
    pictures = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    normalised, deviations = made.latents(pictures), made.deviations()
    channels = made.pipe.vae.config.z_dim
    made.pipe.vae.register_to_config(latents_mean=[0.0] * channels, latents_std=[1.0] * channels)
    raw = made.latents(pictures)
    torch.testing.assert_close((normalised[:, 1:] - normalised[:, :1]) * deviations, raw[:, 1:] - raw[:, :1])


@pytest.mark.parametrize("guidance", [1.0, 3.0], ids=["plain", "guided"])
@pytest.mark.parametrize(("name", "task"), KINDS, ids=KIND_IDS)
def test_euler_draws_the_pipelines_own_picture(made, name, task, guidance):
    import torch

    made = made(name)
    pipe = made.pipe
    source = picture(1) if task is Task.EDIT else None
    with torch.no_grad():
        condition, empty = (made.encode([prompt], source and [source], SIZE) for prompt in ("a cat", ""))
    rows, columns = condition.shapes[-1]
    noise = torch.randn(
        1, rows * columns, pipe.transformer.config.in_channels, generator=torch.Generator().manual_seed(3)
    )
    given = {"image": [source]} if source else {}
    if name == "q21":
        given["output_resolution"] = 64
    if guidance > 1:
        given["negative_prompt"] = [" "]
    theirs = pipe(
        prompt=["a cat"],
        true_cfg_scale=guidance,
        width=SIZE[0],
        height=SIZE[1],
        num_inference_steps=STEPS,
        latents=noise,
        output_type="pt",
        **given,
    ).images[:, :3]
    grid = pipe.scheduler.sigmas.tolist()
    latents = euler(made, pipe.transformer, noise, grid, condition, empty, guidance)
    with torch.no_grad():
        ours = (made.pictures(latents, SIZE) / 2 + 0.5).clamp(0, 1)
    assert float(theirs.std()) > 0.03
    assert float((ours - theirs).abs().max()) < TOLERANCE


@pytest.mark.parametrize(("name", "task"), KINDS, ids=KIND_IDS)
def test_rows_of_a_batch_are_what_they_are_alone(made, name, task):
    import torch

    made = made(name)
    prompts = ["a cat", "a dog"]
    sources = [picture(1), picture(2)] if task is Task.EDIT else None
    transformer = made.pipe.transformer
    with torch.no_grad():
        together = made.encode(prompts, sources, SIZE)
        rows, columns = together.shapes[-1]
        z = torch.randn(2, rows * columns, transformer.config.in_channels, generator=torch.Generator().manual_seed(0))
        sigma = torch.tensor([0.9, 0.3])
        both = made.velocity(transformer, z, sigma, together)
        for row in range(2):
            alone = made.encode([prompts[row]], sources and [sources[row]], SIZE)
            one = made.velocity(transformer, z[row : row + 1], sigma[row : row + 1], alone)
            assert float((both[row] - one[0]).abs().max()) < 1e-4 * float(one.abs().max())
        other = made.velocity(transformer, z[:1].expand(2, -1, -1), sigma[:1].expand(2), together)
    assert float((other[0] - other[1]).abs().max()) > 1e-3  # each row follows its own prompt and source


def test_1_x_masks_shorter_prompts_and_2_1_refuses_them(made):
    import torch

    with torch.no_grad():
        old = made("t2i")
        prompts = ["a cat", "a much longer cat"]
        both = old.encode(prompts, None, SIZE)
        shorter, longer = both.mask.sum(dim=1).tolist()
        assert longer - shorter == len(" much longer")  # a token is a byte in this tokenizer
        z = torch.randn(2, 64, 16, generator=torch.Generator().manual_seed(0))
        sigma = torch.tensor([0.5, 0.5])
        alone = old.velocity(old.pipe.transformer, z[:1], sigma[:1], old.encode(prompts[:1], None, SIZE))
        padded = old.velocity(old.pipe.transformer, z, sigma, both)
        assert float((padded[0] - alone[0]).abs().max()) < 1e-4 * float(alone.abs().max())
        with pytest.raises(ValueError, match="same number of tokens"):
            made("q21").encode(prompts, None, SIZE)


@pytest.mark.parametrize(("name", "task"), KINDS, ids=KIND_IDS)
def test_gradients_reach_the_text_encoder_unless_switched_off(made, name, task):
    import torch

    made = made(name)
    sources = [picture(1)] if task is Task.EDIT else None
    condition = made.encode(["a cat"], sources, SIZE)
    assert condition.embeds.requires_grad
    assert condition.source is None or not condition.source.requires_grad
    condition.embeds.sum().backward()
    assert any(weight.grad is not None for weight in made.pipe.text_encoder.parameters())
    with torch.no_grad():
        assert not made.encode(["a cat"], sources, SIZE).embeds.requires_grad


@pytest.mark.parametrize("name", ["q21", "t2i"])
def test_latents_and_pictures_have_matching_sizes(made, name):
    import torch

    made = made(name)
    with torch.no_grad():
        latents = made.latents(torch.rand(2, 3, 64, 96) * 2 - 1)
        drawn = made.pictures(latents, (96, 64))
    side = 16 if name == "q21" else 2 * made.pipe.vae_scale_factor
    assert latents.shape == (2, (64 // side) * (96 // side), made.pipe.transformer.config.in_channels)
    assert drawn.shape == (2, 3, 64, 96)


def test_pipelines_that_no_recipe_can_train_are_refused(checkpoints):
    class OtherPipeline:
        pass

    with pytest.raises(ConfigError, match="no recipe can train a OtherPipeline"):
        family_of(OtherPipeline())
    pipe = load(checkpoints / "t2i")
    pipe.transformer.register_to_config(guidance_embeds=True)
    with pytest.raises(ConfigError, match="guidance-distilled"):
        family_of(pipe)


def test_1_x_refuses_a_task_that_its_pipeline_cannot_do(made):
    with pytest.raises(ConfigError, match="draw without a source picture"):
        made("t2i").encode(["a cat"], [picture(1)], SIZE)
    with pytest.raises(ConfigError, match="edit a picture"):
        made("edit").encode(["a cat"], None, SIZE)


def test_sources_of_one_batch_have_one_size(made):
    sources = [picture(1), picture(2).resize((64, 32))]
    with pytest.raises(ValueError, match="one size"):
        made("edit").encode(["a cat", "a dog"], sources, SIZE)
