"""How many connections a transfer gets, and what counts as far away."""

from __future__ import annotations

import pytest

from flaxfile.adaptive import distance, plan_transfer

MIB = 1 << 20
GB = 1_000_000_000


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "[::1]"])
def test_a_busy_machine_is_near_to_itself_and_gets_one_connection(host: str) -> None:
    plan = plan_transfer(
        GB, round_trip=distance(host, 0.004), encrypted=False, cores=2, window=32 * MIB, connections=None
    )

    assert (1, MIB) == (plan.sockets, plan.chunk)


@pytest.mark.parametrize(("host", "seconds"), [("10.0.0.1", 0.004), ("server", 0.004), ("localhost", 0.02)])
def test_another_machine_and_a_tunnel_to_one_are_far(host: str, seconds: float) -> None:
    plan = plan_transfer(
        GB, round_trip=distance(host, seconds), encrypted=False, cores=2, window=32 * MIB, connections=None
    )

    assert 8 == plan.sockets
