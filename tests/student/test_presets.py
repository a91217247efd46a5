"""The presets: the real pipeline classes do what the files say, on tiny random checkpoints."""

import hashlib
import json
import socket

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from evalkit.api.errors import ConfigError, UnknownNameError
from evalkit.api.pictures import encode_png
from evalkit.api.records import SourceImage, Task
from evalkit.plugins.presets import presets as known_presets
from evalkit.plugins.registry import PluginSpec, create, names
from evalkit.student.pipelines.noise import noise_generators
from evalkit.student.pipelines.ready import Machine, missing_files, problems
from evalkit.student.pipelines.settings import DiffusersSettings
from evalkit.student.presets import DATA, document, presets, schema
from evalkit.student.presets.preset import read_preset
from evalkit.student.recipe.flow import dynamic_shift, sigma_grid
from tests.student import tiny_pipelines
from tests.student.drawing import draw, levels, request

pytestmark = pytest.mark.slow

FULL_SIZE = [preset for preset in presets() if not preset.packaged]
TINY = {"QwenImagePipeline": "t2i", "QwenImageEditPlusPipeline": "edit", "QwenImage21Pipeline": "q21", None: "q21"}
GPU = Machine((), cuda_build=True, driver=True, free_gib=(78.0,))
by_name = pytest.mark.parametrize("preset", FULL_SIZE, ids=lambda preset: preset.name)


@pytest.fixture(scope="module")
def loras(checkpoints, tmp_path_factory):
    folder = tmp_path_factory.mktemp("loras")
    return {
        model: tiny_pipelines.save_lora(checkpoints / model, folder / f"{model}.safetensors", strength=0.3)
        for model in ("t2i", "edit", "q21")
    }


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A source picture; Edit-Plus always works on a source of 1024x1024 px, which takes 20 s on a CPU."""
    module = pytest.importorskip("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus")
    monkeypatch.setattr(module, "VAE_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr(module, "CONDITION_IMAGE_SIZE", 64 * 64)
    data = encode_png(np.full((64, 64, 3), (200, 30, 90), np.uint8))
    path = tmp_path / "source.png"
    path.write_bytes(data)
    return SourceImage(str(path), hashlib.sha256(data).hexdigest())


@pytest.fixture
def tiny(checkpoints, loras):
    """A preset's generator with a tiny checkpoint in place of the weights; all else as the preset says."""

    def make(preset, edit=False, **settings):
        model = TINY[preset.diffusers.pipeline]
        lora = {"lora": str(loras[model])} if preset.diffusers.lora or "lora" in preset.ask else {}
        small = {"output_resolution": 64} if model == "q21" and edit else {}
        weights = {"model": str(checkpoints / model), "dtype": "float32", **lora, **small, **settings}
        return create("generators", PluginSpec(preset.name, weights))

    return make


def find(name):
    return next(preset for preset in FULL_SIZE if preset.name == name)


# ------------------------------------------------------------------------------------------------ NFE and sigmas


@by_name
def test_nfe_and_sigmas_are_those_the_preset_states(tiny, source, preset):
    for task in preset.tasks:
        edit = task is Task.EDIT
        images = tiny(preset, edit=edit)
        dynamic = preset.diffusers.scheduler.model_dump(exclude_unset=True).get("use_dynamic_shifting", True)
        size = preset.grid.size if preset.grid and dynamic and not edit else "64x64"
        width, height = map(int, size.split("x"))
        asked = request(task=task, source=source if edit else None, width=width, height=height)
        (drawn,) = draw(images, asked)
        pipe = images._load().pipe
        used = pipe.scheduler.sigmas.numpy()
        side = pipe.vae_scale_factor * (1 if TINY[preset.diffusers.pipeline] == "q21" else 2)
        shift = dynamic_shift(width * height // side**2, (256, 0.5), (8192, 0.9))
        stretch = 0.02 if "shift_terminal" not in preset.diffusers.scheduler.model_fields_set else None
        if preset.grid and (size == preset.grid.size or not dynamic):
            stated = preset.grid.sigmas
        else:  # the schedule of the checkpoint, which the tiny ones have from the real ones
            stated = sigma_grid(preset.steps, shift, stretch)
        assert drawn.nfe == preset.nfe
        assert np.abs(used - stated).max() < 1e-6
        assert len(used) == preset.steps + 1


def test_few_step_presets_take_no_useless_last_step():
    for preset in FULL_SIZE:
        if preset.steps <= 8:
            assert preset.diffusers.scheduler.shift_terminal is None
            assert "shift_terminal" in preset.diffusers.scheduler.model_fields_set, preset.name
            assert preset.diffusers.true_cfg_scale == 1.0


# ------------------------------------------------------------------------------------------------ traps


@pytest.mark.parametrize("name", ["qwen-image", "qwen-image-edit-2511", "qwen-image-2.0"])
def test_guidance_is_on_and_rescaled_in_1_x_only(tiny, source, name):
    preset = find(name)
    edit = Task.T2I not in preset.tasks
    images = tiny(preset, num_inference_steps=2)
    pipe, predictions, steps = images._load().pipe, [], []
    hook = pipe.transformer.register_forward_hook(lambda module, given, output: predictions.append(output[0]))
    step = pipe.scheduler.step
    pipe.scheduler.step = lambda velocity, *rest, **more: steps.append(velocity) or step(velocity, *rest, **more)
    draw(images, request(task=Task.EDIT if edit else Task.T2I, source=source if edit else None))
    hook.remove()
    asked, blank = (prediction[:, : steps[0].shape[1]] for prediction in predictions[:2])
    if name == "qwen-image-2.0":
        asked, blank = (prediction[:, -steps[0].shape[1] :] for prediction in predictions[:2])
    guided = blank + 4.0 * (asked - blank)
    if name != "qwen-image-2.0":
        guided = guided * asked.norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True)
    assert np.abs((steps[0] - guided).numpy()).max() < 1e-4
    assert np.abs((asked - blank).numpy()).max() > 0.01


@pytest.mark.parametrize(("name", "first"), [("qwen-image-2.1", False), ("qwen-image-edit-2511", True)])
def test_references_lie_before_the_target_in_2_1_and_behind_it_in_1_x(tiny, source, name, first):
    import torch

    images = tiny(find(name), edit=True, num_inference_steps=2)
    pipe, seen = images._load().pipe, []
    hook = pipe.transformer.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["hidden_states"].clone()), with_kwargs=True
    )
    asked = request(task=Task.EDIT, source=source)
    draw(images, asked)
    hook.remove()
    channels, side = (4, 16) if first else (8, 4)
    noise = torch.randn((1, 1, channels, side, side), generator=noise_generators([asked])[0])
    target = pipe._pack_latents(noise, 1, channels, side, side)
    tokens = target.shape[1]
    assert seen[0].shape[1] > tokens
    assert torch.equal(seen[0][:, :tokens] if first else seen[0][:, -tokens:], target)


def test_a_lora_preset_draws_with_its_lora(tiny):
    preset = find("qwen-image-lightning")
    (with_lora,), (without,) = draw(tiny(preset), request()), draw(tiny(preset, lora_scale=0.0), request())
    assert levels(with_lora, without) > 3


def test_a_size_the_model_was_not_made_for_is_noted(tiny):
    preset = find("qwen-image-lightning")
    (odd,) = draw(tiny(preset), request())
    (right,) = draw(tiny(preset, sizes=["64x64"]), request())
    assert "none of the sizes" in odd.notes["size"]
    assert "size" not in right.notes


# ------------------------------------------------------------------------------------------------ how they are named


def test_a_preset_is_used_by_its_name_and_settings_replace_its_own(tmp_path):
    images = create("generators", PluginSpec.parse("qwen-image-2.1-turbo", tmp_path))
    assert len(images.settings.sigmas) == 8
    assert (images.info().name, images.info().licence[:21]) == ("qwen-image-2.1-turbo", "Qwen Research License")
    (tmp_path / "turbo").mkdir()
    mine = create("generators", PluginSpec.parse("qwen-image-2.1-turbo:model=turbo,batch_size=2", tmp_path))
    assert mine.settings.model == str(tmp_path / "turbo")
    assert mine.settings.batch_size == 2
    assert mine.info().name == "qwen-image-2.1-turbo (turbo)"
    given = {"use": "qwen-image-lightning", "scheduler": {"shift": 2.0}, "num_inference_steps": 8}
    settings = create("generators", PluginSpec.parse(given, tmp_path)).settings
    assert settings.scheduler.overrides() == {"use_dynamic_shifting": False, "shift": 2.0, "shift_terminal": None}


def test_a_preset_without_open_weights_takes_a_path_or_an_address(tmp_path):
    (tmp_path / "student").mkdir()
    local = create("generators", PluginSpec.parse("qwen-image-flash:student", tmp_path))
    assert local.settings.model == str(tmp_path / "student")
    served = create("generators", PluginSpec.parse("qwen-image-2.0:https://host/v1,model=mine", tmp_path))
    assert (served.settings.url, served.settings.model, served.settings.declared_nfe) == ("https://host/v1", "mine", 80)
    assert served.settings.extra["negative_prompt"] == " "
    with pytest.raises(ConfigError, match="needs model") as caught:
        create("generators", PluginSpec("qwen-image-flash"))
    assert caught.value.hint == "qwen-image-flash:model=PATH, or qwen-image-flash:url=URL"
    with pytest.raises(ConfigError, match="has no endpoint"):
        create("generators", PluginSpec("qwen-image", {"url": "https://host/v1"}))


def test_for_wrong_names_and_keys_the_error_names_the_nearest_right_one():
    with pytest.raises(UnknownNameError) as caught:
        create("generators", PluginSpec("qwen-image-2.1-turbbo"))
    assert "did you mean `qwen-image-2.1-turbo`?" in caught.value.hint
    with pytest.raises(ConfigError, match="did you mean `num_inference_steps`") as wrong:
        create("generators", PluginSpec("qwen-image", {"num_inference_step": 4}))
    assert "qwen-image" in wrong.value.where


def test_no_preset_has_the_name_of_a_plug_in():
    assert not set(known_presets()) & set(names("generators"))
    assert {preset.name for preset in presets()} <= set(known_presets())


# ------------------------------------------------------------------------------------------------ files and pages


def test_the_published_schema_and_page_are_those_of_the_presets():
    assert schema.PATH.read_text() == schema.schema_text(), "run python -m evalkit.student.presets.schema"
    assert document.PATH.read_text() == document.document(presets()), "run python -m evalkit.student.presets.document"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_satisfies_the_schema(path):
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(json.loads(schema.PATH.read_text()))
    values = yaml.safe_load(path.read_text())
    validator.validate(values)
    assert not validator.is_valid(values | {"step": 4})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"nfe": 40}, "are not 40 NFE"),
        ({"sise": []}, "unknown key `sise`"),
        ({"sizes": ["big"]}, "sizes"),
        ({"nfe": 4, "diffusers": {"num_inference_steps": 4, "true_cfg_scale": 1.0}}, "`diffusers.model` is missing"),
        ({"diffusers": {"model": "a/b", "true_cfg_scale": 1.0}}, "must state num_inference_steps"),
        ({"diffusers": {"model": "a/b", "trust_remote_code": True}}, "unknown key"),
        ({"name": "other"}, "is named `other`"),
    ],
)
def test_a_file_that_is_not_a_preset_is_refused_with_the_reason(tmp_path, change, says):
    path = tmp_path / "qwen-image.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load((DATA / "qwen-image.yaml").read_text()) | change))
    with pytest.raises(ConfigError, match=says) as caught:
        read_preset(path)
    assert caught.value.where == str(path)


def test_packaged_weights_are_found_relative_to_the_file_and_need_no_gpu(checkpoints, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "weights").symlink_to(checkpoints / "q21")
    values = yaml.safe_load((DATA / "qwen-image-2.1.yaml").read_text()) | {"name": "mini", "sizes": ["64x64"]}
    del values["memory"]
    values["diffusers"] |= {"model": "../weights", "dtype": "float32"}
    (tmp_path / "data" / "mini.yaml").write_text(yaml.safe_dump(values))
    (mini,) = presets(tmp_path / "data")
    use, settings = mini.resolve({})
    assert (use, settings["model"]) == ("diffusers", str((checkpoints / "q21").resolve()))
    assert "runs on a CPU" in mini.brief
    assert problems(DiffusersSettings(**settings), GPU._replace(free_gib=())) == []


# ------------------------------------------------------------------------------------------------ what can run here


def lacks(machine, **settings):
    return problems(DiffusersSettings(**settings), machine)


@pytest.mark.parametrize(
    ("machine", "settings", "says", "todo"),
    [
        (GPU, {}, "", ""),
        (GPU._replace(free_gib=(50.0,)), {}, "needs a GPU with 60 GiB free, cuda:0 has 50", "offload=model"),
        (GPU._replace(free_gib=(50.0,)), {"offload": "model"}, "", ""),
        (GPU._replace(free_gib=(20.0,)), {}, "cuda:0 has 20", "larger one"),
        (GPU._replace(free_gib=()), {}, "there is none", "http:URL"),
        (GPU._replace(free_gib=(), cuda_build=False), {}, "CPU build", "CUDA build of torch"),
        (GPU._replace(free_gib=(), cuda_build=False, driver=False), {}, "there is none", "http:URL"),
        (GPU._replace(free_gib=()), {"device": "cpu"}, "", ""),
        (GPU, {"device": "cuda:3"}, "cuda:3 is not there", "cuda:0"),
        (GPU._replace(packages=("diffusers is not installed",)), {}, "diffusers is not installed", "pip install"),
    ],
)
def test_device_and_memory_are_checked_against_the_estimate(checkpoints, machine, settings, says, todo):
    found = lacks(machine, model=str(checkpoints / "t2i"), memory_gib=60, offload_memory_gib=43, **settings)
    assert bool(found) == bool(says)
    for problem, step in found:
        assert says in problem
        assert todo in step


def test_weights_are_found_by_path_and_in_the_hub_cache_without_the_network(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    ((problem, step),) = lacks(GPU, model="someone/model", revision="v1")
    assert problem == "no weights on this machine: someone/model"
    assert step.startswith("hf download someone/model --revision v1")
    ((problem, step),) = lacks(GPU, model=str(tmp_path / "nowhere"))
    assert "no weights on this machine" in problem

    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = tmp_path / "hub" / "models--someone--model"
    snapshot = folder / "snapshots" / commit
    (snapshot / "transformer").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    index = {"_class_name": "QwenImagePipeline", "transformer": ["diffusers", "QwenImageTransformer2DModel"]}
    (snapshot / "model_index.json").write_text(json.dumps(index))
    ((problem, _),) = lacks(GPU, model="someone/model")
    assert problem == "weights incomplete: 1 parts missing, e.g. transformer"
    shards = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (snapshot / "transformer" / "model.safetensors.index.json").write_text(json.dumps(shards))
    (snapshot / "transformer" / "model-1.safetensors").write_bytes(b"x")
    assert missing_files(snapshot) == ["transformer/model-2.safetensors"]
    (snapshot / "transformer" / "model-2.safetensors").write_bytes(b"x")
    assert lacks(GPU, model="someone/model") == []

    ((problem, step),) = lacks(GPU, model="someone/model", lora="someone/loras/deep/4steps.safetensors")
    assert problem.startswith("no such LoRA on this machine")
    assert step.startswith("hf download someone/loras deep/4steps.safetensors")
    ((problem, _),) = lacks(GPU, model="someone/model", lora="gone.safetensors")
    assert problem == "no such LoRA: gone.safetensors"


@pytest.mark.nightly
def test_list_and_doctor_show_every_preset(tmp_path, monkeypatch):
    from evalkit.cli import doctor
    from evalkit.cli import list as listing

    shown = CliRunner().invoke(listing.command, ["generators"], standalone_mode=False).output
    for preset in presets():
        assert f"  {preset.name} " in shown
        assert f"{preset.nfe} NFE" in shown
        assert preset.licence in shown

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    config = tmp_path / "evalkit.yaml"
    config.write_text("benchmark: scenes-core\nstudent: qwen-image-2.1-turbo\n")
    done = CliRunner().invoke(doctor.command, [str(config)], standalone_mode=False)
    lines = done.output.splitlines()
    assert done.return_value == 3
    assert any(line.startswith("MISSING  student ") and "Qwen/Qwen-Image-2.1-Turbo" in line for line in lines)
    assert any(line.startswith("note     qwen-image-flash ") for line in lines), "what no run asks for is a note"
