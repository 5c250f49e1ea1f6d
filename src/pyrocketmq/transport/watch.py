"""Looks after one open connection: is the peer still there, and does it know that we are?

After a request has timed out, the peer is suspect and gets a probe; when two of them stay without an answer,
the connection is given up. A connection that is idle gets one before the server would close it. Knows
nothing of how a connection is made or made again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import BackPressureError, ConnectionClosedError, RpcTimeoutError
from pyrocketmq.model.enums import RequestCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq._native.connection import Connection
    from pyrocketmq.transport.config import TransportConfig

__all__ = ["Watch", "make_probe"]

_PROBES: Final = 2  # in silence
_SLOW_PROBES: Final = 10  # while bytes come and no whole frame does: it is a large one, or a length was wrong
# A peer that was heard within this part of a probe's time is there, however slow its answers are.
_QUIET_PART: Final = 1 / 3


def make_probe() -> RemotingCommand:
    """A request that each name server and broker answers, without a line in its log."""
    return RemotingCommand(RequestCode.GET_ROUTEINFO_BY_TOPIC, ext_fields={"topic": "TBW102"})


class Watch:
    """Probes the peer of a connection; made when the connection is open, and ended with it."""

    def __init__(
        self, connection: Connection, config: TransportConfig, probe: Callable[[], RemotingCommand]
    ) -> None:
        self._connection = connection
        self._config = config
        self._make_probe = probe
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(config.idle_probe, self._look)
        self._task: asyncio.Task[None] | None = None
        self._frames = 0
        self._since = self._loop.time()

    def timed_out(self) -> None:
        """Requests have timed out: find out whether the peer is there, unless it was heard just now."""
        connection, now = self._connection, self._loop.time()
        frames = connection.stats().frames_in
        if frames != self._frames:
            self._frames, self._since = frames, now
        silent = connection.silent_for >= self._config.probe_timeout * _QUIET_PART
        if silent or now - self._since >= self._config.probe_timeout:
            self._probe()

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _look(self) -> None:
        left = self._config.idle_probe - self._connection.idle_for
        if left <= 0:
            self._probe()
            left = self._config.idle_probe
        self._timer = self._loop.call_later(left, self._look)

    def _probe(self) -> None:
        if self._task is None and self._connection.is_open:
            self._task = self._loop.create_task(self._find_out(), name=f"probe {self._config.address}")
            self._task.add_done_callback(self._found_out)

    def _found_out(self, _: asyncio.Task[None]) -> None:
        self._task = None

    async def _find_out(self) -> None:
        connection, wait = self._connection, self._config.probe_timeout
        misses = 0
        for _ in range(_SLOW_PROBES):
            before = connection.stats()
            try:
                await connection.request(self._make_probe(), wait)
            except RpcTimeoutError:
                pass
            except BackPressureError:
                await asyncio.sleep(wait)
            except ConnectionClosedError:
                return
            after = connection.stats()
            if after.frames_in != before.frames_in:
                return  # whatever it said, it is there
            misses = misses + 1 if after.bytes_in == before.bytes_in else 0
            if misses == _PROBES:
                break
        came = "nothing" if misses == _PROBES else "no whole frame"
        connection.abort(
            ConnectionClosedError(
                f"the connection to {connection.address} is given up: {came} came while "
                f"{misses if misses == _PROBES else _SLOW_PROBES} probes waited for {wait:g} s each",
                likely="the server is stopped, or the network to it is cut or damages what it carries",
                advice="look at the server; requests go on as soon as it can be reached again",
                address=connection.address,
            )
        )
