"""Which model answers: what names it in fingerprints, and so in the keys of the shared cache.

    in this process       digest of the weights
    a server we start     digest of the weights (or the hub's revision), quantisation, version of vLLM
    a server at a `url`   id and root of `/v1/models`, setting `server_id`; the address only where no root is told

Two servers of one name are two models unless they tell the same root. A server that has moved is the same model.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from evalkit.api.cache_folder import cache_folder
from evalkit.api.errors import EvalkitError, UsageError
from evalkit.formats.http_access import access_to
from evalkit.formats.keys import digest
from evalkit.formats.strict_json import read_json
from evalkit.judges.vlm.source import EndpointSettings, model_id
from evalkit.judges.vlm.wire import read_models

SECONDS = 10.0
MOST_BYTES = 4_000_000
WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth")
SETTINGS = (".json", ".jinja", ".txt", ".model")
"""Files of a model's folder that determine its replies, beside the weights."""
_REVISION = re.compile(r"[0-9a-f]{40}")


class Identity(NamedTuple):
    """`text` names the model. `reached` is false if the server did not answer, so that nothing was told."""

    text: str
    reached: bool = True


def identity(settings: EndpointSettings) -> Identity:
    """Which model the settings name. Asks a server one question; starts and loads nothing."""
    if settings.url:
        return served_at(settings)
    if settings.serve:
        return Identity(served_by_us(settings))
    return Identity(model_id(settings))


def unasked(settings: EndpointSettings) -> str:
    """The same without asking a server: its address stands for what it would tell."""
    return _at_address(settings) if settings.url else identity(settings).text


def served_at(settings: EndpointSettings) -> Identity:
    """The model of a server at an address."""
    import httpx

    from evalkit.judges.vlm.client import base_url, key_for

    try:
        roots = _models(base_url(settings.url), key_for(settings.url))
    except httpx.HTTPError as error:
        told = isinstance(error, httpx.HTTPStatusError)  # a server without a list of models has answered
        return Identity(_at_address(settings), reached=told)
    except ValueError:
        return Identity(_at_address(settings))
    name = model_id(settings)
    root = roots.get(name, "")
    return (
        Identity(f"served:{digest(name, root, settings.server_id)[:16]}") if root else Identity(_at_address(settings))
    )


def served_by_us(settings: EndpointSettings) -> str:
    """The model of a server that is started for the run."""
    from evalkit.judges.vlm.serving.environment import find
    from evalkit.judges.vlm.serving.profiles import profile

    known = profile(settings.serve)
    where = known.where(settings.model)
    try:
        vllm = find(settings.vllm_python).version
    except EvalkitError:  # the run stops when it starts the server, and says why
        vllm = ""
    sizes = [known.dtype, known.min_pixels, known.max_pixels]
    return f"vllm:{digest(known.name, weights_of(where), quantisation_of(where), vllm, sizes)[:16]}"


def weights_of(where: str) -> str:
    """Digest of a folder's files; for an id of the hub its revision in the hub's local cache, else the id."""
    if Path(where).is_dir():
        return folder_digest(Path(where))
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    reference = hub / f"models--{where.replace('/', '--')}" / "refs" / "main"
    try:
        revision = reference.read_text("ascii").strip()
    except (OSError, ValueError):
        return where
    return f"{where}@{revision}" if _REVISION.fullmatch(revision) else where


def quantisation_of(where: str) -> str:
    """What `config.json` of a folder says of quantisation, as JSON; empty if it says nothing."""
    try:
        config = read_json(Path(where) / "config.json", UsageError)
        return json.dumps(config.get("quantization_config"), sort_keys=True)
    except (UsageError, AttributeError):
        return ""


def folder_digest(folder: Path) -> str:
    """Digest of the files that determine the replies of a model.

    Weights may have many gigabytes: the digest of a file is remembered with its size and time of change.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in (*WEIGHTS, *SETTINGS))
    memory = _Memory(cache_folder() / "weights.json")
    hashes = [[path.name, memory.digest_of(path) if path.suffix in WEIGHTS else _sha256(path)] for path in files]
    memory.save()
    return digest("weights", hashes)


class _Memory:
    """Digests of files by path, size and time of change. A cache only: it may be broken or read-only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = {}
        self._changed = False
        try:
            read = read_json(path, UsageError)
            self._known = {str(key): str(value) for key, value in read.items()}
        except (UsageError, AttributeError):
            pass

    def digest_of(self, path: Path) -> str:
        about = path.stat()
        key = f"{path.resolve()}|{about.st_size}|{about.st_mtime_ns}"
        if key not in self._known:
            self._known[key], self._changed = _sha256(path), True
        return self._known[key]

    def save(self) -> None:
        if not self._changed:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(self._known), "utf-8")
            fresh.replace(self._path)
        except OSError:
            pass


def _models(base: str, key: str) -> dict[str, str]:
    """Served name -> root of every model that a server lists.

    Raises:
        httpx.HTTPError: there is no answer, or it is an error.
        ValueError: the answer is no list of models.
    """
    import httpx

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = b""
    with (
        httpx.Client(timeout=SECONDS, headers=headers, **access_to(base).for_client()) as client,
        client.stream("GET", f"{base}/models") as answer,
    ):
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise ValueError("too long")
    return read_models(body)


def _at_address(settings: EndpointSettings) -> str:
    from evalkit.judges.vlm.client import base_url

    return f"at:{digest(model_id(settings), base_url(settings.url), settings.server_id)[:16]}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
