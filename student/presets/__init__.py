"""Known models as generators, one YAML file each in `data/`: steps, sigmas, guidance, sizes, memory, licence, traps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.student.presets.preset import Preset, read_preset

DATA = Path(__file__).with_name("data")


def presets(folder: Path = DATA) -> Sequence[Preset]:
    """The presets of a folder, by file name [entry point `evalkit.presets`].

    Raises:
        ConfigError: a file is not a preset.
    """
    return [read_preset(path) for path in sorted(folder.glob("*.yaml"), key=lambda path: path.stem)]
