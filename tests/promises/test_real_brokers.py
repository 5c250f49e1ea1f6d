"""The promise about killed brokers on Apache RocketMQ; collected only with ``--server`` and a release."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.cluster import real_cluster
from tests.promises.kills import ORDERED, kill_and_send

pytestmark = [pytest.mark.asyncio(loop_factories=["uvloop"]), pytest.mark.timeout(600)]  # JVMs start slowly


async def test_real_brokers_that_are_killed_cost_no_send_and_no_message(release: str, tmp_path: Path) -> None:
    with real_cluster(release, tmp_path / "mq", "kills") as cluster:
        kills = await kill_and_send(cluster, 3, away=1.0, rest=0.02)  # a JVM that starts needs the processor

    assert {} == kills.failures()
    assert set() == kills.lost()
    assert [] == kills.found.out_of_order()
    assert 0 == kills.extra_copies()
    assert set(kills.accounts[ORDERED].errors) <= {"SendTimeoutError"}
