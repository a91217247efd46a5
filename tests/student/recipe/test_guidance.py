"""Step-wise multi-teacher guidance: weights sum to 1, rules apply where they should, wrong schedules are refused."""

import pytest

from evalkit.api.records import Task
from evalkit.student.recipe.config import BASE, TeacherRule
from evalkit.student.recipe.guidance import check_schedule, mix, teacher_weights


def rule(teacher, weight, **where):
    return TeacherRule(teacher=teacher, weight=weight, **where)


SCHEDULE = (
    rule("text", 0.6, steps=(0, 1), categories=("text",)),
    rule("text", 0.2, steps=(2,)),
    rule("edit", 0.3, tasks=(Task.EDIT,)),
    rule("none", 0.0),
)
CATEGORIES = {Task.T2I: ["text", "shapes"], Task.EDIT: ["text", "shapes"]}


def test_weights_sum_to_one_at_every_step_for_every_condition():
    for step in range(4):
        for task, names in CATEGORIES.items():
            for category in names:
                weights = teacher_weights(SCHEDULE, step, task, category)
                assert sum(weights.values()) == pytest.approx(1, abs=1e-12)
                assert all(weight > 0 for weight in weights.values())


@pytest.mark.parametrize(
    ("step", "task", "category", "expected"),
    [
        (0, Task.T2I, "text", {"text": 0.6, BASE: 0.4}),
        (1, Task.EDIT, "text", {"text": 0.6, "edit": 0.3, BASE: 0.1}),
        (0, Task.T2I, "shapes", {BASE: 1.0}),
        (2, Task.EDIT, "shapes", {"text": 0.2, "edit": 0.3, BASE: 0.5}),
        (3, Task.T2I, "text", {BASE: 1.0}),
    ],
)
def test_rules_apply_by_step_task_and_category(step, task, category, expected):
    assert teacher_weights(SCHEDULE, step, task, category) == pytest.approx(expected)


def test_one_teacher_alone_is_a_special_case():
    assert teacher_weights((), 0, Task.T2I, "text") == {BASE: 1.0}
    assert teacher_weights((rule("text", 0.0),), 0, Task.T2I, "text") == {BASE: 1.0}
    assert teacher_weights((rule("text", 1.0),), 0, Task.T2I, "text") == {"text": 1.0}


def test_wrong_schedules_fail_before_any_training():
    with pytest.raises(ValueError, match=r"the weights sum to 1\.2, above 1, at step 1"):
        check_schedule((rule("a", 0.6), rule("b", 0.6, steps=(1,))), 4, CATEGORIES)
    with pytest.raises(ValueError, match="'a' applies at step 4, but the student has 4 steps"):
        check_schedule((rule("a", 0.5, steps=(4,)),), 4, CATEGORIES)
    with pytest.raises(ValueError, match="less than or equal to 1"):
        rule("a", 1.1)
    check_schedule(SCHEDULE, 4, CATEGORIES)
    # never together in one condition, so their weights may exceed 1
    check_schedule((rule("a", 0.8, tasks=(Task.T2I,)), rule("b", 0.8, tasks=(Task.EDIT,))), 4, CATEGORIES)


def test_mixing_x0_is_mixing_scores():
    import torch

    generator = torch.Generator().manual_seed(0)
    z, a, b = torch.randn(3, 2, 5, 4, generator=generator, dtype=torch.float64)
    sigma = torch.tensor([0.3, 0.8], dtype=torch.float64).view(2, 1, 1)

    def score(x0):  # of z = (1 - σ)·x0 + σ·ε: ∇ log p = -ε / σ
        return -(z - (1 - sigma) * x0) / sigma**2

    rows = [{"a": 0.25, "b": 0.75}, {"b": 1.0}]
    mixed = mix({"a": a, "b": b}, rows)
    torch.testing.assert_close(mixed[0], 0.25 * a[0] + 0.75 * b[0])
    assert torch.equal(mixed[1], b[1])
    torch.testing.assert_close(score(mixed), mix({"a": score(a), "b": score(b)}, rows))
