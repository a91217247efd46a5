"""Fake models, in process and behind a server: they answer by script or by comparing pixels."""

import base64
import io
import json
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from evalkit.judges.vlm.call import Call, Reply
from evalkit.judges.vlm.controls import FOLDER
from tests.judges.vlm.hostile_server import envelope, send

Value = Mapping[str, object]


class FakeEndpoint:
    """Answers each call by `says`: with a value of the schema, a raw text, or a `Reply`. Keeps the calls."""

    model = "fake"

    def __init__(self, says: Callable[[Call], Value | str | Reply]) -> None:
        self._says = says
        self.asked: list[Call] = []
        self.closed = 0

    async def ask(self, ask: Call) -> Reply:
        self.asked.append(ask)
        said = self._says(ask)
        if isinstance(said, Reply):
            return said
        return Reply(said if isinstance(said, str) else json.dumps(said), "stop")

    async def close(self) -> None:
        self.closed += 1


def levels(score: int, **probabilities: float) -> Reply:
    """A reply with a level, its findings empty, and probabilities of levels: `p5=.7`."""
    shares = {name[1:]: share for name, share in probabilities.items()}
    return Reply(json.dumps({"score": score, "findings": []}), "stop", shares)


def content(ask: Call) -> Value:
    """A model that finds everything perfect and prefers A in each pair."""
    return _value(ask.name, perfect=True, same=False)


def seeing(ask: Call) -> Value:
    """A judge of the control pictures: it knows how the poster and its edit must look, and compares pixels."""
    pictures = [_pixels(shot.png) for shot in ask.images]
    return _seen(ask.name, ask.text, pictures)


def served_content(handler, asked) -> None:
    """`content`, as an act of `HostileServer`."""
    _send(handler, asked, _value(_name(asked), perfect=True, same=False))


def served_seeing(handler, asked) -> None:
    """`seeing`, as an act of `HostileServer`."""
    urls = [p["image_url"]["url"] for p in asked.body["messages"][-1]["content"] if p["type"] == "image_url"]
    pictures = [_pixels(base64.b64decode(url.split(",", 1)[1])) for url in urls]
    _send(handler, asked, _seen(_name(asked), asked.text, pictures))


def _send(handler, asked, value: Value) -> None:
    send(handler, json.dumps(envelope(asked, json.dumps(value))).encode())


def _name(asked) -> str:
    return asked.body["response_format"]["json_schema"]["name"]


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.int16)


def _seen(name: str, text: str, pictures: list[np.ndarray]) -> Value:
    right = "edited" if "source" in text else "poster"
    known = _pixels((FOLDER / f"{right}.png").read_bytes())
    if name == "pairwise":
        second = known.shape == pictures[-1].shape and np.array_equal(known, pictures[-1])
        same = np.array_equal(*pictures[-2:])
        return {"better": "B"} if second and not same else _value(name, perfect=False, same=same)
    return _value(name, perfect=known.shape == pictures[-1].shape and np.array_equal(known, pictures[-1]), same=False)


def _value(name: str, *, perfect: bool, same: bool) -> Value:
    if name == "scale":
        return {"score": 5 if perfect else 2, "findings": []}
    if name == "question":
        return {"answer": "yes" if perfect else "no"}
    if name == "transcription":
        return {"text": ""}
    return {"better": "tie" if same else "A"}
