"""Which model answers: fingerprints follow the model, not the address of its server."""

import json
import os
from pathlib import Path

import pytest

from evalkit.api.errors import UnavailableError
from evalkit.api.hooks import IdentifiesModel
from evalkit.judges.vlm.identity import folder_digest, quantisation_of, weights_of
from evalkit.judges.vlm.judge import VlmJudge
from tests.judges.vlm.hostile_server import HostileServer

GONE = "http://127.0.0.1:9/v1"


def print_of(url: str, known: str | None = None, **settings) -> str:
    judge = VlmJudge(VlmJudge.Settings(url=url, model="m", **settings))
    if known is not None:
        judge.identify(known)
    return judge.fingerprint()


def served(root: str | None, **settings) -> str:
    """The fingerprint with a new server, at an address of its own, that tells this root."""
    with HostileServer() as server:
        server.models = [{"id": "other", "root": "/x"}, {"id": "m", **({} if root is None else {"root": root})}]
        return print_of(server.url, **settings)


def test_a_server_that_has_moved_is_the_same_model() -> None:
    assert served("org/model-8b") == served("org/model-8b")


def test_another_model_under_the_same_name_is_another_one() -> None:
    assert len({served("org/model-8b"), served("org/model-32b"), served("org/model-8b", server_id="awq")}) == 3


def test_a_server_that_tells_no_root_is_known_by_its_address() -> None:
    assert served(None) != served(None)
    with HostileServer() as server:
        assert print_of(server.url) == print_of(server.url)  # it has no list of models at all
        assert print_of(server.url) != print_of(server.url, server_id="b")


@pytest.mark.parametrize("listed", ["[]", "text", {"id": 3}, [3], [{"id": "m", "root": 4}]])
def test_a_list_of_models_that_is_none_is_no_error(listed) -> None:
    with HostileServer() as server:
        server.models = listed
        assert print_of(server.url) == print_of(server.url)


def test_a_run_does_not_begin_without_the_server_but_one_that_knows_it_goes_on() -> None:
    judge = VlmJudge(VlmJudge.Settings(url=GONE, model="m"))
    assert isinstance(judge, IdentifiesModel)
    with pytest.raises(UnavailableError, match="no connection"):
        judge.identify("")
    with HostileServer() as server:
        server.models = [{"id": "m", "root": "org/model-8b"}]
        known = VlmJudge(VlmJudge.Settings(url=server.url, model="m")).identify("")
        usual = print_of(server.url)
    assert print_of(GONE, known) == usual
    assert print_of(GONE, known, replay=True) == usual


def test_weights_are_known_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"one")
    (model / "config.json").write_text(json.dumps({"quantization_config": {"bits": 4}}))
    before = folder_digest(model)
    (model / "README.md").write_text("no reply depends on it")
    assert folder_digest(model) == before
    moved = model.rename(tmp_path / "moved")
    assert folder_digest(moved) == before
    (moved / "model.safetensors").write_bytes(b"two")
    os.utime(moved / "model.safetensors", ns=(1, 1))
    assert folder_digest(moved) != before
    assert "bits" in quantisation_of(str(moved))


def test_a_model_of_the_hub_is_known_by_its_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert weights_of("org/model") == "org/model"
    reference = tmp_path / "models--org--model" / "refs" / "main"
    reference.parent.mkdir(parents=True)
    reference.write_text("a" * 40)
    assert weights_of("org/model") == f"org/model@{'a' * 40}"


def test_the_served_model_s_print_holds_weights_and_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve_print(vllm: str) -> str:
        found = type("Found", (), {"version": vllm})
        monkeypatch.setattr("evalkit.judges.vlm.serving.environment.find", lambda *_, **__: found)
        return VlmJudge(VlmJudge.Settings(serve="judge-mini")).fingerprint()

    assert serve_print("0.11.0") == serve_print("0.11.0")
    assert serve_print("0.11.0") != serve_print("0.12.0")
