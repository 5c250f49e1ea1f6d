"""As for the transport: asyncio and uvloop, nothing left behind, and nothing logged by the loop."""

from __future__ import annotations

from tests.transport.conftest import clean_loop, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "pytest_asyncio_loop_factories"]
