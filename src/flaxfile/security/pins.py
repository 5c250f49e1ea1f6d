"""Which key a server had when it was met first. A changed key is an error, never a question.

Pins belong to key files: with a password the server proves that it knows the password. Nothing here asks
anybody or connects.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import tempfile
from typing import TYPE_CHECKING, Final

from flaxfile.errors import AuthError, UsageError, from_os_error

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KNOWN_SERVERS", "KnownServers", "check_fingerprint", "fingerprint", "parse_fingerprint"]

KNOWN_SERVERS: Final = "known_servers"
_FORM: Final = re.compile(r"ff2:[a-z2-7]{26}")


def fingerprint(server_public: bytes) -> str:
    """What people compare: ``ff2:`` and 26 characters."""
    digest = hashlib.blake2b(server_public, digest_size=20).digest()
    return "ff2:" + base64.b32encode(digest).decode()[:26].lower()


def parse_fingerprint(text: str) -> str:
    """A fingerprint as somebody typed it."""
    text = text.strip().lower()
    if _FORM.fullmatch(text) is None:
        raise UsageError(
            f"{text!r} is no fingerprint",
            hint="flaxfile fingerprint prints it on the server: ff2:, 26 letters",
        )
    return text


def check_fingerprint(address: str, server_public: bytes, expected: str, source: str) -> None:
    """Raise if a server's key is not the one that is expected."""
    found = fingerprint(server_public)
    if not hmac.compare_digest(found.encode(), expected.strip().lower().encode()):
        raise AuthError(
            f"the key of {address} is {found}, but {source} says {expected}",
            hint="somebody may be in between; if the server really has a new key: "
            f"flaxfile trust {address} {found}",
        )


class KnownServers:
    """The file of pins: one ``host:port fingerprint`` a line.

    Args:
        path: the file; it is made with the first pin.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[str, str]:
        """Every pin, by address."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise from_os_error(error, f"reading {self.path}") from error
        found: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 2 or _FORM.fullmatch(words[1]) is None:
                raise UsageError(f"{self.path}, line {number}: not an address and a fingerprint")
            found[words[0]] = words[1]
        return found

    def check(self, address: str, server_public: bytes) -> bool:
        """Whether the server is known; raises if it is, and has another key now."""
        known = self.all().get(address)
        if known is None:
            return False
        check_fingerprint(address, server_public, known, str(self.path))
        return True

    def trust(self, address: str, text: str) -> None:
        """Pin a fingerprint, in place of an earlier one."""
        pins = self.all() | {address: parse_fingerprint(text)}
        content = "".join(f"{name} {pin}\n" for name, pin in sorted(pins.items()))
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, written = tempfile.mkstemp(prefix=".known_servers.", dir=self.path.parent)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(content)
                os.replace(written, self.path)  # noqa: PTH105 - mkstemp gives a text
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(written)  # noqa: PTH108
                raise
        except OSError as error:
            raise from_os_error(error, f"writing {self.path}") from error
