"""Makes a CUDA build of torchvision importable beside a CPU-only torch.

The Qwen-VL processors of transformers import torchvision. Its wheel on PyPI is built for CUDA: beside a CPU torch its
compiled library can't be loaded, and the import then dies with "operator torchvision::nms does not exist", because
torchvision describes two of the operators of that library to torch without having them. Declaring those two names
(the declarations only, no code) is enough for everything the processors use; an operator that would really be called
still fails, with torchvision's own message.

Observed with torch 2.13.0+cpu and torchvision 0.28.0 from PyPI. If the compiled library loads, or if torch has CUDA or
ROCm, nothing is done.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

DECLARED_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_lock = threading.Lock()
_declarations: list[Any] = []  # torch forgets a declaration when its Library object dies


def ensure_torchvision() -> bool:
    """Declare torchvision's operators in this process if its compiled library can't be loaded beside a CPU torch.

    Call it before the first import of torchvision, transformers' processors or diffusers. It does not change the
    installation. Calling it again does nothing.

    Returns:
        Whether evalkit has declared the operators.
    """
    with _lock:
        if not _declarations and _is_needed():
            import torch

            library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]  # untyped in torch
            for operator in DECLARED_OPERATORS:
                library.define(operator + _SCHEMA)  # type: ignore[no-untyped-call]  # untyped in torch
            _declarations.append(library)
        return bool(_declarations)


def _is_needed() -> bool:
    if "torchvision" in sys.modules or importlib.util.find_spec("torch") is None:
        return False
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    import torch

    if torch.version.cuda is not None or torch.version.hip is not None:
        return False
    return not _compiled_library_loads(Path(spec.origin).parent)


def _compiled_library_loads(folder: Path) -> bool:
    import torch

    for suffix in EXTENSION_SUFFIXES:
        path = folder / f"_C{suffix}"
        if path.is_file():
            try:
                torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]  # untyped in torch
            except OSError:
                return False
            return True
    return False
