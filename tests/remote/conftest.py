"""Every async test runs on asyncio and on uvloop and leaves nothing behind, as those of the transport."""

from __future__ import annotations

from tests.transport.conftest import clean_loop, peer, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "peer", "pytest_asyncio_loop_factories"]
