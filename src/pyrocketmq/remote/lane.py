"""Direct lanes: blocking calls on a socket of the calling thread. What a lane cannot do, the engine does."""

from __future__ import annotations

import os
import threading
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.lane import LANES_WORK, Lane
from pyrocketmq.errors import ConnectionError  # noqa: A004
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.remote.async_remote import AsyncRemote
from pyrocketmq.remote.engine import engine
from pyrocketmq.remote.sync_remote import SyncRemote
from pyrocketmq.transport.dial import dial_blocking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport import TransportConfig

__all__ = ["DirectRemote", "Lanes"]


_GO_AWAY: Final = int(ResponseCode.GO_AWAY)


class _PerThread(threading.local):
    lane: Lane | None = None


class Lanes:
    """The lanes of all threads to one server: at most one for each, and ``max_lanes`` together.

    A lane ends with its thread, after an error, or after ``lane_idle`` seconds without use. A child made by
    fork begins with none.

    Args:
        transport: where to connect and how.
        limits: how many lanes there may be, how long they may rest, and whether they spin.
    """

    def __init__(self, transport: TransportConfig, limits: RemoteConfig) -> None:
        self.transport = transport
        self.limits = limits
        self.works = LANES_WORK and transport.tls is None
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._mine = _PerThread()
        self._all: weakref.WeakSet[Lane] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._being_made = 0
        self._swept = False

    def __len__(self) -> int:
        """How many are open."""
        return sum(lane.is_open for lane in tuple(self._all))

    def lane(self, timeout: float) -> Lane | None:
        """The lane of this thread, connected now if there is none; None when there are too many already.

        Raises:
            ConnectionError: no connection could be made within ``timeout`` seconds and ``connect_timeout``.
        """
        lane = self._mine.lane
        if lane is not None and lane.is_usable:
            return lane
        return self._connect(timeout) if self.works else None

    def close(self) -> None:
        """Close all; requests in flight end with ConnectionClosedError."""
        for lane in tuple(self._all):
            lane.close()

    def _connect(self, timeout: float) -> Lane | None:
        if self._pid != os.getpid():
            self._begin()
        old, self._mine.lane = self._mine.lane, None
        if old is not None:
            old.close()
        with self._lock:
            if len(self) + self._being_made >= self.limits.max_lanes:
                return None
            self._being_made += 1
        try:
            config = self.transport
            if timeout < config.connect_timeout:
                config = config.replace(connect_timeout=timeout)
            lane = Lane(
                dial_blocking(config),
                address=config.address,
                codec=config.header_codec,
                max_frame_bytes=config.max_frame_bytes,
                spin=self.limits.spin,
            )
            self._all.add(lane)
        finally:
            with self._lock:
                self._being_made -= 1
        self._mine.lane = lane
        self._watch()
        return lane

    def _watch(self) -> None:
        """Have the engine look for idle lanes, as long as there are any."""
        with self._lock:
            begun, self._swept = self._swept, True
        if not begun:
            engine().run(_sweep, weakref.ref(self))

    def _close_idle(self) -> bool:
        """Close the lanes that have rested long enough; says whether others are left."""
        with self._lock:
            left = [lane for lane in tuple(self._all) if not lane.close_if_idle(self.limits.lane_idle)]
            self._swept = bool(left)
            return self._swept


def _sweep(lanes: weakref.ref[Lanes]) -> None:
    """Look for idle lanes on the engine thread, again and again, until there are none."""
    found = lanes()
    if found is not None and found._close_idle():
        engine().loop.call_later(found.limits.lane_idle / 4, _sweep, lanes)


class DirectRemote(SyncRemote):
    """A SyncRemote whose ``invoke`` uses a direct lane: a connection of the calling thread.

    It halves the time of one call. Hooks and credentials are called on the calling thread. Threads beyond
    ``max_lanes``, TLS, Windows, one-way calls, callbacks, and the server's own requests use the engine; so
    does a call that could not leave, and one that the server answers with GO_AWAY.

    Args:
        transport_config: where to connect and how, or ``host:port``.
        remote_config: limits of its calls and lanes.
        hooks: called around each request.
        credentials: who signs the requests, or a function that gives them.
    """

    def __init__(
        self,
        transport_config: TransportConfig | str,
        remote_config: RemoteConfig | None = None,
        *,
        hooks: Sequence[RpcHook] = (),
        credentials: CredentialsSource | None = None,
    ) -> None:
        super().__init__(transport_config, remote_config, hooks=hooks, credentials=credentials)
        self.lanes = Lanes(self.transport.config, self.config)

    def invoke(self, request: RemotingCommand, timeout: float | None = None) -> RemotingCommand:
        """As ``SyncRemote.invoke``, on a lane of this thread."""
        # Its hooks and settings are those of the process before a fork as well; only its connection is not.
        remote: AsyncRemote = self._object
        if timeout is None:
            timeout = remote.config.timeout
        if not remote._looked_at:
            return self._ask(request, timeout)
        remote._prepare(request)
        try:
            answer = self._ask(request, timeout)
        except BaseException as error:
            remote._tell_hooks(request, None, error)
            raise
        remote._tell_hooks(request, answer, None)
        return answer

    def close(self) -> None:
        """Close the lanes and the connection: calls that wait end with ConnectionClosedError."""
        self.lanes.close()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lanes.close()
        super().__exit__(kind, error, trace)

    def _ask(self, request: RemotingCommand, timeout: float) -> RemotingCommand:
        end = monotonic() + timeout
        left = timeout
        try:
            lane = self.lanes.lane(timeout)
            if lane is not None:
                if not lane.requests:
                    left = max(0.001, end - monotonic())
                answer = lane.request(request, left)
                if answer.code != _GO_AWAY:
                    return answer
                lane.close()
        except ConnectionError as error:
            if error.maybe_sent or monotonic() >= end:
                raise
        return self._call(AsyncRemote._ask, request, max(0.001, end - monotonic()))
