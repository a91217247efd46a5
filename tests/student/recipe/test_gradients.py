"""The gradient of distribution matching, with several teachers and with one."""

import pytest

from evalkit.api.records import Task
from evalkit.student.recipe.config import BASE
from evalkit.student.recipe.distill import Distillation
from evalkit.student.recipe.flow import interpolate, x0_from_velocity
from evalkit.student.recipe.sample import euler
from tests.student.recipe.helpers import KIND_IDS, KINDS, SIDE, batches, family
from tests.student.recipe.recipes import checked, distillation, teaching

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_sources")]
GUIDANCE = 2.0
SCHEDULE = [
    {"teacher": "one", "weight": 0.5, "steps": [0, 1]},
    {"teacher": "two", "weight": 0.3, "categories": ["dark"]},
]
NFE = 3


def altered(transformer, seed):
    """Another teacher: every weight moved a little."""
    import copy

    import torch

    other, generator = copy.deepcopy(transformer), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in other.parameters():
            weight += 0.1 * weight.abs().mean() * torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
    return other


@pytest.fixture
def trainer(checkpoints):
    def make(name="q21", task=Task.T2I, schedule=SCHEDULE):
        made = family(checkpoints / name)
        made.pipe.transformer.double()
        made.pipe.text_encoder.double()
        base = made.pipe.transformer
        teachers = {BASE: base, "one": altered(base, 1), "two": altered(base, 2)}
        settings = {"grid": {"nfe": NFE}, "teachers": {"one": ".", "two": "."}, "schedule": schedule}
        recipe = checked(distillation(".", steps=9, guidance=GUIDANCE, **settings))
        trainer = Distillation(made, teachers, batches(made, task, size=3), recipe, (SIDE, SIDE), seed=0)
        trainer.fake.load_state_dict(altered(base, 3).state_dict())
        trainer.student.load_state_dict(altered(base, 4).state_dict())
        return trainer

    return make


def condition_of(trainer, batch):
    import torch

    with torch.no_grad():
        return tuple(
            trainer.family.encode(prompts, batch.sources, (SIDE, SIDE)) for prompts in (batch.prompts, [""] * 3)
        )


def sample(condition, trainer):
    import torch

    rows, columns = condition.shapes[-1]
    shape = (3, rows * columns, trainer.student.config.in_channels)
    return torch.randn(shape, generator=torch.Generator().manual_seed(7)).double()


@pytest.mark.parametrize("step", [0, 2])
@pytest.mark.parametrize(("name", "task"), KINDS, ids=KIND_IDS)
def test_the_gradient_is_the_stated_one(trainer, name, task, step):
    """(fake x0 - Σ λ·teacher x0 with guidance) / mean |x0 - real x0|, teacher by teacher, row by row."""
    import torch

    trainer = trainer(name, task)
    batch = trainer.batches[0]
    assert {example.category for example in batch.examples} == {"dark", "light"}
    condition, empty = condition_of(trainer, batch)
    x0 = sample(condition, trainer)
    state = trainer.random.get_state()
    gradient = trainer.gradient(x0, batch, step, condition, empty)

    trainer.random.set_state(state)
    sigma = trainer._sigmas(3)
    z = interpolate(x0, trainer._normal(x0), sigma)

    def x0_of(network, guided):
        velocity = trainer.family.velocity(network, z, sigma, condition)
        if guided:
            without = trainer.family.velocity(network, z, sigma, empty)
            velocity = trainer.family.guided(velocity, without, GUIDANCE)
        return x0_from_velocity(z, velocity, sigma)

    with torch.no_grad():
        base, one, two = (x0_of(trainer.teachers[teacher], True) for teacher in (BASE, "one", "two"))
        fake = x0_of(trainer.fake, False)
    for row, example in enumerate(batch.examples):
        first = 0.5 if step < 2 else 0.0
        second = 0.3 if example.category == "dark" else 0.0
        real = first * one[row] + second * two[row] + (1 - first - second) * base[row]
        expected = (fake[row] - real) / (x0[row] - real).abs().mean()
        torch.testing.assert_close(gradient[row], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_weight_0_is_the_base_teacher_alone_and_weight_1_the_expert_alone(trainer, weight):
    import torch

    mixed, alone = trainer(schedule=[{"teacher": "one", "weight": weight}]), trainer(schedule=[])
    if weight:
        alone.teachers = {BASE: alone.teachers["one"]}
    batch = mixed.batches[0]
    condition, empty = condition_of(mixed, batch)
    x0 = sample(condition, mixed)
    gradients = [each.gradient(x0, batch, 0, condition, empty) for each in (mixed, alone)]
    assert torch.equal(*gradients)


def test_a_teacher_of_weight_0_is_not_evaluated(trainer):
    trainer = trainer(schedule=[{"teacher": name, "weight": weight} for name, weight in (("one", 1.0), ("two", 0.0))])
    batch = trainer.batches[0]
    condition, empty = condition_of(trainer, batch)
    evaluated = []
    for name, teacher in trainer.teachers.items():
        teacher.register_forward_hook(lambda *_, name=name: evaluated.append(name))
    trainer.gradient(sample(condition, trainer), batch, 0, condition, empty)
    assert evaluated == ["one", "one"]  # with the prompt and without


def test_the_surrogate_hands_the_gradient_to_x0(trainer, monkeypatch):
    import torch

    trainer = trainer()
    x0 = torch.randn(3, 4, 8, dtype=torch.float64, requires_grad=True)
    gradient = torch.randn(3, 4, 8, dtype=torch.float64)
    monkeypatch.setattr(trainer, "simulate", lambda *_: x0)
    monkeypatch.setattr(trainer, "gradient", lambda *_: gradient)
    trainer.step()
    torch.testing.assert_close(x0.grad * x0.numel(), gradient)


@pytest.mark.parametrize("step", range(NFE))
@pytest.mark.parametrize(("name", "task"), [KINDS[1], KINDS[2]], ids=[KIND_IDS[1], KIND_IDS[2]])
def test_the_students_gradient_matches_finite_differences(trainer, monkeypatch, name, task, step):
    """Along random directions through all weights; earlier steps of the simulation are held fixed, as documented."""
    import torch

    trainer = trainer(name, task)
    student, kept = trainer.student, {}
    simulate, gradient = trainer.simulate, trainer.gradient

    def simulate_step(condition, _):
        kept.update(condition=condition, state=trainer.random.get_state())
        return simulate(condition, step)

    def gradient_at(x0, batch, _, *rest):
        kept["gradient"] = gradient(x0, batch, step, *rest)
        return kept["gradient"]

    def keep_gradients(module, *_):
        if module is student:
            kept["of weights"] = {key: w.grad for key, w in module.named_parameters() if w.grad is not None}

    monkeypatch.setattr(trainer, "simulate", simulate_step)
    monkeypatch.setattr(trainer, "gradient", gradient_at)
    monkeypatch.setattr(trainer, "_update", keep_gradients)
    trainer.step()

    condition, sigmas = kept["condition"], trainer.sigmas
    trainer.random.set_state(kept["state"])
    noise = trainer._noise(condition)
    z = euler(trainer.family, student, noise, sigmas[: step + 1], condition).double()
    sigma = z.new_full((len(z),), sigmas[step])

    def surrogate():
        x0 = x0_from_velocity(z, trainer.family.velocity(student, z, sigma, condition), sigma)
        return float((x0 * kept["gradient"]).mean())

    weights = dict(student.named_parameters())
    generator = torch.Generator().manual_seed(step)
    eps = 1e-3
    with torch.no_grad():
        for _ in range(2):
            way = {
                key: torch.randn(w.shape, generator=generator, dtype=w.dtype) * w.abs().mean()
                for key, w in weights.items()
            }
            values = []
            for sign in (1, -2):
                for key, weight in weights.items():
                    weight += sign * eps * way[key]
                values.append(surrogate())
            for key, weight in weights.items():
                weight += eps * way[key]
            numeric = (values[0] - values[1]) / (2 * eps)
            exact = sum(float((gradient * way[key]).sum()) for key, gradient in kept["of weights"].items())
            assert numeric == pytest.approx(exact, rel=1e-2, abs=1e-6)
            assert abs(exact) > 1e-5


@pytest.mark.parametrize(("name", "task"), KINDS[::2], ids=KIND_IDS[::2])
def test_gradient_checkpointing_gives_the_same_gradients(checkpoints, name, task):
    import torch

    from evalkit.student.recipe.teach import Teaching

    made = family(checkpoints / name)
    recipe = checked(teaching(".", train_text_encoder=False))
    transformer, found = made.pipe.transformer, []
    for on in (False, True):
        if on:
            transformer.enable_gradient_checkpointing()
        transformer.zero_grad()
        Teaching(made, batches(made, task), recipe, (SIDE, SIDE), seed=0).loss(0).backward()
        found.append([weight.grad.clone() for weight in transformer.parameters() if weight.grad is not None])
    assert transformer.is_gradient_checkpointing
    for plain, checkpointed in zip(*found, strict=True):
        torch.testing.assert_close(plain, checkpointed, rtol=1e-5, atol=1e-7)
