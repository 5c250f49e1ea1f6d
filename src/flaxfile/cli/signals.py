"""How a command ends before its time: by Ctrl-C, by SIGTERM, by a question that is answered with either.

Knows nothing of servers; what a transfer leaves behind is the affair of whoever moves it.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import FrameType

    from flaxfile.cli.output import Output

__all__ = ["TerminatedError", "ask", "leave", "resuming", "terminable"]

CONTINUED: Final = frozenset({"set", "get", "push", "pull"})
"""Commands that go on where they stopped."""
ANEW: Final = frozenset({"-", "--no-resume", "--dry-run"})
"""Words with which they do not: what came in is gone, or nothing was begun."""


class TerminatedError(BaseException):
    """Somebody sent SIGTERM. No fault that anybody may handle on the way, as Ctrl-C is none."""


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise TerminatedError


@contextlib.contextmanager
def terminable() -> Generator[None]:
    """SIGTERM ends what happens meanwhile as Ctrl-C does, with an exception."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ask(question: str, output: Output) -> bool:
    """Whether somebody at the terminal says yes. Both signals end it, though a loop would hold them back."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with terminable():
            output.stderr.write(question)
            output.stderr.flush()
            return sys.stdin.readline().strip().lower() in {"y", "yes"}
    finally:
        signal.signal(signal.SIGINT, before)


def resuming(name: str, words: Sequence[str]) -> str | None:
    """The command line that goes on with what a command has begun; a password is left out of it."""
    if name not in CONTINUED or ANEW & set(words):
        return None
    kept: list[str] = []
    is_secret = False
    for word in words:
        if not (is_secret or word == "--password" or word.startswith("--password=")):
            kept.append(word)
        is_secret = word == "--password"
    return shlex.join(["flaxfile", name, *kept])


def leave(code: int) -> None:
    """End the process now if a thread still reads what nobody wants any more; it could take hours."""
    if any(one is not threading.main_thread() and not one.daemon for one in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
