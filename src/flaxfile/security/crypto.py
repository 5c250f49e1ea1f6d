"""CURVE keys, and how both sides get theirs from one password.

Argon2id makes guessing costly, which matters because the HELLO of CURVE lets a listener test guesses offline.
Nothing here reads a file or opens a socket.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flaxfile.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "KEY_BYTES",
    "CurveKeys",
    "Identity",
    "PasswordKeys",
    "derive",
    "identity_from_password",
    "new_keys",
    "public_of",
]

KEY_BYTES: Final = 32
PASSES: Final = 3
MEMORY_KIB: Final = 64 * 1024
LANES: Final = 1
SHORT_PASSWORD: Final = 12


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """A pair of CURVE keys, 32 bytes each."""

    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a client needs to talk to a server that encrypts: the server's key, and its own pair."""

    server_public: bytes
    client_public: bytes
    client_secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordKeys:
    """Both pairs that follow from one password."""

    server: CurveKeys
    client: CurveKeys


def public_of(secret: bytes) -> bytes:
    """The public key that belongs to a secret one."""
    zmq, z85 = _zmq()
    return bytes(z85.decode(zmq.curve_public(z85.encode(secret))))


def new_keys() -> CurveKeys:
    """A pair made from the system's random numbers."""
    secret = secrets.token_bytes(KEY_BYTES)
    return CurveKeys(public_of(secret), secret)


def _zmq() -> tuple[ModuleType, ModuleType]:
    """The two modules; importing this one needs neither."""
    try:
        import zmq  # noqa: PLC0415
        from zmq.utils import z85  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("FlaxFile needs pyzmq, which is not installed") from error
    if not zmq.has("curve"):
        raise UsageError(
            f"libzmq {zmq.zmq_version()} was built without CURVE, so it cannot encrypt",
            hint="pip install --force-reinstall pyzmq",
        )
    return zmq, z85


def salt_of(realm: str) -> bytes:
    """The salt of a realm: not secret, but different for everybody who sets a realm."""
    return hashlib.blake2b(("flaxfile/2" + realm).encode(), digest_size=16).digest()


# Keys that were derived in this process, under a keyed hash: a memory dump has no clear password from us.
_KNOWN: dict[bytes, PasswordKeys] = {}
_KNOWN_KEY: Final = secrets.token_bytes(32)
_DERIVING: Final = threading.Lock()


def derive(password: str, realm: str = "") -> PasswordKeys:
    """Both pairs of a password; takes a fifth of a second and 64 MiB the first time."""
    if not password:
        raise UsageError("an empty password gives no keys", hint="leave it out for a plain connection")
    try:
        from argon2.low_level import Type, hash_secret_raw  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("a password needs argon2-cffi, which is not installed") from error
    text = f"{len(realm)}:{realm}:{password}".encode("utf-8", "surrogateescape")
    name = hashlib.blake2b(text, key=_KNOWN_KEY).digest()
    with _DERIVING:
        found = _KNOWN.get(name)
        if found is None:
            secret = hash_secret_raw(
                password.encode("utf-8", "surrogateescape"),
                salt_of(realm),
                time_cost=PASSES,
                memory_cost=MEMORY_KIB,
                parallelism=LANES,
                hash_len=2 * KEY_BYTES,
                type=Type.ID,
            )
            server, client = secret[:KEY_BYTES], secret[KEY_BYTES:]
            found = PasswordKeys(CurveKeys(public_of(server), server), CurveKeys(public_of(client), client))
            if len(_KNOWN) >= 64:
                _KNOWN.clear()
            _KNOWN[name] = found
    return found


def identity_from_password(password: str, realm: str = "") -> Identity:
    """What a client shows to a server that has the same password."""
    keys = derive(password, realm)
    return Identity(keys.server.public, keys.client.public, keys.client.secret)
