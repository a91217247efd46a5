"""Weights that are damaged, hostile or missing, devices that are not there, and what identifies a checkpoint."""

import json
import shutil
import subprocess
import sys

import pytest

from evalkit.api.errors import UnavailableError
from evalkit.student.pipelines.checkpoint import content_digest, file_digest
from evalkit.student.presets import DATA
from tests.student.drawing import STUDENT, generator, request

pytestmark = pytest.mark.slow
FLASH_MINI = DATA.parents[1] / "mini" / "weights" / "flash-mini"


def damaged(checkpoints, tmp_path, part, change):
    from safetensors.torch import load_file, save_file

    model = shutil.copytree(checkpoints / "q21", tmp_path / "damaged")
    (file,) = (model / part).glob("*.safetensors")
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    return model


def test_broken_numbers_are_an_error_and_not_a_black_picture(checkpoints, tmp_path):
    def spoil(tensors):
        tensors["proj_out.weight"] *= float("nan")

    (result,) = generator(damaged(checkpoints, tmp_path, "transformer", spoil), **STUDENT).generate([request()])
    assert "not finite" in result.error


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_a_missing_tensor_is_refused_and_not_random(checkpoints, tmp_path, part):
    def drop(tensors):
        del tensors[min(name for name in tensors if name.endswith("weight"))]

    with pytest.raises(UnavailableError, match=f"{part} lacks 1 tensors"):
        generator(damaged(checkpoints, tmp_path, part, drop)).generate([request()])


@pytest.mark.parametrize("keep", [0, 7, 200, -1])
def test_truncated_weights_stop_the_run_with_the_file_and_a_hint(checkpoints, tmp_path, keep):
    model = shutil.copytree(checkpoints / "q21", tmp_path / "model")
    file = model / "vae" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(UnavailableError) as caught:
        generator(model).generate([request()])
    assert caught.value.where == str(file)
    assert "fetch it again" in caught.value.hint


def test_pickle_weights_are_never_opened(checkpoints, tmp_path):
    model = shutil.copytree(checkpoints / "q21", tmp_path / "model")
    (file,) = (model / "transformer").glob("*.safetensors")
    file.unlink()
    trap = tmp_path / "opened"
    call = f"cposix\nsystem\n(S'touch {trap}'\ntR.".encode()
    (model / "transformer" / "diffusion_pytorch_model.bin").write_bytes(call)
    with pytest.raises(UnavailableError, match="pickle") as caught:
        generator(model).generate([request()])
    assert "save_pretrained" in caught.value.hint
    assert not trap.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"_class_name": "StableDiffusionPipeline"},
        {"_class_name": ["pipeline.py", "Mine"]},
        {"transformer": ["os", "system"]},
        {"transformer": ["my_package.code", "Model"]},
        {"vae": ["evalkit.student.mini", "LinearCodec"]},
        {"vae": ["evalkit.student.mini.codec.os", "system"]},
        {"vae": ["evalkit.student.mini.codec", "codec.LinearCodec"]},
        {"vae": ["evalkit.student.mini.codec", "ModelMixin"]},
        {"vae": [["evalkit.student.mini.codec"], "LinearCodec"]},
        {"vae": ["student.mini.codec", "ModelMixin"]},
        {"vae": ["student.mini.codec", "SamplePredictionScheduler"]},
        {"vae": ["student.mini.codec.os", "system"]},
        {"vae": ["student.mini.build", "build_pipeline"]},
        {"vae": [["student.mini.codec"], "LinearCodec"]},
        {"../vae": ["diffusers", "AutoencoderKL"]},
    ],
)
def test_a_model_index_cannot_bring_its_own_code(checkpoints, tmp_path, change):
    model = shutil.copytree(checkpoints / "q21", tmp_path / "model")
    index = json.loads((model / "model_index.json").read_text())
    (model / "model_index.json").write_text(json.dumps(index | change))
    with pytest.raises(UnavailableError):
        generator(model).generate([request()])


def test_the_parts_of_our_own_mini_models_are_loaded(checkpoints, tmp_path):
    import torch
    from diffusers import QwenImage21Pipeline

    from evalkit.student.mini.codec import LinearCodec
    from evalkit.student.mini.scheduler import SamplePredictionScheduler

    codec = LinearCodec(z_dim=8, latents_mean=[0.0] * 8, latents_std=[1.0] * 8)
    torch.nn.init.normal_(codec.basis)
    parts = {"vae": codec, "scheduler": SamplePredictionScheduler(shift=2.0, use_dynamic_shifting=False)}
    QwenImage21Pipeline.from_pretrained(checkpoints / "q21", **parts).save_pretrained(tmp_path)
    assert "evalkit.student.mini.scheduler" in (tmp_path / "model_index.json").read_text()
    images = generator(tmp_path, num_inference_steps=4)
    (drawn,) = images.generate([request()])
    pipe = images._load().pipe
    assert (type(pipe.vae), type(pipe.scheduler)) == (LinearCodec, SamplePredictionScheduler)
    assert (drawn.nfe, drawn.image.shape) == (4, (64, 64, 3))
    assert drawn.notes["sigmas"][:2] == [1.0, 0.8571]
    exact = generator(tmp_path, sigmas=(1.0, 0.5), scheduler={"shift": 1.0})
    assert exact.generate([request()])[0].notes["sigmas"] == [1.0, 0.5, 0.0]
    assert type(exact._load().pipe.scheduler) is SamplePredictionScheduler


@pytest.fixture
def old_mini(tmp_path):
    """A copy of flash-mini as it was written when its classes had the names `student.mini.codec` and `.scheduler`."""
    model = shutil.copytree(FLASH_MINI, tmp_path / "old-mini")
    index = (model / "model_index.json").read_text()
    (model / "model_index.json").write_text(index.replace('"evalkit.student.mini.', '"student.mini.'))
    return model


def test_a_mini_with_the_former_class_names_is_loaded_by_the_current_ones(old_mini):
    from diffusers import QwenImage21Pipeline

    asked = request(prompt='Poster "TEA" in red in the first row on white.', width=128, height=128)
    settings = {"num_inference_steps": 1, "output_resolution": 128, "device": "cpu"}
    old, new = generator(old_mini, **settings), generator(FLASH_MINI, **settings)
    one, other = (images.generate([asked])[0] for images in (old, new))
    assert (one.image == other.image).all()
    pipe = old._load().pipe
    assert type(pipe) is QwenImage21Pipeline
    assert type(pipe.vae).__module__ == "evalkit.student.mini.codec"
    assert type(pipe.scheduler).__module__ == "evalkit.student.mini.scheduler"
    assert not [name for name in sys.modules if name.split(".")[0] == "student"], "the former name is never imported"


def test_the_new_class_names_do_not_change_the_fingerprint_of_a_mini(old_mini):
    assert content_digest(old_mini) == content_digest(FLASH_MINI)
    assert file_digest(old_mini / "model_index.json") != file_digest(FLASH_MINI / "model_index.json")


@pytest.mark.parametrize("content", ["", "[]", "{not json", None])
def test_a_folder_that_is_not_a_checkpoint_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "model_index.json").write_text(content)
    with pytest.raises(UnavailableError, match=r"model_index\.json"):
        generator(tmp_path).generate([request()])


def test_weights_that_are_not_there_say_how_to_get_them(tmp_path):
    with pytest.raises(UnavailableError) as caught:
        generator("nobody/no-such-model", revision="v1").generate([request()])
    assert "hf download nobody/no-such-model --revision v1" in caught.value.hint
    with pytest.raises(UnavailableError, match="no such folder"):
        generator("/no/such/folder").fingerprint(request().case)
    single = tmp_path / "model.safetensors"
    single.write_bytes(b"x")
    with pytest.raises(UnavailableError, match="not a folder"):
        generator(single).generate([request()])


def test_a_device_that_is_not_there_stops_the_run_with_the_next_step(checkpoints):
    import torch

    missing = f"cuda:{torch.cuda.device_count()}"
    images = generator(checkpoints / "q21", device=missing)
    with pytest.raises(UnavailableError, match=f"device {missing} is not there") as caught:
        images.generate([request()])
    assert "device: cpu" in caught.value.hint
    assert images.info().hardware == ""


# ------------------------------------------------------------------------------------------------ identity


def test_the_fingerprint_follows_weights_and_settings_and_not_place_or_batch(checkpoints, tmp_path):
    case = request().case
    first = generator(checkpoints / "q21", **STUDENT).fingerprint(case)
    moved = shutil.copytree(checkpoints / "q21", tmp_path / "moved")
    same = generator(moved, **STUDENT, batch_size=4, device="cpu", name="mine")
    assert same.fingerprint(case) == first
    for change in (
        {"true_cfg_scale": 2.0},
        {"scheduler": {}},
        {"lora": checkpoints / "lora.safetensors"},
        {"rgba_background": (0, 0, 0)},
        {"dtype": "bfloat16"},
    ):
        assert generator(moved, **STUDENT | change).fingerprint(case) != first


def test_the_fingerprint_tells_two_trainings_of_one_architecture_apart(checkpoints, tmp_path):
    model = shutil.copytree(checkpoints / "q21", tmp_path / "model")
    first = generator(model).fingerprint(request().case)
    (file,) = (model / "transformer").glob("*.safetensors")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1  # one bit of one weight: the same name, size and header
    file.write_bytes(data)
    assert generator(model).fingerprint(request().case) != first


def test_the_fingerprint_costs_no_torch(checkpoints):
    code = (
        "import sys; from evalkit.api.records import Case;"
        "from evalkit.student.pipelines.generator import DiffusersGenerator as G;"
        "from evalkit.student.http import HttpGenerator;"
        f"print(G(G.Settings(model={str(checkpoints / 'q21')!r})).fingerprint(Case(id='a', prompt='a')));"
        "assert not {'torch', 'diffusers', 'transformers', 'PIL'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == generator(checkpoints / "q21", dtype="bfloat16").fingerprint(request().case)


def test_info_names_the_model_and_closing_twice_is_fine(checkpoints):
    images = generator(checkpoints / "q21", lora=checkpoints / "lora.safetensors", licence="research")
    info = images.info()
    assert (info.name, info.licence) == ("q21+lora", "research")
    assert info.hardware
    images.generate([])
    images.close()
    images.close()
