"""The plug-ins keep their contracts."""

from evalkit_example_plugin.generator import GradientGenerator
from evalkit_example_plugin.judge import SharpnessJudge

from evalkit.testing import check_generator, check_judge


def test_the_judge() -> None:
    """With its defaults, and where every picture gets a finding."""
    check_judge(SharpnessJudge)
    check_judge(SharpnessJudge, settings={"least": 1.0})


def test_the_generator() -> None:
    """With its defaults."""
    check_generator(GradientGenerator)
