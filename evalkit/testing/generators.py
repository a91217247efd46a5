"""Checks a generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evalkit.api.pictures import Pixels, decode
from evalkit.api.protocols import Generator, GeneratorInfo
from evalkit.api.records import JSON, Case, Generated, Request
from evalkit.formats.keys import noise_seed
from evalkit.testing.common import called, check, check_close, check_fingerprint, check_json, created

_CASES = (
    Case("example/0001", "a red circle on white", width=128, height=128),
    Case("example/0002", "a blue square on grey", width=128, height=128),
)


def check_generator(
    generator: type[Generator] | Generator,
    *,
    settings: Mapping[str, JSON] | None = None,
    cases: Sequence[Case] | None = None,
) -> None:
    """Check a generator: its class, provenance and fingerprint, one picture per request and in order, `close`.

    Args:
        generator: the class, or an instance; it is closed at the end.
        settings: with which an instance of the class is created; without them, the defaults.
        cases: two cases or more for which it can make pictures; by default two small ones without a source picture.

    Raises:
        AssertionError: the generator breaks its contract; the message says how.
        UnavailableError: the generator needs something that this machine does not have.
    """
    made = created("generators", generator, settings)
    name = type(made).__name__
    cases = _CASES if cases is None else tuple(cases)
    check(len(cases) > 1, "check_generator needs two cases or more")
    try:
        info = called(f"{name}.info", made.info)
        check(isinstance(info, GeneratorInfo), f"{name}.info returned {type(info).__name__}, not GeneratorInfo")
        check_json(f"the settings in {name}.info", dict(info.settings))
        for case in cases:
            check_fingerprint(made, case)
        requests = [Request(case, 0, noise_seed(case.id, 0)) for case in cases]
        pictures = _generated(made, requests)
        backwards = _generated(made, requests[::-1])
        if not _same(pictures[0], pictures[-1]) and _same(pictures[0], backwards[0]):
            raise AssertionError(f"{name}.generate does not return its results in the order of the requests")
    finally:
        check_close(made)


def _generated(made: Generator, requests: list[Request]) -> list[Pixels]:
    """The pictures of some requests, in batches that the generator takes."""
    pictures = []
    for start in range(0, len(requests), made.batch_size):
        batch = requests[start : start + made.batch_size]
        results = called(f"{type(made).__name__}.generate", made.generate, batch)
        counts = f"{type(made).__name__}.generate returned {len(results)} results for {len(batch)} requests"
        check(len(results) == len(batch), counts)
        pictures += [_pixels(made, request, result) for request, result in zip(batch, results, strict=True)]
    return pictures


def _pixels(made: Generator, request: Request, result: Any) -> Pixels:
    name, case = type(made).__name__, request.case.id
    check(isinstance(result, Generated), f"{name}.generate returned {type(result).__name__}, not Generated")
    hint = "give check_generator `cases` for which it can"
    check(not result.error, f"{name} could not make a picture of `{case}` ({result.error}): {hint}")
    check_json(f"the notes of {name} on `{case}`", dict(result.notes))
    if isinstance(result.image, bytes):
        return called(f"reading the picture of `{case}`", decode, result.image).pixels  # type: ignore[no-any-return]
    pixels = result.image
    good = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    check(good, f"{name}: the picture of `{case}` is neither an encoded file nor uint8 of shape (H, W, 3)")
    return pixels  # type: ignore[no-any-return]


def _same(one: Pixels, other: Pixels) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one, other))
