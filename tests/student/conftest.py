import os

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """Folders of tiny random checkpoints: `t2i`, `edit`, `q21`, and a LoRA for `q21`."""
    from evalkit.compat.torchvision_cpu import ensure_torchvision

    ensure_torchvision()
    import torch

    from tests.student import tiny_pipelines

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tensors this small are three times slower on two threads
    root = tmp_path_factory.mktemp("checkpoints")
    tiny_pipelines.build_qwen_image(root / "t2i", edit=False)
    tiny_pipelines.build_qwen_image(root / "edit", edit=True)
    tiny_pipelines.build_qwen_image_21(root / "q21")
    tiny_pipelines.save_lora(root / "q21", root / "lora.safetensors", strength=0.3)
    yield root
    torch.set_num_threads(threads)
