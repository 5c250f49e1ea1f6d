"""One arm in a process of its own; prints one JSON object.

Every request is a send of a message with 100 bytes and a unique id, and every answer is looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final

import uvloop

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.lane import Lane
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.remote import AsyncRemote, RemoteConfig, create_sync_remote
from pyrocketmq.transport import TransportConfig
from pyrocketmq.transport.dial import dial_blocking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyrocketmq._native.answer import SendResult

    Awaited = Callable[[], Awaitable[RemotingCommand | SendResult]]

TASKS: Final = 1024
TIMEOUT: Final = 10.0
BODY: Final = b"x" * 100
WARM_UP: Final = 500
SPIN: Final = 0.001

FIELDS: Final = {
    "a": "bench-group",
    "b": "bench-topic",
    "c": "TBW102",
    "d": "4",
    "e": "0",
    "f": "0",
    "g": "1700000000000",
    "h": "0",
    "i": "UNIQ_KEY\x010123456789ABCDEF0123456789ABCDEF\x02WAIT\x01true",
    "j": "0",
    "k": "false",
    "m": "false",
    "n": "broker-a",
}


def command() -> RemotingCommand:
    """A send as a general command."""
    return RemotingCommand(310, ext_fields=FIELDS, body=BODY)


def encoder(codec: str = "json") -> SendEncoder:
    """What writes sends straight from messages."""
    return SendEncoder("bench-group", "broker-a", codec)


def message() -> Message:
    """A message that gets its unique id when it is sent."""
    return Message("bench-topic", BODY)


# ---- many at once ----


async def many(ask: Awaited, count: int) -> dict[str, Any]:
    """Awaited calls from many tasks, each of which asks again as soon as it has its answer."""
    left = count

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            assert (await ask()).code == 0

    cpu, begun = time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(TASKS):
            group.create_task(work())
    seconds = time.perf_counter() - begun
    return {
        "count": count,
        "rate": count / seconds,
        "cpu_us": (time.process_time() - cpu) / count * 1e6,
    }


# ---- one at a time ----


def latencies(times: list[float], cpu: float) -> dict[str, Any]:
    cuts = quantiles(times, n=100, method="inclusive")
    return {
        "count": len(times) + WARM_UP,
        "p50_us": cuts[49] * 1e6,
        "p99_us": cuts[98] * 1e6,
        "cpu_us": cpu / len(times) * 1e6,
    }


def one_by_one(ask: Callable[[], RemotingCommand | SendResult], count: int) -> dict[str, Any]:
    """Blocking calls."""
    clock = time.perf_counter
    times = []
    for _ in range(WARM_UP):
        ask()
    cpu = time.process_time()
    for _ in range(count - WARM_UP):
        begun = clock()
        answer = ask()
        times.append(clock() - begun)
        assert answer.code == 0
    return latencies(times, time.process_time() - cpu)


async def one_by_one_awaited(ask: Awaited, count: int) -> dict[str, Any]:
    """Awaited calls."""
    clock = time.perf_counter
    times = []
    for _ in range(WARM_UP):
        await ask()
    cpu = time.process_time()
    for _ in range(count - WARM_UP):
        begun = clock()
        answer = await ask()
        times.append(clock() - begun)
        assert answer.code == 0
    return latencies(times, time.process_time() - cpu)


# ---- the arms ----


def on_loop(
    measure: Callable[[Awaited, int], Awaitable[dict[str, Any]]], way: Callable[[AsyncRemote], Awaited]
) -> Callable[[str, int], dict[str, Any]]:
    """An arm on uvloop, with a way to make calls out of a remote."""

    async def run(address: str, count: int) -> dict[str, Any]:
        async with AsyncRemote(address) as remote:
            return await measure(way(remote), count)

    return lambda address, count: uvloop.run(run(address, count))


def by_invoke(remote: AsyncRemote) -> Awaited:
    return lambda: remote.invoke(command(), TIMEOUT)


def by_request(remote: AsyncRemote) -> Awaited:
    connection = remote.transport.connection
    return lambda: connection.request(command(), TIMEOUT)


def by_send(codec: str) -> Callable[[AsyncRemote], Awaited]:
    def way(remote: AsyncRemote) -> Awaited:
        connection, made = remote.transport.connection, encoder(codec)
        return lambda: connection.send_message(made, message(), 0, TIMEOUT)

    return way


def by_engine(address: str, count: int) -> dict[str, Any]:
    with create_sync_remote(address) as remote:
        return one_by_one(lambda: remote.invoke(command(), TIMEOUT), count)


def by_lane(spin: float) -> Callable[[str, int], dict[str, Any]]:
    def run(address: str, count: int) -> dict[str, Any]:
        config = RemoteConfig(direct_lane=True, spin=spin)
        with create_sync_remote(address, config) as remote:
            return one_by_one(lambda: remote.invoke(command(), TIMEOUT), count)

    return run


def by_lane_send(spin: float) -> Callable[[str, int], dict[str, Any]]:
    def run(address: str, count: int) -> dict[str, Any]:
        made = encoder()
        lane = Lane(dial_blocking(TransportConfig.from_address(address)), address=address, spin=spin)
        try:
            return one_by_one(lambda: lane.send_message(made, message(), 0, TIMEOUT), count)
        finally:
            lane.close()

    return run


ARMS: Final[dict[str, Callable[[str, int], dict[str, Any]]]] = {
    "invoke": on_loop(many, by_invoke),
    "request": on_loop(many, by_request),
    "send": on_loop(many, by_send("json")),
    "send-binary": on_loop(many, by_send("binary")),
    "one-invoke": on_loop(one_by_one_awaited, by_invoke),
    "one-send": on_loop(one_by_one_awaited, by_send("json")),
    "one-engine": by_engine,
    "one-lane": by_lane(0.0),
    "one-lane-spin": by_lane(SPIN),
    "one-lane-send": by_lane_send(0.0),
    "one-lane-send-spin": by_lane_send(SPIN),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    options = parser.parse_args()
    gc.freeze()
    print(json.dumps(ARMS[options.arm](f"127.0.0.1:{options.port}", options.count)))


if __name__ == "__main__":
    main()
