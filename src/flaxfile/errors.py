"""Every error of FlaxFile, in one tree, with the exit code that the command line ends with.

    FlaxError
     +-- PartialError                        1 PARTIAL    a sync or a check finished, some files did not
     +-- UsageError (ValueError)             2 USAGE      an argument or a setting cannot be used
     |    +-- MissingExtraError                            an optional package is needed and not installed
     +-- NotFoundError (FileNotFoundError)   3 NOT_FOUND  a key, a folder or a local file is not there
     +-- ConnectError (ConnectionError)      4 CONNECT    nobody answers at the address
     +-- AuthError (PermissionError)         5 AUTH       wrong password or key, or not permitted
     +-- StalledError (TimeoutError)         6 TIMEOUT    no progress within the time, after all retries
     +-- IntegrityError                      7 INTEGRITY  bytes are not those that were sent
     +-- NoSpaceError (OSError)              8 NO_SPACE   the disk or its quota is full
     +-- ConflictError                       9 CONFLICT   a condition fails, a source changes, too many go
     +-- LimitError                         10 LIMIT      the server is full or the file too large
     +-- StorageError (OSError)             11 IO         reading or writing failed, or a name is not storable
     +-- ProtocolError                      12 PROTOCOL   the peer speaks another version, or is broken

This module knows nothing of sockets and files. Both sides use it: an error of the server crosses the wire as
its `to_wire` and comes out of `from_wire` as the same class.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "EXIT_INTERRUPTED",
    "EXIT_TERMINATED",
    "AuthError",
    "ConflictError",
    "ConnectError",
    "FlaxError",
    "IntegrityError",
    "LimitError",
    "MissingExtraError",
    "NoSpaceError",
    "NotFoundError",
    "PartialError",
    "ProtocolError",
    "StalledError",
    "StorageError",
    "UsageError",
    "from_os_error",
    "from_wire",
]

EXIT_INTERRUPTED: Final = 130  # Ctrl-C; 128 + SIGINT, as shells say it
EXIT_TERMINATED: Final = 143  # 128 + SIGTERM


class FlaxError(Exception):
    """Root of all errors of this package.

    Args:
        message: what failed, with the key, the address or the file, and the real value.
        hint: what to do next, best a command.
        retry_after: seconds after which the peer asks to be tried again.
        retryable: whether the same call may succeed later, where it is not what the class says.
    """

    code: ClassVar[int] = 12
    """Number of the error on the wire, and exit code of the command line."""
    name: ClassVar[str] = "PROTOCOL"
    """Name that goes with the code."""
    retryable: bool = False
    """Whether the same call may succeed later."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        self.message = message
        self.hint = hint
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable
        super().__init__(message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.retry_after, self.retryable)

    def to_wire(self) -> dict[str, object]:
        """What an ERROR message says of it."""
        wire: dict[str, object] = {
            "code": self.code,
            "name": self.name,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
        }
        if self.retry_after is not None:
            wire["retry_after_ms"] = round(self.retry_after * 1000)
        return wire


def _rebuild(
    kind: type[FlaxError], message: str, hint: str | None, retry_after: float | None, retryable: bool
) -> FlaxError:
    return kind(message, hint=hint, retry_after=retry_after, retryable=retryable)


class PartialError(FlaxError):
    """A sync or a check came to its end, and some files failed or differ."""

    code = 1
    name = "PARTIAL"
    retryable = True


class UsageError(FlaxError, ValueError):
    """An argument, a flag or a setting cannot be used."""

    code = 2
    name = "USAGE"


class MissingExtraError(UsageError):
    """A feature needs a package that is not installed."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = "pip install 'pyrocketmq-turbo[files]'",
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after, retryable=retryable)


class NotFoundError(FlaxError, FileNotFoundError):
    """A key, a folder of the store or a local file is not there."""

    code = 3
    name = "NOT_FOUND"


class ConnectError(FlaxError, ConnectionError):
    """Nobody listens at the address, its name is unknown, or the handshake took too long."""

    code = 4
    name = "CONNECT"
    retryable = True


class AuthError(FlaxError, PermissionError):
    """Password or key are wrong or missing, the server's key changed, or the request is not permitted."""

    code = 5
    name = "AUTH"


class StalledError(FlaxError, TimeoutError):
    """Nothing moved for the idle time, also after all reconnects. What has arrived is kept for a resume."""

    code = 6
    name = "TIMEOUT"
    retryable = True


class IntegrityError(FlaxError):
    """Bytes that arrived, or that were read back, are not those that were sent."""

    code = 7
    name = "INTEGRITY"
    retryable = True


class NoSpaceError(FlaxError, OSError):
    """The disk or the quota of one side is full."""

    code = 8
    name = "NO_SPACE"


class ConflictError(FlaxError):
    """A condition does not hold, a source kept changing while it was read, or too much would be deleted."""

    code = 9
    name = "CONFLICT"


class LimitError(FlaxError):
    """The server has no room for another client, transfer or file of this size."""

    code = 10
    name = "LIMIT"
    retryable = True


class StorageError(FlaxError, OSError):
    """A file cannot be read or written, or its name cannot be stored here."""

    code = 11
    name = "IO"


class ProtocolError(FlaxError):
    """The peer speaks another version, sent what makes no sense, or failed inside."""

    code = 12
    name = "PROTOCOL"


_BY_CODE: Final[dict[int, type[FlaxError]]] = {
    kind.code: kind
    for kind in (
        PartialError,
        UsageError,
        NotFoundError,
        ConnectError,
        AuthError,
        StalledError,
        IntegrityError,
        NoSpaceError,
        ConflictError,
        LimitError,
        StorageError,
        ProtocolError,
    )
}
_NO_SPACE: Final = frozenset(
    number for number in (errno.ENOSPC, getattr(errno, "EDQUOT", None), errno.EFBIG) if number is not None
)
_NOT_THERE: Final = frozenset((errno.ENOENT, errno.ENOTDIR))


def from_wire(code: int, payload: Mapping[str, object]) -> FlaxError:
    """The error that a peer sent; whatever it sent, this gives one and does not fail."""
    kind = _BY_CODE.get(code)
    message = payload.get("message")
    hint = payload.get("hint")
    after = payload.get("retry_after_ms")
    retryable = payload.get("retryable")
    text = message if isinstance(message, str) and message else f"the peer answered with error {code}"
    error = (kind or ProtocolError)(
        text if kind is not None else f"{text} (unknown error code {code})",
        hint=hint if isinstance(hint, str) and hint else None,
        retryable=retryable if isinstance(retryable, bool) else None,
    )
    if isinstance(after, (int, float)) and not isinstance(after, bool) and 0 <= after <= 86_400_000:
        error.retry_after = after / 1000
    return error


def from_os_error(error: OSError, doing: str) -> FlaxError:
    """The one gate for what the system refuses; ``doing`` reads like "writing a/b.bin"."""
    if isinstance(error, FlaxError):
        return error
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno in _NO_SPACE:
        return NoSpaceError(f"no space left while {doing}: {reason}", hint="free some space and try again")
    if error.errno in _NOT_THERE:
        return NotFoundError(f"not found while {doing}: {reason}")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StorageError(
            f"not allowed by the system while {doing}: {reason}", hint="look at owner and mode of the file"
        )
    return StorageError(f"{doing} failed: {reason}")
