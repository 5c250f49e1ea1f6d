"""Which servers an operation concerns, and the same request to all of them at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from pyrocketmq.broker.client import BrokerClient
from pyrocketmq.errors import AdminError, RocketMQError
from pyrocketmq.model.route import MASTER_ID
from pyrocketmq.transport.utils import parse_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.model.route import BrokerData, ClusterInfo
    from pyrocketmq.nameserver.client import NameServerClient
    from pyrocketmq.nameserver.servers import NameServers
    from pyrocketmq.remote.config import RemoteConfig
    from pyrocketmq.remote.credentials import CredentialsSource
    from pyrocketmq.remote.hooks import RpcHook
    from pyrocketmq.transport.config import TransportConfig

    T = TypeVar("T")

__all__ = ["AdminCalls"]

AT_ONCE: Final = 64
"""Requests of one operation that are under way at the same time."""


class AdminCalls:
    """What all operations share: the name servers, and a connection to each broker, made on first use."""

    _name_servers: NameServers
    _transport_config: TransportConfig
    _remote_config: RemoteConfig
    _credentials: CredentialsSource | None
    _hooks: Sequence[RpcHook]
    _brokers: dict[str, BrokerClient]

    # ---- which brokers ----

    def _broker(self, address: str, name: str = "") -> BrokerClient:
        """The client of one broker."""
        client = self._brokers.get(address)
        if client is None:
            host, port = parse_address(address)
            self._brokers[address] = client = BrokerClient(
                host,
                port,
                broker_name=name,
                transport_config=self._transport_config,
                remote_config=self._remote_config,
                credentials=self._credentials,
                hooks=self._hooks,
            )
        return client

    async def _masters(self, cluster: str | None = None, broker: str | None = None) -> list[BrokerClient]:
        """The masters of a cluster, or one broker by its name or address, or the masters of all clusters."""
        chosen = await self._chosen(cluster, broker)
        without = [name for name, addresses in chosen.items() if MASTER_ID not in addresses]
        if without:
            raise _no_master(without)
        return [self._broker(addresses[MASTER_ID], name) for name, addresses in chosen.items()]

    async def _members(self, cluster: str | None = None, broker: str | None = None) -> list[BrokerClient]:
        """As ``_masters``, the slaves too."""
        chosen = await self._chosen(cluster, broker)
        return [
            self._broker(address, name)
            for name, addresses in chosen.items()
            for address in addresses.values()
        ]

    async def _readers(self, cluster: str | None = None, broker: str | None = None) -> list[BrokerClient]:
        """One member of each broker: its master, or the slave with the lowest id."""
        chosen = await self._chosen(cluster, broker)
        return [
            self._broker(addresses[min(addresses)], name) for name, addresses in chosen.items() if addresses
        ]

    async def _readers_of_topic(self, topic: str) -> list[BrokerClient]:
        """One member of each broker that has queues of the topic."""
        route = await self._name_servers.get_route_info(topic)
        return [
            self._broker(data.broker_addrs[min(data.broker_addrs)], data.broker_name or "")
            for data in route.broker_datas
            if data.broker_addrs
        ]

    async def _masters_of_topic(self, topic: str) -> list[BrokerClient]:
        """The masters of the brokers that have queues of the topic."""
        route = await self._name_servers.get_route_info(topic)
        without = [data.broker_name or "" for data in route.broker_datas if data.master_addr is None]
        if without:
            raise _no_master(without)
        return [
            self._broker(data.broker_addrs[MASTER_ID], data.broker_name or "") for data in route.broker_datas
        ]

    async def _queues_to_send(self, topic: str) -> list[MessageQueue]:
        """The queues of a topic that take messages."""
        return (await self._name_servers.get_route_info(topic)).publish_queues(topic)

    async def _master_of(self, topic: str, broker: str) -> BrokerClient:
        """The master of one broker that has queues of the topic."""
        for client in await self._masters_of_topic(topic):
            if client.broker_name == broker:
                return client
        raise AdminError(f"topic {topic!r} has just left {broker!r}", field="broker", advice="try it again")

    async def _cluster_info(self) -> ClusterInfo:
        return await self._name_servers.get_broker_cluster_info()

    async def _chosen(self, cluster: str | None, broker: str | None) -> dict[str, dict[int, str]]:
        """The addresses of the chosen brokers, by name."""
        info = await self._cluster_info()
        if broker is not None:
            return _by_name_or_address(info, broker)
        names = set(info.broker_addr_table)
        if cluster is not None:
            if cluster not in info.cluster_addr_table:
                known = ", ".join(sorted(info.cluster_addr_table)) or "none"
                raise AdminError(
                    f"there is no cluster {cluster!r}, known are: {known}",
                    field="cluster",
                    advice="correct the name",
                )
            names &= set(info.cluster_addr_table[cluster])
        if not names:
            raise AdminError(
                f"no broker is registered with the name servers {', '.join(self._name_servers.addresses)}",
                likely="no broker runs, or it registers with other name servers",
                advice="start a broker with namesrvAddr set to these",
            )
        return {name: info.broker_addr_table[name].broker_addrs for name in sorted(names)}

    async def _drop_topic(self, topic: str, masters: Iterable[BrokerClient], cluster: str | None) -> None:
        """Delete a topic on brokers, then its route: the other way round, the brokers register it again."""
        await self._each(masters, lambda client: client.delete_topic(topic))
        await self._on_name_servers(lambda client: client.delete_topic(topic, cluster_name=cluster))

    # ---- all at once ----

    async def _each(
        self,
        brokers: Iterable[BrokerClient],
        call: Callable[[BrokerClient], Awaitable[T]],
        *,
        ignore: tuple[type[RocketMQError], ...] = (),
    ) -> list[tuple[BrokerClient, T]]:
        """Do something on each broker; gives the results, without those that failed in an expected way.

        Raises:
            AdminError: it failed on some of several brokers.
            RocketMQError: there is one broker, and it failed there.
        """
        chosen = list(brokers)
        results = await self._gather([call(broker) for broker in chosen])
        failures: dict[str, RocketMQError] = {}
        done: list[tuple[BrokerClient, T]] = []
        for broker, result in zip(chosen, results, strict=True):
            if not isinstance(result, RocketMQError):
                done.append((broker, result))
            elif not isinstance(result, ignore):
                failures[broker.address] = result
        if failures and len(chosen) == 1:
            raise next(iter(failures.values()))
        if failures:
            raise _partial(failures, [broker.address for broker, _ in done], "brokers")
        return done

    async def _on_name_servers(self, call: Callable[[NameServerClient], Awaitable[T]]) -> dict[str, T]:
        """Do something on each name server; gives the results by address. Raises as ``_each``."""
        results = await self._name_servers.on_each(call)
        failures: dict[str, RocketMQError] = {}
        done: dict[str, T] = {}
        for address, result in results.items():
            if isinstance(result, RocketMQError):
                failures[address] = result
            else:
                done[address] = result
        if failures and len(results) == 1:
            raise next(iter(failures.values()))
        if failures:
            raise _partial(failures, list(done), "name servers")
        return done

    async def _all_of(self, calls: Mapping[str, Awaitable[T]], kind: str) -> list[T]:
        """All results in their order. Raises AdminError with the failures by name."""
        results = dict(zip(calls, await self._gather(calls.values()), strict=True))
        failures = {name: result for name, result in results.items() if isinstance(result, RocketMQError)}
        if failures:
            raise _partial(failures, [name for name in results if name not in failures], kind)
        return [result for result in results.values() if not isinstance(result, RocketMQError)]

    @staticmethod
    async def _gather(calls: Iterable[Awaitable[T]]) -> list[T | RocketMQError]:
        """All results in their order, an error of this package in the place of a result."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(call: Awaitable[T]) -> T | RocketMQError:
            async with gate:
                try:
                    return await call
                except RocketMQError as error:
                    return error

        return await asyncio.gather(*map(one, calls))


def _by_name_or_address(info: ClusterInfo, broker: str) -> dict[str, dict[int, str]]:
    known: dict[str, BrokerData] = info.broker_addr_table
    if broker in known:
        return {broker: known[broker].broker_addrs}
    if ":" in broker:
        for name, data in known.items():
            for address in data.broker_addrs.values():
                if address == broker:
                    return {name: {MASTER_ID: address}}
        return {"": {MASTER_ID: broker}}
    raise AdminError(
        f"there is no broker {broker!r}, known are: {', '.join(sorted(known)) or 'none'}",
        field="broker",
        advice="give its name or its address as host:port",
    )


def _no_master(names: list[str]) -> AdminError:
    return AdminError(
        f"there is no master of {', '.join(names)} at the moment",
        likely="it is down, and only its slaves are registered",
        advice="start it, or name another broker",
    )


def _partial(failures: dict[str, RocketMQError], done: list[str], kind: str) -> AdminError:
    lines = [f"\n  {address}: {getattr(error, 'what', error)}" for address, error in failures.items()]
    first = next(iter(failures.values()))
    return AdminError(
        f"{len(failures)} of {len(failures) + len(done)} {kind} failed,"
        f" done on {', '.join(done) or 'none'}:{''.join(lines)}",
        likely=first.likely,
        advice=first.advice,
        failures=failures,
        done=tuple(done),
    )
