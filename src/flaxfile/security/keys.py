"""Key files: how they are made, who may read them, and how a public key is written.

A client's file also holds the key of its server, because CURVE never sends that one. Nothing here connects.
"""

from __future__ import annotations

import os
import stat
import string
import sys
from typing import TYPE_CHECKING, Final

from flaxfile.errors import ConflictError, UsageError, from_os_error
from flaxfile.security.crypto import KEY_BYTES, CurveKeys, Identity, new_keys, public_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CLIENT_FILE",
    "SERVER_FILE",
    "format_key",
    "keygen",
    "load_identity",
    "load_keys",
    "parse_key",
]

SERVER_FILE: Final = "server.key"
CLIENT_FILE: Final = "client.key"
_HEX: Final = frozenset(string.hexdigits)


def format_key(key: bytes) -> str:
    """A key as 64 hexadecimal digits: safe in shells, files and mails."""
    return key.hex()


def parse_key(text: str) -> bytes:
    """A public or secret key as it is written; also the 40 characters of Z85 of ZeroMQ's own tools."""
    text = text.strip()
    if len(text) == 2 * KEY_BYTES and set(text) <= _HEX:
        return bytes.fromhex(text)
    if len(text) == 40:
        from zmq.utils import z85  # noqa: PLC0415

        try:
            key = z85.decode(text)
        except (KeyError, ValueError, IndexError, OverflowError):
            key = b""
        if len(key) == KEY_BYTES:
            return bytes(key)
    raise UsageError("this is no key", hint="a key is 64 hexadecimal digits, as flaxfile keygen prints it")


def _write(path: Path, lines: list[str]) -> None:
    try:
        # 0600 from its first moment on, and never over a key that somebody may still need.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConflictError(
            f"{path} is there already", hint="move it away first: clients that trust it would be locked out"
        ) from error
    except OSError as error:
        raise from_os_error(error, f"writing {path}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def keygen(folder: Path, server_public: bytes | None = None) -> tuple[CurveKeys | None, CurveKeys]:
    """Write the key files of a server and of its first client, or of a client of a known server alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, f"making {folder}") from error
    server = None
    if server_public is None:
        server = new_keys()
        server_public = server.public
        _write(
            folder / SERVER_FILE,
            [
                "# FlaxFile: keys of a server. Keep this file to yourself.",
                f"public-key {format_key(server.public)}",
                f"secret-key {format_key(server.secret)}",
            ],
        )
    client = new_keys()
    _write(
        folder / CLIENT_FILE,
        [
            "# FlaxFile: keys of a client, and the public key of its server. Keep this file to yourself.",
            f"server-key {format_key(server_public)}",
            f"public-key {format_key(client.public)}",
            f"secret-key {format_key(client.secret)}",
        ],
    )
    return server, client


def _read(path: Path) -> dict[str, bytes]:
    try:
        with path.open(encoding="utf-8") as file:
            if sys.platform != "win32":
                mode = os.fstat(file.fileno()).st_mode
                if stat.S_ISREG(mode) and mode & 0o077:
                    raise UsageError(
                        f"others can read the key file {path} (mode {mode & 0o777:04o})",
                        hint=f"chmod 600 {path}",
                    )
            lines = file.read(64 * 1024).splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no key file") from error
    except OSError as error:
        raise from_os_error(error, f"reading the key file {path}") from error
    found: dict[str, bytes] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or words[0] not in {"public-key", "secret-key", "server-key"}:
            raise UsageError(f"{path}, line {number}: this is no line of a key file")
        try:
            found[words[0]] = parse_key(words[1])
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error.message}", hint=error.hint) from None
    return found


def load_keys(path: Path) -> CurveKeys:
    """The pair of a key file."""
    found = _read(path)
    secret = found.get("secret-key")
    if secret is None:
        raise UsageError(f"{path} has no secret-key", hint="flaxfile keygen makes key files")
    public = public_of(secret)
    if found.get("public-key", public) != public:
        raise UsageError(f"{path}: its public key does not belong to its secret key")
    return CurveKeys(public, secret)


def load_identity(path: Path) -> Identity:
    """A client's key file."""
    keys = load_keys(path)
    server = _read(path).get("server-key")
    if server is None:
        raise UsageError(
            f"{path} does not say which key its server has",
            hint="add the line: server-key KEY, with what flaxfile fingerprint prints on the server",
        )
    return Identity(server, keys.public, keys.secret)
