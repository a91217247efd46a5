"""One process of several, as `accelerate launch` starts them: `python -m tests.student.recipe.one_process FOLDER`.

Runs every recipe of FOLDER, the distillations once in one go and once stopped (by the last process alone) and resumed,
and prints what it has: the digest of all trained weights, and the losses it saw.
"""

import hashlib
import json
import sys
from pathlib import Path

from evalkit.student.recipe.config import read_recipe
from evalkit.student.recipe.run import RecipeRunner
from tests.student.recipe.helpers import FlatData


class ObservedRunner(RecipeRunner):
    """Keeps its trainer."""

    def _trainer(self, *arguments):
        self.trainer = super()._trainer(*arguments)
        return self.trainer

    def after_one_step(self) -> bool:
        return self.trainer.done == 1

    def digest(self) -> str:
        digest = hashlib.sha256()
        for name, average in sorted(self.trainer.ema.weights.items()):
            digest.update(name.encode() + average.numpy().tobytes())
        return digest.hexdigest()


def main(folder: Path, rank: int) -> None:
    import torch

    torch.set_num_threads(1)
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        recipe = read_recipe(path)
        whole = ObservedRunner(recipe, FlatData(), folder / f"{path.stem}-whole")
        losses = [row.get("loss", row.get("fake_loss")) for row in whole.run()]
        found[path.stem] = {"whole": whole.digest(), "losses": losses, "main": whole.is_main_process}
        if recipe.kind == "teach":
            continue
        parts = ObservedRunner(recipe, FlatData(), folder / f"{path.stem}-parts")
        done = sum(1 for _ in parts.run(parts.after_one_step if rank == 1 else lambda: False))
        again = ObservedRunner(recipe, FlatData(), folder / f"{path.stem}-parts")
        more = sum(1 for _ in again.run())
        found[path.stem] |= {"parts": again.digest(), "stopped": [done, more]}
    print(json.dumps(found))


if __name__ == "__main__":
    import os

    main(Path(sys.argv[1]), int(os.environ["RANK"]))
