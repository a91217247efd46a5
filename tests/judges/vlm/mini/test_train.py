"""Training: every loss is computed, helpers and patch waves are initialised, and training continues after a stop."""

import json
import math
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.errors import ConfigError
from evalkit.api.training import JudgeData
from evalkit.cli import main
from evalkit.judges.vlm.mini.local import FILES, WEIGHTS
from evalkit.judges.vlm.mini.train import Plan, Trainer, trainer

pytestmark = pytest.mark.slow


@pytest.fixture
def own_signals() -> Iterator[None]:
    """The command handles SIGINT and SIGTERM itself; pytest needs them back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def folder(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("training")
    tokenizer.save_pretrained(made / "tokenizer")
    return made


def steps(trainer: Trainer, count: int) -> list[dict[str, float]]:
    done: list[dict[str, float]] = []
    for figures in trainer.run(lambda: len(done) >= count):
        done.append(figures)  # noqa: PERF402 (the stop looks at it)
    return done


def test_training_saves_continues_and_exports(data: JudgeData, folder: Path) -> None:
    import torch

    first = Trainer(data, Plan(pictures=4, seeing=0.0, again=0.0), folder)
    before = {name: p.clone() for name, p in first.model.named_parameters()}
    for figures in steps(first, 2):
        assert {"choice", "reply", "truth", "tiles"} <= set(figures)
        assert all(math.isfinite(value) for value in figures.values())
    moved = {name for name, p in first.model.named_parameters() if not torch.equal(p, before[name])}
    assert "model.visual.blocks.0.attn.qkv.weight" in moved
    assert "model.language_model.layers.3.mlp.up_proj.weight" in moved
    assert not any("patch_embed" in name for name in moved)
    first.save()

    again = Trainer(data, Plan(pictures=4, seeing=0.0, again=0.0), folder)
    assert again.load()
    assert (again.step, again.spent) == (first.step, first.spent)
    for one, other in zip(first.optimizers, again.optimizers, strict=True):
        kept, loaded = one.state_dict()["state"], other.state_dict()["state"]
        assert kept.keys() == loaded.keys()
        assert all(torch.equal(kept[i][name], loaded[i][name]) for i in kept for name in kept[i])
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True))
    model = again.export()
    assert all((model / name).is_file() for name in FILES)
    assert sum(path.stat().st_size for path in model.iterdir()) < 25e6


def test_seeing_comes_first(data: JudgeData, folder: Path) -> None:
    first = Trainer(data, Plan(pictures=4, seeing=5.0), folder)
    (figures,) = steps(first, 1)
    assert set(figures) == {"step", "minutes", "tiles", "changes"}


@pytest.mark.parametrize("foreign", [b"not a checkpoint", b"", {"streams": []}])
def test_a_file_that_is_no_checkpoint_is_an_error(data: JudgeData, folder: Path, tmp_path: Path, foreign: Any) -> None:
    import torch

    shutil.copytree(folder / "tokenizer", tmp_path / "tokenizer")
    if isinstance(foreign, bytes):
        (tmp_path / "state.pt").write_bytes(foreign)
    else:
        torch.save(foreign, tmp_path / "state.pt")
    with pytest.raises(ConfigError, match=r"state\.pt: no checkpoint of this model"):
        trainer(data, tmp_path, minutes=1.0, seed=0)


def test_changed_prompts_are_an_error_before_training(data: JudgeData, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "tokenizer", tmp_path / "tokenizer")
    file = tmp_path / "tokenizer" / "tokenizer.json"
    file.write_text(file.read_text().replace("Describe the picture.", "Say what is there."))
    with pytest.raises(ConfigError, match=r"another prompt `describe\.0`"):
        trainer(data, tmp_path, minutes=1.0, seed=0)


def test_trained_weights_are_taught_more(data: JudgeData, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    made = trainer(data, tmp_path / "out", minutes=1.0, seed=0, start=WEIGHTS)
    own, shipped = made.model.state_dict(), load_file(WEIGHTS / "model.safetensors")
    assert all(torch.equal(own[name], shipped[name].float()) for name in shipped)
    (figures,) = steps(made, 1)
    assert figures["choice"] < 1.0, "it knows the answers already"
    assert any(not torch.equal(made.model.state_dict()[name], shipped[name].float()) for name in shipped)


def test_a_folder_without_weights_can_not_be_taught_more(data: JudgeData, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"empty: no config\.json"):
        trainer(data, tmp_path / "out", minutes=1.0, seed=0, start=tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []
    with pytest.raises(ConfigError, match="no weights of this model"):
        trainer(data, tmp_path / "out", minutes=1.0, seed=0, start=tiny)


@pytest.mark.usefixtures("own_signals")
def test_the_command_trains_for_its_time_and_then_only_exports(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    shutil.copytree(folder / "tokenizer", tmp_path / "tokenizer")
    command = ["judge", "train", str(tmp_path), "--minutes", "0.0001"]
    assert main(command) == 0
    model = tmp_path / "model"
    assert capsys.readouterr().out.splitlines()[-1] == str(model)
    assert all((model / name).is_file() for name in FILES)
    shutil.rmtree(model)
    assert main(command) == 0
    assert (model / "model.safetensors").is_file()
    step, _ = json.loads(torch.load(tmp_path / "state.pt", weights_only=True)["progress"])
    assert step == 1, "the time was spent by the first step"
