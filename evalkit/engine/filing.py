"""Stores what a generator returns: checks it, encodes it, writes the file and makes the sample that names it."""

from __future__ import annotations

from typing import NamedTuple

from evalkit.api.errors import PictureError
from evalkit.api.pictures import FORMATS, decode, encode_png
from evalkit.api.records import Generated, Request, Role, Sample
from evalkit.formats.keys import picture_key
from evalkit.plugins.values import FaultyValue, checked_pixels
from evalkit.store.blobs import BlobFolder

NOTES = "picture"
"""Where the notes of a sample say what of its file could not be used, such as a broken colour profile."""


def file_picture(generated: Generated, request: Request, role: Role, fingerprint: str, blobs: BlobFolder) -> Sample:
    """Write the file of one generated picture and return its sample, or a sample with the reason why there is none.

    Encoded files are kept byte for byte (JPEG artefacts are evidence); arrays become PNG.
    """
    error, sha256, suffix, width, height = generated.error, "", "", 0, 0
    notes = generated.notes
    if not error:
        try:
            file = _encoded(generated.image)
            suffix, width, height = file.suffix, file.width, file.height
            sha256 = blobs.put(file.data, suffix)
            notes = {**notes, NOTES: list(file.notes)} if file.notes else notes
        except PictureError as problem:
            error, suffix, width, height = problem.what, "", 0, 0
        except FaultyValue as problem:
            error = str(problem)
    return Sample(
        key=picture_key(request, fingerprint),
        role=role,
        case_id=request.case.id,
        seed=request.seed,
        fingerprint=fingerprint,
        noise_seed=request.noise_seed,
        sha256=sha256,
        suffix=suffix,
        width=width,
        height=height,
        nfe=generated.nfe,
        seconds=generated.seconds,
        peak_memory_mb=generated.peak_memory_mb,
        batch_size=generated.batch_size,
        batch_invariant=generated.batch_invariant,
        notes=notes,
        error=error,
    )


class _File(NamedTuple):
    data: bytes
    suffix: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


def _encoded(image: object) -> _File:
    """The file of a picture. Raises `PictureError` if it can't be decoded, `FaultyValue` if it is no picture."""
    if isinstance(image, bytes):
        decoded = decode(image)
        height, width = decoded.pixels.shape[:2]
        return _File(bytes(image), FORMATS[decoded.format], width, height, decoded.notes)
    pixels = checked_pixels(image)
    height, width = pixels.shape[:2]
    return _File(encode_png(pixels), ".png", width, height)
