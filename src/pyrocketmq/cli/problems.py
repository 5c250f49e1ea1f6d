"""Errors as the command line shows them: what, likely, try, and the exit code. Never a traceback.

Knows the error tree and no command.
"""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, Final

from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import printable, to_json
from pyrocketmq.errors import (
    AdminError,
    ConfigurationError,
    MissingExtraError,
    NoNameServerError,
    RocketMQError,
    TransportError,
)

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["UsageError", "exit_code_of", "report"]


class UsageError(ConfigurationError):
    """An option or argument cannot be used; ``field`` names it."""


def exit_code_of(error: BaseException) -> Exit:
    """The code that a script gets for an error."""
    if isinstance(error, AdminError) and error.failures:
        if error.done:
            return Exit.WARNINGS
        return max(exit_code_of(each) for each in error.failures.values())
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.BUG)


_CODES: Final[tuple[tuple[type[BaseException], Exit], ...]] = (
    (KeyboardInterrupt, Exit.INTERRUPTED),
    (ConfigurationError, Exit.WRONG_USE),
    (MissingExtraError, Exit.WRONG_USE),
    (TransportError, Exit.NO_SERVER),
    (NoNameServerError, Exit.NO_SERVER),
    (RocketMQError, Exit.REFUSED),
    (OSError, Exit.REFUSED),
)
"""The first kind that fits counts: some errors of this package are kinds of OSError too."""


def report(error: BaseException, *, json: bool = False, stream: TextIO | None = None) -> Exit:
    """Print an error, give the exit code."""
    out = sys.stderr if stream is None else stream
    found = exit_code_of(error)
    code, what, likely, advice = _parts(error)
    if json:
        value = {"code": code, "what": what, "likely": likely, "try": advice, "exit": int(found)}
        out.write(to_json({"error": value}) + "\n")
    elif isinstance(error, KeyboardInterrupt):
        out.write(f"{what}\n")
    else:
        out.write(printable(f"error [{code}]: {what}" if code else f"error: {what}") + "\n")
        if likely:
            out.write(printable(f"  Likely: {likely}") + "\n")
        if advice:
            out.write(printable(f"  Try:    {advice}") + "\n")
    out.flush()
    return found


def _parts(error: BaseException) -> tuple[str | None, str, str | None, str | None]:
    if isinstance(error, RocketMQError):
        return error.code, error.what, error.likely, error.advice
    if isinstance(error, OSError):
        likely = advice = None
        if error.errno == errno.EADDRINUSE:
            likely = "another program listens on this port"
            advice = "choose another --port"
        elif error.errno in (errno.EACCES, errno.EPERM):
            likely = "this user may not do that; ports below 1024 need more rights"
        elif error.errno == errno.EADDRNOTAVAIL:
            likely = "no network of this machine has this address"
        reason = error.strerror or str(error) or type(error).__name__
        named = f"{error.filename}: " if error.filename else ""
        return None, f"{named}{reason}", likely, advice
    if isinstance(error, KeyboardInterrupt):
        return None, "stopped", None, None
    what = f"unexpected {type(error).__name__}: {error}"
    return None, what, "a fault in this program", "run it again with --debug, and report what it prints"
