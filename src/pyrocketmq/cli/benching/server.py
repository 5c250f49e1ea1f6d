"""An embedded broker in a process of its own, for a bench or a demonstration without a server."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["own_server"]

_START_S: Final = 15.0
_STOP_S: Final = 5.0


@contextlib.contextmanager
def own_server(*options: str) -> Generator[str]:
    """The address of its name server; it ends with the context.

    Args:
        options: further options of ``pyrocketmq serve``.

    Raises:
        ConfigurationError: it did not start.
    """
    folder = tempfile.TemporaryDirectory()
    ready = Path(folder.name) / "ready.json"
    command = [sys.executable, "-m", "pyrocketmq", "serve", "--plain", "--port", "0", "--end-with-input"]
    # A session of its own keeps a Ctrl-C for the program that started it away from it. However that program
    # ends, its end of the pipe closes, and the server ends too.
    process = subprocess.Popen(  # noqa: S603 - this interpreter and our own program
        [*command, "--ready-file", str(ready), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        with folder:
            address = str(_facts_of(process, ready)["nameserver"])
        yield address
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _facts_of(process: subprocess.Popen[bytes], ready: Path) -> dict[str, Any]:
    end = time.monotonic() + _START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            _, told = process.communicate()
            raise ConfigurationError(
                f"the server of the bench did not start: {told.decode(errors='replace').strip()}",
                field="serve",
                advice="start one with `pyrocketmq serve`, and name it with --nameserver",
            )
        time.sleep(0.01)
    facts: dict[str, Any] = json.loads(ready.read_text(encoding="utf-8"))
    return facts
