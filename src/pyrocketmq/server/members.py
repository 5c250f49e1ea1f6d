"""Members of groups as a broker knows them, and how it speaks to one. Must not know how they come and go."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq._native.command import LANGUAGE_NAMES, RemotingCommand
from pyrocketmq.errors import RpcTimeoutError, SubscriptionParseError
from pyrocketmq.model import client_data
from pyrocketmq.model.enums import LanguageCode
from pyrocketmq.server.filters import compile_filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyrocketmq._native.connection import Connection
    from pyrocketmq.model.producer_consumer import SubscriptionData
    from pyrocketmq.server.timers import Timers

__all__ = ["ConsumerGroup", "Member", "ask_client", "pushed"]

logger = logging.getLogger(__name__)

_LANGUAGE: Final = LanguageCode.JAVA.value
_VERSION: Final = 513


def pushed(code: int, fields: Mapping[str, str], body: bytes | None = None) -> RemotingCommand:
    """A request of a broker to a client."""
    return RemotingCommand(code, _LANGUAGE, _VERSION, ext_fields=dict(fields), body=body)


async def ask_client(
    timers: Timers, connection: Connection, request: RemotingCommand, seconds: float
) -> RemotingCommand:
    """What a client answers to a request, within these seconds of the server's clock.

    Raises:
        RpcTimeoutError: it does not answer in time.
        ConnectionClosedError: it is gone.
    """
    answer = connection.request(request, seconds)
    overdue: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    # The time-out of the request goes by the machine's clock; the server's may be moved.

    def give_up() -> None:
        if not overdue.done():
            overdue.set_result(None)

    timer = timers.after(seconds, give_up)
    try:
        either: list[asyncio.Future[Any]] = [answer, overdue]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise RpcTimeoutError(
                f"no answer from {connection.address} within {seconds:g} s", address=connection.address
            )
        return answer.result()
    finally:
        timer.cancel()
        overdue.cancel()
        answer.cancel()


@dataclass(slots=True)
class Member:
    """One client in a group, by one of its connections."""

    client_id: str
    connection: Connection
    language: int | None
    version: int
    seen_ms: int

    def shown(self) -> client_data.Connection:
        """As tools get it."""
        language = "OTHER" if self.language is None else LANGUAGE_NAMES[self.language]
        return client_data.Connection(self.client_id, self.connection.address, language, self.version)


@dataclass(slots=True)
class ConsumerGroup:
    """The members of a consumer group and what they announced last."""

    name: str
    consume_type: str | None = None
    message_model: str | None = None
    consume_from_where: str | None = None
    fingerprint: int = 0
    members: dict[Connection, Member] = field(default_factory=dict["Connection", Member])
    subscriptions: dict[str, SubscriptionData] = field(default_factory=dict[str, "SubscriptionData"])
    unreadable: set[str] = field(default_factory=set[str])
    """Topics with a condition that cannot be read."""

    def client_ids(self) -> list[str]:
        """The ids of the members, each once."""
        return list(dict.fromkeys([member.client_id for member in self.members.values()]))

    def subscribe(self, wanted: Iterable[SubscriptionData]) -> bool:
        """Take newer subscriptions and drop those that are gone; whether the set of topics changed."""
        wanted = [subscription for subscription in wanted if subscription.topic]
        changed = False
        for subscription in wanted:
            topic = subscription.topic or ""
            known = self.subscriptions.get(topic)
            changed |= known is None
            if known is None or subscription.sub_version > known.sub_version:
                self.subscriptions[topic] = subscription
                self.unreadable.discard(topic)
                if not _is_readable(subscription):
                    self.unreadable.add(topic)
        topics = {subscription.topic for subscription in wanted}
        for topic in [topic for topic in self.subscriptions if topic not in topics]:
            del self.subscriptions[topic]
            self.unreadable.discard(topic)
            changed = True
        return changed


def _is_readable(subscription: SubscriptionData) -> bool:
    if (subscription.expression_type or "TAG") == "TAG":
        return True
    try:
        compile_filter(subscription.expression_type, subscription.sub_string)
    except SubscriptionParseError as error:
        logger.warning("the condition for topic %r cannot be read: %s", subscription.topic, error.what)
        return False
    return True
