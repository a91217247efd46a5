"""The words that cases share (kinds, judges, categories, …), numbered so that a row of the list holds small numbers."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.api.records import JSON


class Names:
    """Names in the order in which they were met, each with the number of cases that have it."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._cases: list[int] = []
        for name in known:
            self.number(name)

    def number(self, name: str) -> int:
        """The number of `name`, a new one if it is new."""
        if name not in self._numbers:
            self._numbers[name] = len(self._cases)
            self._cases.append(0)
        return self._numbers[name]

    def count(self, names: Iterable[str]) -> None:
        """Count one case that has each of `names`."""
        for name in set(names):
            self._cases[self.number(name)] += 1

    def listed(self) -> list[JSON]:
        """[name, number of cases] in order of the numbers."""
        return [[name, self._cases[number]] for name, number in self._numbers.items()]
