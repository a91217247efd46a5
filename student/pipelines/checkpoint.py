"""A checkpoint on disk: finds it, checks that it is safe to load, and computes the digest that identifies it.

This module needs neither torch nor diffusers, so that a run whose pictures all exist loads neither.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from evalkit.api.errors import UnavailableError
from evalkit.formats.foreign_text import clean
from evalkit.formats.keys import digest
from evalkit.student.pipelines.call import PIPELINES

PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
WANTED_FROM_HUB = ["model_index.json", *(f"*/*.{end}" for end in ("json", "safetensors", "txt", "jinja", "model"))]
LIBRARIES = frozenset({"diffusers", "transformers"})
OWN_CLASSES = frozenset(
    {("evalkit.student.mini.codec", "LinearCodec"), ("evalkit.student.mini.scheduler", "SamplePredictionScheduler")}
)
"""The only classes that a checkpoint may name beside those of the libraries: the parts of our own mini models."""
FORMER_MODULES = {
    "evalkit.student.mini.codec": "student.mini.codec",
    "evalkit.student.mini.scheduler": "student.mini.scheduler",
}
"""What older checkpoints call the modules of `OWN_CLASSES`. A module is never imported by its former name."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_JSON = 10_000_000
_MAX_HEADER = 100_000_000  # the limit of the safetensors format itself


class Component(NamedTuple):
    """One part of a pipeline: its folder's name, and the class that loads it."""

    name: str
    library: str
    class_name: str


def locate(model: str, revision: str | None) -> Path:
    """The folder `model`, or else a snapshot of that hub id, which is downloaded if it is not in the cache.

    Only configuration and safetensors are downloaded.

    Raises:
        UnavailableError: it is neither a folder nor a hub id that can be downloaded.
    """
    folder = Path(model)
    if folder.is_dir():
        return folder
    if folder.exists():
        hint = "give the folder that holds model_index.json; convert a single file with from_single_file first"
        raise UnavailableError("not a folder in diffusers format", where=model, hint=hint)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=WANTED_FROM_HUB))
    except HFValidationError as error:
        raise UnavailableError("no such folder", where=model, hint="check the path of model") from error
    except Exception as error:  # no network, no such repository, access denied, disk full: no weights in any case
        where = f"{model}@{revision}" if revision else model
        hint = f"no such folder here; if it is a hub id: hf download {model}" + (
            f" --revision {revision}" * bool(revision)
        )
        raise UnavailableError(
            f"the weights can't be downloaded: {clean(str(error))}", where=where, hint=hint
        ) from error


def locate_lora(lora: str) -> Path:
    """The file `lora`, or else `owner/repository/file` on the hub, which is downloaded if it is not in the cache.

    Raises:
        UnavailableError: it is neither a file nor a file of the hub that can be downloaded.
    """
    on_hub = hub_file(lora)
    if on_hub is None:
        return Path(lora)
    from huggingface_hub import hf_hub_download

    repository, name = on_hub
    try:
        return Path(hf_hub_download(repository, name))
    except Exception as error:  # as in `locate`
        hint = f"no such file here; if it is on the hub: hf download {repository} {name}"
        raise UnavailableError(f"the LoRA can't be downloaded: {clean(str(error))}", where=lora, hint=hint) from error


def hub_file(lora: str) -> tuple[str, str] | None:
    """Repository and file name of a LoRA on the hub; `None` if `lora` is a path."""
    parts = lora.split("/")
    plain = len(parts) > 2 and all(part and not part.startswith(".") for part in parts)
    if Path(lora).exists() or not plain or not lora.endswith(".safetensors"):
        return None
    return "/".join(parts[:2]), "/".join(parts[2:])


def pipeline_class(folder: Path, override: str | None) -> str:
    """The pipeline class to load: `override`, or the one `model_index.json` names.

    Raises:
        UnavailableError: evalkit does not support that class.
    """
    name = override or _model_index(folder).get("_class_name")
    if not isinstance(name, str) or name not in PIPELINES:
        hint = f"supported pipelines: {', '.join(PIPELINES)}"
        raise UnavailableError(f"pipeline {clean(str(name))!r} is not supported", where=str(folder), hint=hint)
    return name


def components(folder: Path) -> list[Component]:
    """The parts that `model_index.json` lists, by the current names of their classes.

    Lists that hold no strings (`sample_sigmas`) are no parts.

    Raises:
        UnavailableError: a name could lead out of the folder, or a class is not one of the libraries' or our own.
    """
    found = []
    for name, value in with_current_names(_model_index(folder)).items():
        if name.startswith("_") or not isinstance(value, list) or not any(isinstance(part, str) for part in value):
            continue
        plain = len(value) == 2 and all(isinstance(part, str) for part in value) and _NAME.fullmatch(name)
        if not plain or not (tuple(value) in OWN_CLASSES or (value[0] in LIBRARIES and _NAME.fullmatch(value[1]))):
            what = f"component {clean(name)!r} names the class {clean(str(value))}, which evalkit does not allow"
            raise UnavailableError(
                what, where=str(folder / "model_index.json"), hint="custom pipeline code is never run"
            )
        found.append(Component(name, *value))
    return found


def with_current_names(index: dict[str, Any]) -> dict[str, Any]:
    """The content of a `model_index.json`, with the current names of our own classes in place of former ones."""

    def current(value: Any) -> Any:
        return next(([module, name] for module, name in OWN_CLASSES if value == [FORMER_MODULES[module], name]), value)

    return {name: current(value) for name, value in index.items()}


def has_former_names(folder: Path) -> bool:
    """Whether the checkpoint was written when our own classes had other names. Raises as `components`."""
    index = _model_index(folder)
    return with_current_names(index) != index


def refuse_pickles(folder: Path) -> None:
    """Refuse weights that exist only as pickle files: loading one can run any code that is in it.

    Raises:
        UnavailableError: the message names the file and how to convert it.
    """
    for part in components(folder):
        files = list(_files(folder / part.name))
        pickles = [file for file in files if file.suffix.lower() in PICKLE_SUFFIXES]
        if pickles and not any(file.suffix == ".safetensors" for file in files):
            raise UnavailableError(
                "weights are a pickle file, which can run code when it is loaded; only safetensors are read",
                where=str(pickles[0]),
                hint="convert it where you trust it: pipeline.save_pretrained(folder, safe_serialization=True)",
            )


def check_safetensors(path: Path) -> list[str]:
    """Names of the tensors in a safetensors file, after checking its header against its size.

    Raises:
        UnavailableError: missing, truncated or not a safetensors file.
    """
    hint = f"fetch it again: {path.name} is incomplete or damaged"
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_MAX_HEADER, size - 8):
                raise UnavailableError("not a safetensors file", where=str(path), hint=hint)
            header = json.loads(file.read(length))
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
    except OSError as error:
        raise UnavailableError(f"can't be read: {error.strerror}", where=str(path), hint="check the path") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise UnavailableError("safetensors header can't be read", where=str(path), hint=hint) from error
    if size != 8 + length + end:
        what = f"truncated: {size:,} bytes, its header says {8 + length + end:,}"
        raise UnavailableError(what, where=str(path), hint=hint)
    return list(tensors)


def content_digest(folder: Path) -> str:
    """SHA-256 over `model_index.json` and every file of every component: relative name and sha256 of its content.

    Headers alone would not do: two training checkpoints of one student have the same names, sizes and headers, and a
    CI that mistook one for the other would judge last week's pictures. The build machine reads 1.8 GB/s (hashlib,
    cached file), once per run, which also warms the file cache for the load that follows. Files in a hub cache are
    named by their sha256; it is taken from there.

    Raises:
        UnavailableError: a file can't be read.
    """
    files = [file for part in components(folder) for file in _files(folder / part.name)]
    found = [[file.relative_to(folder).as_posix(), file_digest(file)] for file in files]
    return digest(sorted([["model_index.json", _index_digest(folder / "model_index.json")], *found]))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content. Raises `UnavailableError` if it can't be read."""
    try:
        target = path.resolve()
        if target.parent.name == "blobs" and _SHA256.fullmatch(target.name):
            return target.name
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnavailableError(f"can't be read: {error.strerror}", where=str(path), hint="check the path") from error


def _index_digest(path: Path) -> str:
    """SHA-256 of `model_index.json` as if it had the names of `FORMER_MODULES`.

    The move of our own classes to another module changes no picture. So it must not change the fingerprint either, by
    which finished pictures are found again.
    """
    whole = file_digest(path)
    content = path.read_bytes()
    former = content
    for current, old in FORMER_MODULES.items():
        former = former.replace(f'"{current}"'.encode(), f'"{old}"'.encode())
    return whole if former == content else hashlib.sha256(former).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _model_index(folder: Path) -> dict[str, Any]:
    path = folder / "model_index.json"
    hint = "model must be a folder in diffusers format, as save_pretrained writes it"
    try:
        with path.open("rb") as file:
            index = json.loads(file.read(_MAX_JSON))
    except OSError as error:
        raise UnavailableError(f"can't be read: {error.strerror}", where=str(path), hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise UnavailableError("not JSON", where=str(path), hint=hint) from error
    if not isinstance(index, dict):
        raise UnavailableError("not a JSON object", where=str(path), hint=hint)
    return index
