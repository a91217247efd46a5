"""The five rooms are top-level packages with common names: check at start-up that they are ours."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from evalkit.errors import RoomsError

ROOMS = ("benchmarks", "student", "judges", "reports")


def check_rooms() -> None:
    """Raise `RoomsError` unless every room is the sibling of `evalkit`. Imports none of them."""
    home = Path(__file__).resolve().parent.parent
    for room in ROOMS:
        spec = find_spec(room)
        if spec is None:
            raise RoomsError(
                f"the package `{room}` of evalkit is missing", where=str(home), hint="reinstall: pip install evalkit"
            )
        found = Path(spec.origin).resolve().parent if spec.origin else None
        if found != home / room:
            raise RoomsError(
                f"`{room}` is imported from {found or 'a namespace package'}, not from evalkit",
                where=str(home / room),
                hint=f"another project's `{room}` comes first on sys.path: install evalkit in its own environment, "
                "or unset PYTHONPATH",
            )
