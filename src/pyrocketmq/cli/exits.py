"""The exit codes of the command line, and their text for ``--help``. Knows no command."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["EXIT_CODES", "Exit"]


class Exit(IntEnum):
    """What a script learns from a command's end."""

    DONE = 0
    REFUSED = 1
    WRONG_USE = 2
    NO_SERVER = 3
    WARNINGS = 4
    FINDINGS = 5
    BUG = 70
    INTERRUPTED = 130
    PIPE_CLOSED = 141


EXIT_CODES: Final = {
    Exit.DONE: "done",
    Exit.REFUSED: "a server or the system refused, or what was asked for is not there",
    Exit.WRONG_USE: "wrong use: an option, an argument or a setting",
    Exit.NO_SERVER: "no server: not reachable, no TLS, or no answer in time",
    Exit.WARNINGS: "doctor: nothing worse than warnings; others: done in part",
    Exit.FINDINGS: "doctor: something is broken",
    Exit.BUG: "a fault in this program",
    Exit.INTERRUPTED: "stopped by Ctrl-C",
    Exit.PIPE_CLOSED: "the reader of the output went away",
}
"""Every code with its meaning, in the order in which ``--help`` and the page docs/cli.md list them."""
