"""The keys of a preset file, and the generator that a preset stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, ValidationError, model_validator

from evalkit.api.errors import ConfigError
from evalkit.api.records import JSON, Task
from evalkit.api.settings import Settings
from evalkit.formats.explain import explain
from evalkit.formats.strict_yaml import read_yaml
from evalkit.student.http import HttpSettings
from evalkit.student.pipelines.settings import DiffusersSettings, Size

Line = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\n\r]+$")]
ANY_URL = "http://localhost"


class SamplerSettings(DiffusersSettings):
    """The settings of the `diffusers` generator, without those that the user must give."""

    model: str = ""


class EndpointSettings(HttpSettings):
    """The settings of the `http` generator, without the address, which the user gives."""

    url: str = ANY_URL


class Memory(Settings):
    """GPU memory that must be free, GiB: an estimate for one picture at a time, and the source of the estimate."""

    gib: float = Field(gt=0)
    offload_gib: float | None = Field(None, gt=0, description="with `offload: model`")
    basis: Line


class SigmasAtSize(Settings):
    """The sigmas that the scheduler uses at one size, with the final 0."""

    size: Size
    sigmas: tuple[float, ...] = Field(min_length=2)


class Preset(Settings):
    """A known model: its sampling settings, its needs, its licence, and the known traps."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$", description="name of the file and of the generator")
    summary: Line
    role: Literal["student", "teacher"] = Field(description="its usual role in a run")
    tasks: tuple[Task, ...] = Field(min_length=1)
    nfe: int = Field(ge=1, description="transformer evaluations per picture: steps, twice that with guidance")
    licence: Line
    schedule: Line = Field(description="where the sigmas come from, in words")
    grid: SigmasAtSize | None = Field(None, description="the sigmas that are used, where the preset sets them")
    sizes: tuple[Size, ...] = Field((), description="sizes that the model was made for, width x height")
    memory: Memory | None = Field(None, description="absent: the model runs on a CPU, or its needs are not known")
    ask: dict[Literal["model", "lora"], Line] = Field(
        default_factory=dict, description="settings that the user must give, each with its meaning"
    )
    diffusers: SamplerSettings
    http: EndpointSettings | None = Field(
        None, description="settings for an OpenAI-images-compatible endpoint with the same model"
    )
    traps: tuple[Line, ...] = Field(description="what goes wrong without the preset, and how the preset avoids it")
    sources: tuple[Line, ...] = Field(min_length=1, description="where the facts come from")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        s = self.diffusers
        if (steps := self.steps) is None or s.true_cfg_scale is None:
            raise ValueError("`diffusers` must state num_inference_steps or sigmas, and true_cfg_scale")
        if self.nfe != steps * (2 if s.true_cfg_scale > 1 else 1):
            raise ValueError(f"{steps} steps at true_cfg_scale {s.true_cfg_scale:g} are not {self.nfe} NFE")
        if self.grid and len(self.grid.sigmas) != steps + 1:
            raise ValueError(f"the grid must have {steps} sigmas and the final 0")
        if not s.model and "model" not in self.ask:
            raise ValueError("`diffusers.model` is missing, and `ask` does not ask for it")
        return self

    @property
    def steps(self) -> int | None:
        """Number of denoising steps."""
        return len(self.diffusers.sigmas) if self.diffusers.sigmas else self.diffusers.num_inference_steps

    @property
    def packaged(self) -> bool:
        """Whether its weights come with the package."""
        return bool(self.diffusers.model) and Path(self.diffusers.model).is_dir()

    @property
    def guidance(self) -> str:
        """Guidance in words."""
        scale = self.diffusers.true_cfg_scale or 1.0
        return f"CFG {scale:g}" if scale > 1 else "no CFG"

    @property
    def brief(self) -> str:
        """Steps, NFE, memory, licence in one line."""
        memory = "runs on a CPU" if self.packaged else "memory not known"
        if self.memory:
            memory = f"{self.memory.gib:g} GiB of GPU memory"
        tasks = " and ".join("text to image" if task is Task.T2I else "edit" for task in self.tasks)
        return f"{tasks}; {self.steps} steps, {self.guidance}, {self.nfe} NFE; {memory}; {self.licence}"

    def resolve(self, given: Mapping[str, JSON], value: str = "") -> tuple[str, dict[str, Any]]:
        """The generator (`diffusers`, or `http` where an address is given) and its settings.

        Args:
            given: settings of the user, which replace those of the preset; in `scheduler` field by field.
            value: the bare value of `name:value`: an address, the first setting that it asks for, or the weights.

        Raises:
            ConfigError: a setting that the preset asks for is missing, or it has no endpoint.
        """
        given = dict(given)
        if value:
            address = urlsplit(value).scheme in ("http", "https")
            given.setdefault("url" if address else next(iter(self.ask), "model"), value)
        return self._endpoint(given) if "url" in given else self._sampler(given)

    def _sampler(self, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        for key, what in self.ask.items():
            if not given.get(key):
                raise ConfigError(
                    f"needs {key}: {what}",
                    where=f"generator `{self.name}`",
                    hint=f"{self.name}:{key}=PATH" + (f", or {self.name}:url=URL" if self.http else ""),
                )
        own = self.diffusers.model_dump(exclude_unset=True)
        merged: dict[str, Any] = {
            "name": self._named(given),
            "licence": self.licence,
            "sizes": self.sizes,
            "memory_gib": self.memory and self.memory.gib,
            "offload_memory_gib": self.memory and self.memory.offload_gib,
            **own,
            **given,
        }
        if isinstance(given.get("scheduler"), Mapping):
            merged["scheduler"] = {**own.get("scheduler", {}), **given["scheduler"]}
        return "diffusers", merged

    def _endpoint(self, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if self.http is None:
            hint = f"use `http:{given['url']}` with the fields your server takes"
            raise ConfigError("has no endpoint", where=f"generator `{self.name}`", hint=hint)
        own = self.http.model_dump(exclude_unset=True)
        return "http", {"name": self.name, "licence": self.licence, "declared_nfe": self.nfe, **own, **given}

    def _named(self, given: Mapping[str, JSON]) -> str:
        """The name; if the user gives other weights, it names them too."""
        other = [Path(str(given[key])).stem for key in ("model", "lora") if given.get(key)]
        return " ".join([self.name, *(f"({each})" for each in other)])


def read_preset(path: Path) -> Preset:
    """A preset from its file; a path in it is relative to the file.

    Raises:
        ConfigError: the file is not a preset; the message lists every problem.
    """
    values = read_yaml(path, ConfigError)
    try:
        preset = Preset.model_validate(values, context={"base": path.resolve().parent})
    except ValidationError as error:
        what, hint = explain(error, Preset)
        raise ConfigError(what, where=str(path), hint=hint) from error
    if preset.name != path.stem:
        raise ConfigError(f"is named `{preset.name}`", where=str(path), hint=f"name it {preset.name}.yaml")
    return preset
