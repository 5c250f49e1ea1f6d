"""What became of messages: counts, the first errors, and the exit code. Deliveries come from any thread."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import printable
from pyrocketmq.cli.problems import exit_code_of
from pyrocketmq.errors import RocketMQError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq.cli.output import Output

__all__ = ["Tally", "failure_of", "place_of"]

_SHOWN: Final = 20


def place_of(topic: str, result: SendResult) -> dict[str, object]:
    """Where a message is now, for JSON."""
    queue = result.message_queue
    return {
        "topic": topic,
        "msg_id": result.msg_id,
        "offset_msg_id": result.offset_msg_id,
        "broker": getattr(queue, "broker_name", None),
        "queue_id": result.queue_id,
        "queue_offset": result.queue_offset,
        "status": None if result.status is None else result.status.name,
        "recall_handle": result.recall_handle,
    }


def failure_of(error: BaseException) -> dict[str, object]:
    """An error, for JSON."""
    if isinstance(error, RocketMQError):
        return {"code": error.code, "what": error.what, "likely": error.likely, "try": error.advice}
    return {"code": None, "what": str(error) or type(error).__name__, "likely": None, "try": None}


class Tally:
    """Counts what was read, sent and refused; says each refusal at once, up to a number of them.

    Args:
        output: where JSON lines go; people read refusals on standard error.
    """

    def __init__(self, output: Output) -> None:
        self.read = 0
        self.sent = 0
        self.failed = 0
        self.unconfirmed = 0
        self.worst = Exit.DONE
        self._output = output
        self._lock = threading.Lock()
        self._began = time.perf_counter()

    @property
    def open(self) -> int:
        """How many were read and have no outcome yet."""
        return self.read - self.sent - self.failed

    def delivered(self, line: int, topic: str, result: SendResult) -> None:
        """A broker has stored one."""
        with self._lock:
            self.sent += 1
            if not result.ok:
                self.unconfirmed += 1
            if self._output.json:
                self._output.document({"event": "sent", "line": line, **place_of(topic, result)})

    def refused(self, line: int, error: BaseException) -> None:
        """One was not sent, or it is not known."""
        with self._lock:
            self.failed += 1
            self.worst = max(self.worst, exit_code_of(error))
            if self._output.json:
                self._output.document({"event": "failed", "line": line, "error": failure_of(error)})
            elif self.failed <= _SHOWN:
                failure = failure_of(error)
                sys.stderr.write(printable(f"line {line}: [{failure['code']}] {failure['what']}") + "\n")
                if failure["try"] and self.failed == 1:
                    sys.stderr.write(printable(f"  Try:    {failure['try']}") + "\n")
                if self.failed == _SHOWN:
                    sys.stderr.write("further lines that fail are only counted; --json names all\n")
                sys.stderr.flush()

    def summary(self) -> Mapping[str, object]:
        """All counts, for JSON."""
        seconds = time.perf_counter() - self._began
        return {
            "sent": self.sent,
            "failed": self.failed,
            "unknown": self.open,
            "unconfirmed": self.unconfirmed,
            "seconds": round(seconds, 3),
            "per_second": round(self.sent / seconds, 1) if seconds else 0.0,
        }

    def text(self) -> str:
        """The counts for people."""
        summary = self.summary()
        parts = [f"{self.sent:,} sent in {summary['seconds']} s, {summary['per_second']:,}/s"]
        if self.unconfirmed:
            parts.append(f"{self.unconfirmed:,} of them stored and not confirmed by disk or slave")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.open:
            parts.append(f"{self.open:,} unknown")
        return "; ".join(parts)

    def exit_code(self) -> Exit:
        """Done, done in part, or as bad as the worst error."""
        if not (self.failed or self.open or self.unconfirmed):
            return Exit.DONE
        return Exit.WARNINGS if self.sent else self.worst
