import pytest


@pytest.fixture
def small_sources(monkeypatch):
    """Edit-Plus always works on a source of 1024x1024 px; that takes 20 s on a CPU."""
    module = pytest.importorskip("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus")
    monkeypatch.setattr(module, "VAE_IMAGE_SIZE", 32 * 32)
    monkeypatch.setattr(module, "CONDITION_IMAGE_SIZE", 64 * 64)
