"""NameServers: all name servers of a cluster behind one face, following the list as it changes.

One server, chosen at random, is asked until it fails; then the next. What was a good list stays until there
is a better one. Nothing is written to disk. Must not know what a route is used for.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self, TypeVar

from pyrocketmq.errors import NoNameServerError, RocketMQError, TransportError
from pyrocketmq.logging.repeats import LONG_INTERVAL_S, RepeatedFaults
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.nameserver.calls import NameServerQueries
from pyrocketmq.nameserver.client import NameServerClient
from pyrocketmq.nameserver.sources import NameServerAddress, source_of
from pyrocketmq.remote.config import PRODUCTION_CONFIG
from pyrocketmq.transport.config import TransportConfig
from pyrocketmq.transport.utils import parse_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
    from types import TracebackType

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.errors import NameServerError
    from pyrocketmq.nameserver.sources import NameServerSource
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook

__all__ = ["NameServers"]

T = TypeVar("T")

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT_S: Final = 3.0
LEAST_TRY_S: Final = 0.2  # a try gets at least this much, if there is that much left
ROUNDS: Final = 3  # how often each server is tried, if there is time left


class _Member:
    """One name server of the list, with the calls that run on it."""

    def __init__(self, client: NameServerClient) -> None:
        self.client = client
        self.running = 0
        self.idle = asyncio.Event()
        self.idle.set()

    @contextmanager
    def in_use(self) -> Generator[NameServerClient]:
        """The client, which is not closed meanwhile."""
        self.running += 1
        self.idle.clear()
        try:
            yield self.client
        finally:
            self.running -= 1
            if not self.running:
                self.idle.set()

    async def retire(self) -> None:
        """Close when the calls that run have ended; each of them has a time-out."""
        await self.idle.wait()
        await self.client.close()


class NameServers(NameServerQueries):
    """The name servers of a cluster. They are connected on first use; ``async with`` or ``close`` ends it.

    A query goes to one of them and, when that one fails, to the next, all within ``timeout``. A topic without
    route is looked for on each of them, since one that has just started does not know all brokers yet.
    Changes have to go to each: ``on_each``.

    Args:
        namesrv_addr: ``a:9876;b:9876``, an iterable of addresses, the URL of an address service, a source, or
            None for the environment variable NAMESRV_ADDR.
        transport_config: further settings of the connections.
        remote_config: time-out and other settings of requests.
        credentials: who signs the requests.
        hooks: called around each request.
        timeout: seconds for one query, all tries included.
        rng: picks the first server; tests give their own.
    """

    def __init__(
        self,
        namesrv_addr: NameServerSource | str | Iterable[str] | None = None,
        *,
        transport_config: TransportConfig | None = None,
        remote_config: RemoteConfig | None = None,
        credentials: CredentialsSource | None = None,
        hooks: Sequence[RpcHook] = (),
        timeout: float = DEFAULT_TIMEOUT_S,
        rng: random.Random | None = None,
    ) -> None:
        self._transport_config = transport_config or TransportConfig()
        self._source = source_of(namesrv_addr, is_mapped=self._is_mapped)
        # The next server is the better second try, so a connection makes none of its own.
        self._remote_config = (remote_config or PRODUCTION_CONFIG).copy(max_retries=0)
        self._credentials = credentials
        self._hooks = hooks
        self._timeout = timeout
        self._rng = rng or random.Random()  # noqa: S311 - spreads load
        self._members: dict[NameServerAddress, _Member] = {}
        self._current: NameServerAddress | None = None
        self._loading: asyncio.Task[bool] | None = None
        self._follower: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._faults = RepeatedFaults(logger, longest=LONG_INTERVAL_S)

    def __repr__(self) -> str:
        return f"<NameServers {', '.join(self.addresses) or self._source!r}>"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The list as it is known now; empty before the first use."""
        return tuple(place.address for place in self._members)

    async def refresh(self) -> bool:
        """Ask the source for the list now; True if it has changed.

        An empty list, or none at all, changes nothing when there is one.

        Raises:
            NoNameServerError: there is no list, and there was none before.
        """
        loading = self._loading
        if loading is None or loading.done():
            self._loading = loading = asyncio.create_task(self._load(), name="name-server list")
            loading.add_done_callback(_look_at)
        # Shielded, since all who wait share it.
        return await asyncio.shield(loading)

    async def on_each(self, call: Callable[[NameServerClient], Awaitable[T]]) -> dict[str, T | RocketMQError]:
        """Do something on every name server at once; gives the result or the error by address."""

        async def one(member: _Member) -> T:
            with member.in_use() as client:
                return await call(client)

        await self._ready()
        members = dict(self._members)
        results = await asyncio.gather(*map(one, members.values()), return_exceptions=True)
        by_address: dict[str, T | RocketMQError] = {}
        for place, result in zip(members, results, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, RocketMQError):
                raise result
            by_address[place.address] = result
        return by_address

    async def close(self) -> None:
        """Close all connections; does nothing when they are closed. A later use opens them again."""
        for task in (self._follower, self._loading):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait([task])
        self._follower = None
        members, self._members = list(self._members.values()), {}
        self._current = None
        retiring = list(self._retiring)
        for task in retiring:
            task.cancel()
        await asyncio.gather(*retiring, return_exceptions=True)
        await asyncio.gather(*(member.client.close() for member in members))

    def loop_closes(self) -> None:
        """End the background work at once, since the event loop is about to close; connections end too."""
        for task in (self._follower, self._loading, *self._retiring):
            if task is not None:
                task.cancel()
        self._follower = self._loading = None
        self._members = {}
        self._current = None

    async def __aenter__(self) -> Self:
        try:
            await self._ready()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ---- asking ----

    async def _ask(self, request: RemotingCommand, timeout: float | None) -> tuple[RemotingCommand, str]:
        limit = self._timeout if timeout is None else timeout
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        failures: dict[str, RocketMQError] = {}
        unknown: tuple[RemotingCommand, str] | None = None
        try:
            async with asyncio.timeout(limit):
                await self._ready()
        except TimeoutError as error:
            raise NoNameServerError(
                f"there is no list of name servers from {self._source!r} within {limit:g} s",
                advice="check the list, or raise the time-out",
            ) from error
        places = self._in_order()
        for number, place in enumerate(places * ROUNDS):
            left = end - loop.time()
            if left <= 0 or (unknown is not None and number >= len(places)):
                break
            share = min(left, max(left / max(1, len(places) - number), LEAST_TRY_S))
            member = self._members.get(place)
            if member is None:
                continue  # the list has changed meanwhile
            try:
                with member.in_use() as client:
                    answer = await client.invoke(request, timeout=share)
            except TransportError as error:
                failures[place.address] = error
                self._failed(place, error)
                continue
            self._current = place
            self._faults.over(place.address, "name server %s answers again", place.address)
            if not _is_unknown_topic(request, answer):
                return answer, place.address
            unknown = unknown or (answer, place.address)
        if unknown is not None:
            return unknown
        raise self._nobody(request, failures, limit)

    def _in_order(self) -> list[NameServerAddress]:
        """The server asked last comes first, then the others in the order of the list."""
        places = list(self._members)
        if self._current is None or self._current not in self._members:
            self._current = self._rng.choice(places)
        first = places.index(self._current)
        return places[first:] + places[:first]

    def _failed(self, place: NameServerAddress, error: TransportError) -> None:
        self._faults.warning(place.address, "name server %s is passed over: %s", place.address, error.what)
        places = list(self._members)
        if self._current == place and len(places) > 1:
            self._current = places[(places.index(place) + 1) % len(places)]

    def _nobody(
        self, request: RemotingCommand, failures: dict[str, RocketMQError], limit: float
    ) -> NoNameServerError:
        name = RequestCode(request.code).name
        why = "; ".join(f"{address}: {error.what}" for address, error in failures.items())
        likely = next((error.likely for error in failures.values() if error.likely), None)
        return NoNameServerError(
            f"no name server answered {name} within {limit:g} s;"
            f" asked {len(failures)} of {len(self._members)} ({why or 'no time left'})",
            likely=likely,
            advice="check the addresses and that a name server runs there, usually on port 9876",
            failures=failures,
        )

    def _refused(self, request: RemotingCommand, answer: RemotingCommand, address: str) -> NameServerError:
        error = super()._refused(request, answer, address)
        if _is_unknown_topic(request, answer) and len(self._members) > 1:
            error.what = (
                f"none of {len(self._members)} name servers ({', '.join(self.addresses)}) has a route"
            )
            error.what += f" of topic {error.topic!r}: {answer.remark}"
        return error

    # ---- the list ----

    async def _ready(self) -> None:
        if not self._members:
            await self.refresh()
        if self._follower is None and self._source.interval is not None:
            self._follower = asyncio.create_task(self._follow(), name="follow the name-server list")

    async def _load(self) -> bool:
        try:
            places = await self._read()
        except NoNameServerError as error:
            if not self._members:
                raise
            self._faults.warning("list", "the list of name servers stays as it was: %s", error.what)
            return False
        self._faults.over("list", "the list of name servers can be read again")
        return self._take(places)

    async def _read(self) -> Sequence[NameServerAddress]:
        places = await self._source.addresses()
        if not places:
            raise NoNameServerError(f"{self._source!r} gives an empty list", advice="correct it there")
        return places

    def _take(self, places: Sequence[NameServerAddress]) -> bool:
        gone = [place for place in self._members if place not in places]
        new = [place for place in places if place not in self._members]
        if not gone and not new:
            return False
        first = not self._members
        kept = {place: self._members.pop(place) for place in places if place in self._members}
        removed = list(self._members.values())
        self._members = {place: kept.get(place) or _Member(self._make(place)) for place in places}
        for member in removed:
            task = asyncio.create_task(member.retire(), name=f"retire {member.client.address}")
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        if not first:
            logger.info("name servers are now %s", ", ".join(self.addresses))
        return True

    def _make(self, place: NameServerAddress) -> NameServerClient:
        config = self._transport_config
        tls = config.tls
        if tls is not None and tls.server_name is None and place.host_name is not None:
            # The certificate is for the name in the list, not for the address that it resolves to.
            config = config.replace(tls=replace(tls, server_name=place.host_name))
        host, port = parse_address(place.address)
        return NameServerClient(
            host,
            port,
            transport_config=config,
            remote_config=self._remote_config,
            credentials=self._credentials,
            hooks=self._hooks,
        )

    def _is_mapped(self, address: str) -> bool:
        config = TransportConfig.from_address(address, address_map=self._transport_config.address_map)
        return config.target != (config.host, config.port)

    async def _follow(self) -> None:
        while (interval := self._source.interval) is not None:
            # A little earlier or later each time, so that many clients do not ask together.
            await asyncio.sleep(interval * self._rng.uniform(0.9, 1.1))
            try:
                await self.refresh()
            except NoNameServerError as error:
                self._faults.warning("list", "there is no list of name servers: %s", error.what)


def _is_unknown_topic(request: RemotingCommand, answer: RemotingCommand) -> bool:
    return request.code == RequestCode.GET_ROUTEINFO_BY_TOPIC and answer.code == ResponseCode.TOPIC_NOT_EXIST


def _look_at(task: asyncio.Task[bool]) -> None:
    if not task.cancelled():
        task.exception()  # whoever waited has got it; nobody may have
