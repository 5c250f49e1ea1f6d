"""Servers and clients on free ports of loopback; every async test runs on asyncio and on uvloop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from flaxfile.client.async_client import AsyncClient
from flaxfile.server.server import Server


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops; uvloop does not exist on Windows."""
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if sys.platform != "win32":
        import uvloop  # noqa: PLC0415

        factories["uvloop"] = uvloop.new_event_loop
    return factories


@pytest_asyncio.fixture(autouse=True)
async def clean_loop() -> AsyncIterator[None]:
    """What the loop would only log is a failure here, and so is a task that a test leaves behind."""
    loop = asyncio.get_running_loop()
    problems: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: problems.append(context))
    yield
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert [] == left
    assert [] == problems


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest_asyncio.fixture
async def server(store: Path) -> AsyncIterator[Server]:
    made = Server("127.0.0.1", 0, store)
    await made.start()
    yield made
    await made.stop(0)


@pytest_asyncio.fixture
async def client(server: Server) -> AsyncIterator[AsyncClient]:
    async with AsyncClient("127.0.0.1", server.port, idle_timeout=10.0) as made:
        yield made
