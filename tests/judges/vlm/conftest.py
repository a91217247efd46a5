"""The command, for tests of the judge in whole runs."""

from tests.evalkit.conftest import environment, evalkit

__all__ = ["environment", "evalkit"]
