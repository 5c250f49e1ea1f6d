"""Many brokers: all hear of a client right after its start, which waits for none of them."""

from __future__ import annotations

import pytest

from tests.core.many import start_against


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_two_hundred_brokers_know_a_client_right_after_its_start() -> None:
    started = await start_against(200)

    assert 200 == started.connected
    assert started.heartbeats >= 200
    assert 0 == started.failed
