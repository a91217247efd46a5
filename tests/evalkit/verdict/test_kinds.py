"""A failed control makes only those gates undecided that rest on what it speaks for."""

import pytest

from evalkit.api.results import ControlResult
from evalkit.verdict.kinds import concerns

RESTS_ON = {"vlm": frozenset({"vlm.text", "vlm.compliance"})}


@pytest.mark.parametrize(
    ("judge", "dimensions", "expected"),
    [
        ("vlm", ("vlm.text",), True),
        ("vlm", ("vlm.quality",), False),
        ("vlm", (), True),
        ("typography", (), False),
    ],
)
def test_a_control_concerns_a_gate(judge: str, dimensions: tuple[str, ...], expected: bool) -> None:
    control = ControlResult(judge, "a control", "the rule", False, dimensions=dimensions)
    assert concerns(control, RESTS_ON) is expected
