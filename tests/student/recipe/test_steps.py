"""One step of distillation and of teaching: the right weights change, and no others."""

import pytest

from evalkit.student.recipe.config import Lora
from evalkit.student.recipe.distill import Distillation
from evalkit.student.recipe.lora import add_lora
from evalkit.student.recipe.teach import Teaching
from tests.student.recipe.helpers import KIND_IDS, KINDS, SIDE, batches, changed, copy_of, family
from tests.student.recipe.recipes import checked, distillation, teaching

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_sources")]
LORA = {"rank": 2, "alpha": 2.0}
# the last block of 1.x transforms the text once more, and nothing uses the result
UNUSED = {
    "transformer_blocks.1." + name
    for name in (
        "attn.norm_added_q.weight",
        *(f"attn.{layer}.{kind}" for layer in ("add_q_proj", "to_add_out") for kind in ("weight", "bias")),
        *(f"txt_mlp.net.{layer}.{kind}" for layer in ("0.proj", "2") for kind in ("weight", "bias")),
    )
}


def expert_of(transformer):
    """Another teacher: the same with one matrix altered."""
    import copy

    import torch

    expert = copy.deepcopy(transformer)
    with torch.no_grad():
        expert.proj_out.weight.mul_(1.5)
    return expert


def distiller(made, task, lora=None):
    base = made.pipe.transformer
    teachers = {"base": base, "expert": expert_of(base)}
    schedule = [{"teacher": "expert", "weight": 0.5}]
    recipe = distillation(".", steps=100, teachers={"expert": "."}, schedule=schedule, lora=lora, ema=0.98)
    return Distillation(made, teachers, batches(made, task), checked(recipe), (SIDE, SIDE), seed=0)


@pytest.mark.parametrize("lora", [None, LORA], ids=["full", "lora"])
@pytest.mark.parametrize(("name", "task"), KINDS, ids=KIND_IDS)
def test_a_distillation_step_changes_student_and_fake_and_nothing_else(checkpoints, name, task, lora):
    made = family(checkpoints / name)
    trainer = distiller(made, task, lora)
    frozen = {**trainer.teachers, "text encoder": made.pipe.text_encoder, "vae": made.pipe.vae}
    others = {key: copy_of(module) for key, module in frozen.items()}
    student, fake = copy_of(trainer.student), copy_of(trainer.fake)
    for _ in range(2):  # a LoRA's first matrices have no gradient until the second ones are not 0
        figures = trainer.step()
    assert figures.step == 2
    assert figures.fake_loss > 0
    assert figures.gradient > 0
    assert figures.diversity > 0
    for before, module in ((student, trainer.student), (fake, trainer.fake)):
        moved = changed(before, module)
        trainable = {key for key, weight in module.named_parameters() if weight.requires_grad}
        assert moved
        assert moved <= trainable
        assert trainable - moved <= UNUSED
        assert all("lora_" in key for key in moved) is bool(lora)
    for key, module in frozen.items():
        assert changed(others[key], module) == set(), key
        assert all(weight.grad is None for weight in module.parameters()), key


@pytest.mark.parametrize("lora", [None, LORA], ids=["full", "lora"])
@pytest.mark.parametrize(("name", "task"), KINDS, ids=KIND_IDS)
def test_a_teaching_step_changes_the_transformer_and_nothing_else(checkpoints, name, task, lora):
    made = family(checkpoints / name)
    recipe = checked(teaching(".", steps=100, train_text_encoder=False, lora=lora))
    trainer = Teaching(made, batches(made, task), recipe, (SIDE, SIDE), seed=0)
    transformer = made.pipe.transformer
    before = copy_of(transformer)
    others = {"text encoder": made.pipe.text_encoder, "vae": made.pipe.vae}
    kept = {key: copy_of(module) for key, module in others.items()}
    for _ in range(2):
        progress = trainer.step()
    assert progress.loss > 0
    assert progress.gradient > 0
    moved = changed(before, transformer)
    trainable = {key for key, weight in transformer.named_parameters() if weight.requires_grad}
    assert moved
    assert moved <= trainable
    assert trainable - moved <= UNUSED
    assert all("lora_" in key for key in moved) is bool(lora)
    for key, module in others.items():
        assert changed(kept[key], module) == set(), key
        assert all(weight.grad is None for weight in module.parameters()), key


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_text_encoder_is_trained_if_the_recipe_says_so(checkpoints, optimizer):
    from evalkit.api.records import Task

    made = family(checkpoints / "q21")
    recipe = checked(teaching(".", steps=100, optimizer=optimizer))
    trainer = Teaching(made, batches(made, Task.EDIT), recipe, (SIDE, SIDE), seed=0)
    before, vae = copy_of(made.pipe.text_encoder), copy_of(made.pipe.vae)
    trainer.step()
    moved = changed(before, made.pipe.text_encoder)
    assert any("visual" in key for key in moved)
    assert any("language_model" in key for key in moved)
    assert changed(vae, made.pipe.vae) == set()


@pytest.mark.parametrize(("name", "task"), KINDS[::2], ids=KIND_IDS[::2])
def test_the_finished_student_is_the_average_with_adapters_merged(checkpoints, name, task):
    import torch

    made = family(checkpoints / name)
    trainer = distiller(made, task, LORA)
    for _ in range(2):
        trainer.step()
    batch = trainer.batches[0]
    with torch.no_grad():
        condition = made.encode(batch.prompts, batch.sources, (SIDE, SIDE))
        z, sigma = trainer._noise(condition), torch.tensor([0.5, 0.5])
        averaged = made.velocity(trainer.averaged(), z, sigma, condition)
        teacher = made.velocity(made.pipe.transformer, z, sigma, condition)
        names = set(made.pipe.transformer.state_dict())
        trainer.finish()
        finished = made.velocity(made.pipe.transformer, z, sigma, condition)
    assert set(made.pipe.transformer.state_dict()) == names  # no adapters left
    assert made.pipe.transformer is trainer.student
    torch.testing.assert_close(finished, averaged, atol=1e-5, rtol=1e-5)
    assert float((finished - teacher).abs().max()) > 1e-4


def test_learning_rate_rises_stays_and_falls():
    from evalkit.student.recipe.optim import learning_rate

    factors = [learning_rate(step, 10, 2, 4) for step in range(11)]
    assert factors == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0])
    assert learning_rate(3, 1000, 2, 4) == learning_rate(3, 10, 2, 4)


def test_bfloat16_weights_are_averaged_in_float32_and_adapters_are_float32(checkpoints):
    import torch

    from evalkit.student.recipe.optim import Ema

    transformer = family(checkpoints / "q21").pipe.transformer.to(torch.bfloat16)
    assert {average.dtype for average in Ema(transformer, 0.9).weights.values()} == {torch.float32}
    add_lora(transformer, Lora(**LORA))
    trainable = [weight for weight in transformer.parameters() if weight.requires_grad]
    assert {weight.dtype for weight in trainable} == {torch.float32}
    assert transformer.img_in.weight.dtype == torch.bfloat16
