"""Judges clients by the key that CURVE proved: everybody, who has the password, or who is listed.

The server asks ``permit`` for each new connection, from its ZAP handler. Nothing here speaks ZAP.
"""

from __future__ import annotations

import hmac
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from flaxfile.errors import UsageError, from_os_error
from flaxfile.security.crypto import SHORT_PASSWORD, CurveKeys, PasswordKeys, derive
from flaxfile.security.keys import load_keys, parse_key

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Authenticator",
    "KeyAuthenticator",
    "OpenAuthenticator",
    "PasswordAuthenticator",
    "Permission",
    "authenticator",
    "parse_authorized",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Permission:
    """What a client may do."""

    name: str
    """Becomes the User-Id of its messages."""
    read_only: bool = False
    prefix: str = ""
    """Only keys that begin with this; empty for all. Ends in a slash, or is one whole key."""

    def covers(self, key: str) -> bool:
        """Whether a key is within the prefix."""
        prefix = self.prefix.rstrip("/")
        return not prefix or key == prefix or key.startswith(prefix + "/")


class Authenticator(Protocol):
    """What a server asks about keys."""

    def curve_server_keys(self) -> tuple[bytes, bytes] | None:
        """Public and secret key of the server; None for a plain one."""
        ...

    def permit(self, client_public_key: bytes) -> Permission | None:
        """What the owner of this key may do; None to refuse."""
        ...


class OpenAuthenticator:
    """No encryption, no question: for loopback, or where ``--insecure`` says so."""

    def __init__(self, *, read_only: bool = False) -> None:
        self._permission = Permission("anonymous", read_only)

    def curve_server_keys(self) -> None:
        """None: the connection is plain."""
        return

    def permit(self, client_public_key: bytes) -> Permission:
        """The same for everybody."""
        del client_public_key
        return self._permission


class PasswordAuthenticator:
    """Who knows the password has the one key that follows from it."""

    def __init__(self, keys: PasswordKeys, *, read_only: bool = False) -> None:
        self._keys = keys
        self._permission = Permission("password", read_only)

    def curve_server_keys(self) -> tuple[bytes, bytes]:
        """The pair that follows from the password."""
        return self._keys.server.public, self._keys.server.secret

    def permit(self, client_public_key: bytes) -> Permission | None:
        """Everything for the one key, nothing for others."""
        if hmac.compare_digest(client_public_key, self._keys.client.public):
            return self._permission
        return None


def parse_authorized(text: str, source: str) -> dict[bytes, Permission]:
    """The lines of a file of clients: ``name public-key [ro|rw] [prefix=...]``."""
    found: dict[bytes, Permission] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{source}, line {number}"
        if len(words) < 2:
            raise UsageError(f"{where}: a name and a public key are needed")
        try:
            key = parse_key(words[1])
        except UsageError as error:
            raise UsageError(f"{where}: {error.message}", hint=error.hint) from None
        if key in found:
            raise UsageError(f"{where}: this key belongs to {found[key].name!r} already")
        read_only, prefix = False, ""
        for word in words[2:]:
            if word in {"ro", "rw"}:
                read_only = word == "ro"
            elif word.startswith("prefix="):
                prefix = word.removeprefix("prefix=").strip("/")
            else:
                raise UsageError(f"{where}: nobody knows {word!r}", hint="known are ro, rw and prefix=FOLDER")
        found[key] = Permission(words[0], read_only, prefix)
    return found


class KeyAuthenticator:
    """Who is listed may come in. The list is read again whenever its file changes.

    Args:
        keys: the pair of the server.
        clients: file of the clients.
        read_only: whether nobody may write, whatever the file says.
    """

    def __init__(self, keys: CurveKeys, clients: Path, *, read_only: bool = False) -> None:
        self._keys = keys
        self._path = clients
        self._read_only = read_only
        self._stamp: tuple[int, int, int] | None = None
        self._clients: dict[bytes, Permission] = {}
        self._read()

    def curve_server_keys(self) -> tuple[bytes, bytes]:
        """The pair of the server."""
        return self._keys.public, self._keys.secret

    def permit(self, client_public_key: bytes) -> Permission | None:
        """What the file says of the key now."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - once a handshake, in the loop of the server
            if (status.st_mtime_ns, status.st_size, status.st_ino) != self._stamp:
                self._read()
        except FileNotFoundError:
            # Whoever removes the list wants nobody in.
            self._clients, self._stamp = {}, None
        except (OSError, UsageError) as error:
            # A list that is being edited locks nobody out, and lets nobody in whom it did not name before.
            logger.warning("the list of clients %s is not read again: %s", self._path, error)
        found = self._clients.get(client_public_key)
        if found is not None and self._read_only:
            return Permission(found.name, True, found.prefix)  # noqa: FBT003 - the field is named so
        return found

    def _read(self) -> None:
        try:
            with self._path.open(encoding="utf-8") as file:
                status = os.fstat(file.fileno())
                text = file.read()
        except UnicodeDecodeError as error:
            raise UsageError(f"{self._path} is not UTF-8 text") from error
        self._clients = parse_authorized(text, str(self._path))
        self._stamp = (status.st_mtime_ns, status.st_size, status.st_ino)


def authenticator(
    *,
    password: str | None = None,
    server_key: Path | None = None,
    authorized_clients: Path | None = None,
    realm: str = "",
    read_only: bool = False,
) -> Authenticator:
    """The judge that the settings of a server ask for."""
    if server_key is not None:
        if password is not None:
            raise UsageError("a server has either a password or a key file", hint="leave one of them out")
        if authorized_clients is None:
            raise UsageError(
                "a server with a key file needs the list of its clients",
                hint="set authorized_clients, a file with lines: NAME PUBLIC-KEY",
            )
        try:
            return KeyAuthenticator(load_keys(server_key), authorized_clients, read_only=read_only)
        except OSError as error:
            raise from_os_error(error, f"reading the list of clients {authorized_clients}") from error
    if authorized_clients is not None:
        raise UsageError(
            "a list of clients needs the key file of the server", hint="flaxfile keygen makes one"
        )
    if password is not None:
        if len(password) < SHORT_PASSWORD:
            logger.warning(
                "the password has %d characters; with less than %d a listener may find it by trying",
                len(password),
                SHORT_PASSWORD,
            )
        return PasswordAuthenticator(derive(password, realm), read_only=read_only)
    return OpenAuthenticator(read_only=read_only)
