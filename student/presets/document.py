"""`docs/models.md`, written from the presets: `python -m evalkit.student.presets.document`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.api.records import Task
from evalkit.student.presets import presets
from evalkit.student.presets.preset import Preset

PATH = Path(__file__).parents[2] / "docs" / "models.md"
TASKS = {Task.T2I: "text to image", Task.EDIT: "edit"}
HEAD = """# Models

A preset is a known model as a generator: its weights, steps, sigmas, guidance, dtype, sizes, and the traps handled.
This page is written from `student/presets/data/*.yaml` by `python -m evalkit.student.presets.document`.

    evalkit run --student qwen-image-2.1-turbo --teacher qwen-image-2.1 --benchmark suite/
    evalkit run --student qwen-image-2.1-turbo:model=/weights/turbo …      # your own weights
    evalkit run --student qwen-image-flash:/ckpt/1000 …                    # what a preset asks for, as a bare value
    evalkit run --student qwen-image-flash:url=https://host/v1 …           # or behind an endpoint
    evalkit list generators         # the presets in short
    evalkit doctor                  # which of them can run here, and what the others lack; asks no network

Any setting of the `diffusers` generator (with an address: of `http`) can be put over a preset's, in a config too:

```yaml
teacher: { use: qwen-image-2.1, num_inference_steps: 20, offload: model }
```

Other people's presets are found by an entry point of the group `evalkit.presets` that names a function which returns
them (`lambda: student.presets.presets(folder)`); the files have a JSON schema, `student/presets/preset.schema.json`.

NFE and sigmas are proven by the tests on tiny random checkpoints of the same pipeline classes: NFE is what the hook on
the transformer counts, the sigmas are those the scheduler used. Memory is an estimate, with its basis below.
The full-size weights themselves have not been run by this project.
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
    """A hub id, or what is packaged by its place in the package."""
    root = str(PATH.parents[1])
    return model.removeprefix(root).lstrip("/") if model.startswith(root) else model


def _grid(preset: Preset) -> str:
    assert preset.grid
    return f"{', '.join(f'{sigma:.6g}' for sigma in preset.grid.sigmas)} at {preset.grid.size}"


def _traps(preset: Preset) -> list[str]:
    return [f"  - {trap}" for trap in preset.traps]


if __name__ == "__main__":
    PATH.write_text(document(presets()), encoding="utf-8")
