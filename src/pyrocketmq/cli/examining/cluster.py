"""Examines name servers, the brokers they announce, and a topic. Judges what is seen, prints nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyrocketmq.cli.examining.brokers import BrokerFacts, examine_broker
from pyrocketmq.cli.examining.findings import Findings, Weight
from pyrocketmq.cli.examining.server import ServerFacts, examined_server, note_answer
from pyrocketmq.cli.examining.topic import TopicFacts, examine_topic
from pyrocketmq.errors import RocketMQError, TransportError
from pyrocketmq.model import (
    BrokerData,
    ClusterInfo,
    RemotingRequestFactory,
    ResponseCode,
    TopicRouteData,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyrocketmq.cli.examining.asking import Server
    from pyrocketmq.model import AclCredentials, RemotingCommand
    from pyrocketmq.transport import TransportConfig

__all__ = ["Examination", "NameServerFacts", "examine"]


@dataclass(slots=True)
class NameServerFacts:
    """What one name server knows."""

    server: ServerFacts
    is_proxy: bool = False
    brokers: list[BrokerData] = field(default_factory=list[BrokerData])
    topic_code: int | None = None
    topic_route: TopicRouteData | None = None

    def to_value(self) -> dict[str, object]:
        """The facts as JSON values."""
        return {
            **self.server.to_value(),
            "is_proxy": self.is_proxy,
            "brokers": sorted(broker.broker_name or "" for broker in self.brokers),
        }


@dataclass(slots=True)
class Examination:
    """All that was looked at, and what was found."""

    name_servers: list[NameServerFacts]
    brokers: list[BrokerFacts]
    topic: TopicFacts | None
    findings: Findings

    def to_value(self) -> dict[str, object]:
        """Everything as JSON values."""
        worst = self.findings.worst
        return {
            "name_servers": [each.to_value() for each in self.name_servers],
            "brokers": [each.to_value() for each in self.brokers],
            "topic": None if self.topic is None else self.topic.to_value(),
            "findings": [finding.to_value() for finding in self.findings.in_order()],
            "worst": None if worst is None else worst.name.lower(),
        }


async def examine(
    addresses: Sequence[str],
    config_of: Callable[[str], TransportConfig],
    credentials: AclCredentials | None = None,
    topic: str | None = None,
) -> Examination:
    """Look at every name server, then at every broker that one of them announces.

    Args:
        addresses: the name servers.
        config_of: how to connect to an address.
        credentials: who signs the requests.
        topic: one to look at closely.
    """
    findings = Findings()
    name_servers = list(
        await asyncio.gather(
            *(_examine_name_server(config_of(each), credentials, topic, findings) for each in addresses)
        )
    )
    _compare(name_servers, findings)
    announced: dict[tuple[str, int, str], BrokerData] = {}
    for each in name_servers:
        for data in each.brokers:
            for broker_id, address in data.broker_addrs.items():
                announced.setdefault((data.broker_name or "", broker_id, address), data)
    reachable = [config_of(each.server.address).target[0] for each in name_servers if each.server.works]
    brokers = list(
        await asyncio.gather(
            *(
                examine_broker(
                    BrokerFacts(ServerFacts(address), name, broker_id, data.cluster or ""),
                    config_of(address),
                    credentials,
                    findings,
                    likely_hosts=reachable,
                    through_proxy=any(each.is_proxy for each in name_servers),
                )
                for (name, broker_id, address), data in sorted(announced.items(), key=lambda item: item[0])
            )
        )
    )
    _compare_clocks(brokers, findings)
    found = None
    if topic is not None and any(each.server.works for each in name_servers):
        found = await examine_topic(
            topic,
            [(each.server.address, each.topic_code, each.topic_route) for each in name_servers],
            brokers,
            findings,
            config_of=config_of,
            credentials=credentials,
        )
    return Examination(name_servers, brokers, found, findings)


async def _examine_name_server(
    config: TransportConfig, credentials: AclCredentials | None, topic: str | None, findings: Findings
) -> NameServerFacts:
    facts = NameServerFacts(ServerFacts(config.address))
    try:
        async with examined_server(facts.server, config, credentials, findings) as server:
            answer = await server.ask(RemotingRequestFactory.create_get_broker_cluster_info_request())
            note_answer(facts.server, answer, findings)
            await _take_brokers(facts, server, answer, topic, findings)
            facts.server.round_trip = await server.round_trip(
                lambda: RemotingRequestFactory.create_get_route_info_request("TBW102")
            )
    except TransportError:
        pass  # it is a finding by now
    except RocketMQError as error:
        findings.add(Weight.BROKEN, config.address, error.what, likely=error.likely, advice=error.advice)
    return facts


async def _take_brokers(
    facts: NameServerFacts, server: Server, answer: RemotingCommand, topic: str | None, findings: Findings
) -> None:
    if topic is not None:
        route = await server.ask(RemotingRequestFactory.create_get_route_info_request(topic))
        facts.topic_code = route.code
        if route.code == ResponseCode.SUCCESS:
            facts.topic_route = TopicRouteData.decode(route.body)
            facts.brokers = facts.topic_route.broker_datas
    if answer.code == ResponseCode.SUCCESS:
        facts.brokers = list(ClusterInfo.decode(answer.body).broker_addr_table.values())
        if not facts.brokers:
            findings.add(
                Weight.BROKEN,
                facts.server.address,
                "no broker is registered at this name server",
                likely="the broker does not run, or was started with another namesrvAddr",
                advice="start a broker with this name server's address, and look at its log",
            )
        return
    if answer.code != ResponseCode.REQUEST_CODE_NOT_SUPPORTED:
        _note_refusal(facts.server.address, "its list of brokers", answer, findings)
        return
    # Only a name server knows that request: this is a proxy or a broker, and only a broker has facts to tell.
    runtime = await server.ask(RemotingRequestFactory.create_get_broker_runtime_info_request())
    if runtime.code == ResponseCode.SUCCESS:
        findings.add(
            Weight.BROKEN,
            facts.server.address,
            "this is a broker, not a name server",
            advice="use the port of the name server, usually 9876",
        )
        return
    facts.is_proxy = True
    if topic is None:
        findings.add(
            Weight.NOTE,
            facts.server.address,
            "this is a proxy, which does not tell the brokers behind it",
            advice="add --topic NAME, so that its route can be looked at",
        )


def _note_refusal(place: str, thing: str, answer: RemotingCommand, findings: Findings) -> None:
    denied = answer.code in (ResponseCode.NO_PERMISSION, ResponseCode.SYSTEM_ERROR)
    findings.add(
        Weight.BROKEN,
        place,
        f"{thing} was refused with code {answer.code}: {answer.remark or 'no reason given'}",
        likely="the access key, the secret key or a right is missing" if denied else None,
        advice="set --access-key and --secret-key-file" if denied else "look at the server's log",
    )


def _compare(name_servers: list[NameServerFacts], findings: Findings) -> None:
    """Name servers do not talk to each other, so a broker that is missing at one is easily overlooked."""
    working = [each for each in name_servers if each.server.works and not each.is_proxy and each.brokers]
    names = {each.server.address: {data.broker_name for data in each.brokers} for each in working}
    everywhere = set[str | None]().union(*names.values())
    for address, known in names.items():
        missing = sorted(name or "" for name in everywhere - known)
        if missing:
            findings.add(
                Weight.WARNING,
                address,
                f"does not know {', '.join(missing)}, which another name server of the list knows",
                likely="namesrvAddr of that broker does not list all name servers, or one was just restarted",
                advice="list all name servers in the broker's namesrvAddr",
            )


def _compare_clocks(brokers: list[BrokerFacts], findings: Findings) -> None:
    known = [(each.clock_ahead, each) for each in brokers if each.clock_ahead is not None]
    for ahead, broker in known:
        if abs(ahead) > 5:
            side = "ahead of" if ahead > 0 else "behind"
            findings.add(
                Weight.WARNING,
                broker.server.address,
                f"the clock of {broker.name} is {abs(ahead):,.0f} s {side} the one here",
                likely="one of the machines does not synchronize its clock",
                advice="synchronize both; delays, timers, searches by time and transaction checks go wrong",
            )
