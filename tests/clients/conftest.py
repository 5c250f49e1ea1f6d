"""Every async test runs on asyncio and on uvloop, and leaves no task, connection or logged error behind."""

from __future__ import annotations

from tests.transport.conftest import clean_loop, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "pytest_asyncio_loop_factories"]
