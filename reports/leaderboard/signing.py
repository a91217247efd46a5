"""Ed25519 signatures of entries: they show who published a figure, and that it has not been changed since."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.api.errors import UnavailableError, UsageError
from evalkit.api.install import install_line
from evalkit.api.records import JSON
from evalkit.formats.keys import digest
from evalkit.formats.leaderboard import Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "ed25519"
_CONTEXT = b"evalkit leaderboard entry 2\n"
"""Part of every signed text, so that a signature can't be used for anything else."""
_MAKE_KEY = (
    "`openssl genpkey -algorithm ed25519 -out key.pem` makes one, `openssl pkey -in key.pem -pubout` its public half"
)


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file without a password. Raises `UsageError`, `UnavailableError`."""
    _need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = _load(path, lambda data: load_pem_private_key(data, password=None))
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("not an Ed25519 private key", where=str(path), hint=_MAKE_KEY)
    return key


def load_public_key(path: Path) -> str:
    """The public key in a PEM file, as `Signature.public_key` holds it. Raises `UsageError`, `UnavailableError`."""
    _need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = _load(path, load_pem_public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError("not an Ed25519 public key", where=str(path), hint=_MAKE_KEY)
    return base64.b64encode(key.public_bytes_raw()).decode()


def sign(content: JSON, key: Ed25519PrivateKey) -> Signature:
    """The signature over an entry's claim (`evalkit.formats.leaderboard.claim`), its run digest included."""
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    return Signature(ALGORITHM, public, base64.b64encode(key.sign(_payload(content))).decode())


def is_valid(content: JSON, signature: Signature) -> bool:
    """Whether the holder of the signature's key has signed exactly this claim. Raises `UnavailableError`."""
    _need_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if signature.algorithm != ALGORITHM:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature.public_key, validate=True))
        key.verify(base64.b64decode(signature.value, validate=True), _payload(content))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def key_name(public_key: str) -> str:
    """A public key as messages show it: the first 16 hex digits of its SHA-256."""
    return f"{ALGORITHM}:{sha256(public_key.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _payload(content: JSON) -> bytes:
    return _CONTEXT + digest(content).encode()


def _load(path: Path, parse: Callable[[bytes], Any]) -> Any:
    try:
        return parse(path.read_bytes())
    except OSError as problem:
        raise UsageError(f"the key can't be read: {problem.strerror}", where=str(path), hint=_MAKE_KEY) from problem
    except Exception as problem:  # ValueError, TypeError (a password is needed), UnsupportedAlgorithm, …
        raise UsageError(f"not a key in PEM: {problem}", where=str(path), hint=_MAKE_KEY) from problem


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401 - only whether it is there; its parts are imported where they are used
    except ImportError as problem:
        raise UnavailableError(
            "signatures need the package `cryptography`", hint=install_line("leaderboard")
        ) from problem
