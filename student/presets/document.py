"""Writes `docs/models.md` from the presets: `python -m evalkit.student.presets.document`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.api.records import Task
from evalkit.student.presets import presets
from evalkit.student.presets.preset import Preset

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "docs" / "models.md"
TASKS = {Task.T2I: "text to image", Task.EDIT: "edit"}
HEAD = """# Models

A preset is a generator for a known model. It sets weights, steps, sigmas, guidance, dtype and sizes, and avoids the
known traps.
This page is generated from `student/presets/data/*.yaml` by `python -m evalkit.student.presets.document`.

    evalkit run --student qwen-image-2.1-turbo --teacher qwen-image-2.1 --benchmark suite/
    evalkit run --student qwen-image-2.1-turbo:model=/weights/turbo …      # your own weights
    evalkit run --student qwen-image-flash:/ckpt/1000 …                    # the setting that the preset asks for
    evalkit run --student qwen-image-flash:url=https://host/v1 …           # the same model behind an endpoint
    evalkit list generators         # one line for each preset
    evalkit doctor                  # which presets can run here, and what the others need; uses no network

Any setting of the `diffusers` generator (of `http`, if an address is given) can replace that of a preset, also in a
config:

```yaml
teacher: { use: qwen-image-2.1, num_inference_steps: 20, offload: model }
```

A package can bring presets of its own: an entry point of the group `evalkit.presets` names a function that returns
them (`lambda: evalkit.student.presets.presets(folder)`). The JSON schema of the files is
`student/presets/preset.schema.json`.

The tests check NFE and sigmas on tiny random checkpoints of the same pipeline classes: NFE is what the hook on the
transformer counts, the sigmas are those the scheduler used. Memory is an estimate; its basis is given below.
This project has not run the full-size weights themselves.
"""


def document(known: Sequence[Preset]) -> str:
    """The page as Markdown."""
    rows = [
        f"| `{p.name}` | {', '.join(TASKS[task] for task in p.tasks)} | {p.steps} | {p.guidance} | {p.nfe} "
        f"| {_memory(p)} | {p.licence} |"
        for p in known
    ]
    head = "| preset | task | steps | guidance | NFE | GPU memory (with offload) | licence |"
    return "\n".join([HEAD, head, "|---" * 7 + "|", *rows, "", *map(_section, known)])


def _memory(preset: Preset) -> str:
    if preset.memory is None:
        return "none needed" if preset.packaged else "not known"
    offload = f" ({preset.memory.offload_gib:g})" if preset.memory.offload_gib else ""
    return f"{preset.memory.gib:g} GiB{offload}"


def _section(preset: Preset) -> str:
    d = preset.diffusers
    facts = {
        "weights": ", ".join(f"`{each}`" for each in (_weights(d.model), d.lora) if each),
        "asks for": "; ".join(f"`{key}`: {what}" for key, what in preset.ask.items()),
        "sigmas": preset.schedule + (f": {_grid(preset)}" if preset.grid else ""),
        "dtype": d.dtype,
        "sizes": ", ".join(preset.sizes),
        "memory": preset.memory.basis if preset.memory else "",
        "sources": "; ".join(preset.sources),
    }
    lines = [f"- {key}: {value}" for key, value in facts.items() if value]
    return "\n".join([f"## {preset.name}", "", preset.summary, "", *lines, "- traps:", *_traps(preset), ""])


def _weights(model: str) -> str:
    """A hub id, or the path of packaged weights inside the package."""
    root = str(ROOT)
    return model.removeprefix(root).lstrip("/") if model.startswith(root) else model


def _grid(preset: Preset) -> str:
    assert preset.grid
    return f"{', '.join(f'{sigma:.6g}' for sigma in preset.grid.sigmas)} at {preset.grid.size}"


def _traps(preset: Preset) -> list[str]:
    return [f"  - {trap}" for trap in preset.traps]


if __name__ == "__main__":
    PATH.write_text(document(presets()), encoding="utf-8")
