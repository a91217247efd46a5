"""Checks for the tests of a plug-in: each one exercises a plug-in against its contract.

    from evalkit.testing import check_judge

    def test_contract():
        check_judge(MyJudge)

They raise `AssertionError` with a sentence that says what is wrong, and use no test framework. They check the class as
evalkit does when it loads it, create an instance, and use it once on small inputs. Errors that say that something is
missing on this machine (`UnavailableError`) are raised as they are.
"""

from evalkit.testing.benchmarks import check_benchmark
from evalkit.testing.exporters import check_exporter, example_results
from evalkit.testing.generators import check_generator
from evalkit.testing.judges import check_judge
from evalkit.testing.metrics import check_metric

__all__ = ["check_benchmark", "check_exporter", "check_generator", "check_judge", "check_metric", "example_results"]
