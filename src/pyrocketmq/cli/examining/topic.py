"""Examines one topic: whether it has a route, and whether this client may send to it and read it.

Nothing is stored: the send that is tried names a queue that no topic has, which a broker refuses after it
has looked at the rights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyrocketmq.cli.examining.asking import open_server
from pyrocketmq.cli.examining.findings import Weight
from pyrocketmq.errors import RocketMQError
from pyrocketmq.model import Perm, RemotingRequestFactory, ResponseCode, TopicRouteData

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyrocketmq.cli.examining.brokers import BrokerFacts
    from pyrocketmq.cli.examining.findings import Findings
    from pyrocketmq.model import AclCredentials, QueueData, RemotingCommand
    from pyrocketmq.transport import TransportConfig

__all__ = ["TopicFacts", "examine_topic"]

_NO_SUCH_QUEUE: Final = 2**31 - 1
_DENIALS: Final = ("acl", "permission", "signature", "authenticat", "authoriz", "access")


@dataclass(slots=True)
class TopicFacts:
    """What was learned about a topic."""

    topic: str
    queues: list[QueueData] = field(default_factory=list["QueueData"])
    rights: dict[str, dict[str, bool | None]] = field(default_factory=dict[str, dict[str, "bool | None"]])

    def to_value(self) -> dict[str, object]:
        """The facts as JSON values."""
        return {
            "topic": self.topic,
            "queues": [
                {
                    "broker": data.broker_name,
                    "read_queues": data.read_queue_nums,
                    "write_queues": data.write_queue_nums,
                    "perm": data.perm,
                    **self.rights.get(data.broker_name, {}),
                }
                for data in self.queues
            ],
        }


async def examine_topic(
    topic: str,
    routes: Sequence[tuple[str, int | None, TopicRouteData | None]],
    brokers: Sequence[BrokerFacts],
    findings: Findings,
    *,
    config_of: Callable[[str], TransportConfig],
    credentials: AclCredentials | None,
) -> TopicFacts:
    """Look at the route of a topic and at the rights of this client.

    Args:
        topic: its name.
        routes: for each name server its address, the code of its answer, and the route.
        brokers: those that were looked at.
        findings: takes what is wrong.
        config_of: how to connect to an address.
        credentials: who signs.
    """
    facts = TopicFacts(topic)
    known = [route for _, _, route in routes if route is not None]
    if not known:
        _note_missing(topic, routes, brokers, findings)
        return facts
    for address, code, route in routes:
        if route is None and code == ResponseCode.TOPIC_NOT_EXIST:
            findings.add(
                Weight.WARNING,
                address,
                f"has no route of topic {topic!r}, which another name server of the list has",
                advice="list all name servers in namesrvAddr of every broker",
            )
    facts.queues = known[0].queue_datas
    _note_perms(facts, known[0], findings)
    reachable = {each.name: each.server.address for each in brokers if each.reachable and each.broker_id == 0}
    for data in facts.queues:
        if data.broker_name in reachable:
            config = config_of(reachable[data.broker_name])
            facts.rights[data.broker_name] = await _rights(topic, data, config, credentials, findings)
    return facts


def _note_missing(
    topic: str,
    routes: Sequence[tuple[str, int | None, TopicRouteData | None]],
    brokers: Sequence[BrokerFacts],
    findings: Findings,
) -> None:
    codes = sorted({code for _, code, _ in routes if code is not None})
    if codes != [ResponseCode.TOPIC_NOT_EXIST]:
        if codes:
            findings.add(
                Weight.BROKEN,
                topic,
                f"the route of topic {topic!r} was refused with code {', '.join(map(str, codes))}",
                advice="look at the name server's log",
            )
        return
    creates = [each.name for each in brokers if each.auto_creates_topics]
    if creates:
        findings.add(
            Weight.WARNING,
            topic,
            f"topic {topic!r} does not exist; {', '.join(creates)} will create it at the first message",
            likely="nothing was sent to it yet, or the name is misspelled",
            advice="create it, so that its queues are those you want: it gets as few as the client asks for",
        )
        return
    findings.add(
        Weight.BROKEN,
        topic,
        f"topic {topic!r} does not exist, and no broker that was looked at creates topics by itself",
        likely="the name is misspelled, or the topic was never created in this cluster",
        advice="create it first",
    )


def _note_perms(facts: TopicFacts, route: TopicRouteData, findings: Findings) -> None:
    for right, queues, verb in (
        ("write", route.publish_queues(facts.topic), "send to"),
        ("read", route.subscribe_queues(facts.topic), "read from"),
    ):
        if not queues:
            findings.add(
                Weight.BROKEN,
                facts.topic,
                f"no queue of topic {facts.topic!r} is there to {verb}",
                likely="its permission lacks the right to " + right + ", or no broker of it has a master",
                advice="set the topic's perm to 6 (read and write), and look whether the masters run",
            )
    masters = {data.broker_name for data in route.broker_datas if data.master_addr is not None}
    for data in facts.queues:
        if data.broker_name not in masters:
            findings.add(
                Weight.WARNING,
                facts.topic,
                f"{data.broker_name} has queues of topic {facts.topic!r} and no master at the moment",
                advice="start its master; until then its queues take no messages",
            )


async def _rights(
    topic: str,
    data: QueueData,
    config: TransportConfig,
    credentials: AclCredentials | None,
    findings: Findings,
) -> dict[str, bool | None]:
    rights: dict[str, bool | None] = {"may_send": None, "may_read": None}
    try:
        async with open_server(config, credentials) as server:
            if data.perm & Perm.WRITE:
                send = RemotingRequestFactory.create_send_message_request(
                    "doctor", topic, b"x", queue_id=_NO_SUCH_QUEUE
                )
                rights["may_send"] = _judge(
                    "send to", topic, config.address, await server.ask(send), findings
                )
            if data.perm & Perm.READ:
                query = RemotingRequestFactory.create_query_message_request(topic, "pyrocketmq-doctor")
                rights["may_read"] = _judge("read", topic, config.address, await server.ask(query), findings)
    except RocketMQError as error:
        findings.add(Weight.BROKEN, config.address, error.what, likely=error.likely, advice=error.advice)
    return rights


def _judge(verb: str, topic: str, place: str, answer: RemotingCommand, findings: Findings) -> bool:
    """Whether an answer is no refusal of rights; 4.9 has code 1 for that and for a wrong queue alike."""
    remark = answer.remark or ""
    denied = answer.code == ResponseCode.NO_PERMISSION or (
        answer.code == ResponseCode.SYSTEM_ERROR and any(word in remark.lower() for word in _DENIALS)
    )
    if denied:
        findings.add(
            Weight.BROKEN,
            place,
            f"this client may not {verb} topic {topic!r}: {remark or 'no reason given'} (code {answer.code})",
            likely="the access key, its secret key or a right of it is wrong or missing",
            advice="check --access-key and --secret-key-file, and the rules for this topic on the broker",
        )
    return not denied
