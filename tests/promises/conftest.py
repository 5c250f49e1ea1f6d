"""Async tests here run on uvloop, the loop of the engine; what they look at is not the loop's business."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.promises.cluster import Member, running_brokers
from tests.transport.conftest import clean_loop, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "pytest_asyncio_loop_factories"]


@pytest.fixture(scope="session")
def members() -> Iterator[list[Member]]:
    """Two embedded brokers in processes of their own."""
    with running_brokers() as brokers:
        yield brokers
