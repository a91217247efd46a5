"""Stores what a generator returns: checks it, encodes it, writes the file and makes the sample that names it."""

from __future__ import annotations

import numpy as np

from evalkit.api.errors import PictureError
from evalkit.api.pictures import FORMATS, decode, encode_png
from evalkit.api.records import Generated, Request, Role, Sample
from evalkit.api.timing import TIMED_ON
from evalkit.formats.keys import digest, picture_key
from evalkit.store.blobs import BlobFolder


def file_picture(generated: Generated, request: Request, role: Role, fingerprint: str, blobs: BlobFolder) -> Sample:
    """Write the file of one generated picture and return its sample, or a sample with the reason why there is none.

    Encoded files are kept byte for byte (JPEG artefacts are evidence); arrays become PNG.
    """
    error, sha256, suffix, width, height = generated.error, "", "", 0, 0
    if not error:
        try:
            data, suffix, width, height = _encoded(generated.image)
            sha256 = blobs.put(data, suffix)
        except PictureError as problem:
            error, suffix = problem.what, ""
    notes = generated.notes
    try:
        digest(dict(notes))
    except (TypeError, ValueError) as problem:
        kept = {TIMED_ON: notes[TIMED_ON]} if TIMED_ON in notes else {}
        notes = {"lost": f"the generator's notes are not JSON: {problem}", **kept}
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


def _encoded(image: object) -> tuple[bytes, str, int, int]:
    """(file, suffix, width, height). Raises `PictureError` if it is not a picture."""
    if isinstance(image, bytes):
        decoded = decode(image)
        height, width = decoded.pixels.shape[:2]
        return image, FORMATS[decoded.format], width, height
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        shape = f"{image.dtype}{list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        raise PictureError(f"the generator returned {shape}, not encoded bytes or uint8 of shape (H, W, 3)")
    height, width = image.shape[:2]
    return encode_png(image), ".png", width, height
