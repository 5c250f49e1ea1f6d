"""Time, processor time and memory of a piece of work in this process."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Meter", "resident_bytes"]

_STATM: Final = Path("/proc/self/statm")
_LOOK_EVERY: Final = 0.1


def resident_bytes() -> int:
    """Memory of this process that is in use now; elsewhere than on Linux the most that it ever was."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return 0
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


class Meter:
    """Measures what is done inside of ``with``, of all threads of the process.

    Args:
        look: called several times a second with the seconds since the start, on a thread of its own.
    """

    def __init__(self, look: Callable[[float], None] | None = None) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.memory_bytes = 0
        self._look = look
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="bench-meter", daemon=True)
        self._began = self._cpu_began = 0.0

    def __enter__(self) -> Self:
        self.memory_bytes = resident_bytes()
        self._began, self._cpu_began = time.perf_counter(), time.process_time()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._began
        self.cpu_seconds = time.process_time() - self._cpu_began
        self._end.set()
        self._thread.join()
        self.memory_bytes = max(self.memory_bytes, resident_bytes())

    def figures(self, count: int, size: int) -> dict[str, float]:
        """The figures of a run that sent so many messages of so many bytes."""
        return {
            "per_second": count / self.seconds,
            "mb_per_second": count * size / self.seconds / 1e6,
            "cpu_us": self.cpu_seconds / max(count, 1) * 1e6,
            "memory_mb": self.memory_bytes / 1e6,
        }

    def _watch(self) -> None:
        while not self._end.wait(_LOOK_EVERY):
            self.memory_bytes = max(self.memory_bytes, resident_bytes())
            if self._look is not None:
                self._look(time.perf_counter() - self._began)
