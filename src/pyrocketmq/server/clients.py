"""Who is there: the members of consumer and producer groups, what they want, and who is told of changes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from pyrocketmq._clock import MovableClock
from pyrocketmq.errors import RocketMQError, SubscriptionParseError
from pyrocketmq.model.client_data import (
    CheckClientRequestBody,
    ConsumerConnection,
    GetConsumerListByGroupResponseBody,
    ProducerConnection,
    ProducerInfo,
    ProducerTableInfo,
)
from pyrocketmq.model.enums import MessageModel, RequestCode, ResponseCode
from pyrocketmq.model.headers import (
    GetConsumerConnectionListRequestHeader,
    GetConsumerListByGroupRequestHeader,
    GetProducerConnectionListRequestHeader,
    NotifyConsumerIdsChangedRequestHeader,
    UnregisterClientRequestHeader,
)
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.filters import compile_filter
from pyrocketmq.server.members import ConsumerGroup, Member, pushed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.connection import Connection
    from pyrocketmq.model.producer_consumer import ConsumerData, SubscriptionData
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["Clients"]

logger = logging.getLogger(__name__)

EXPIRY_MS: Final = 120_000
"""A client that sends no heartbeat for so long is dropped."""
CHECK_INTERVAL: Final = 10.0


class Clients(Concern):
    """The clients of a broker, as their heartbeats tell.

    Attributes:
        consumers: consumer groups with members, by name.
        producers: the members of producer groups.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.consumers: dict[str, ConsumerGroup] = {}
        self.producers: dict[str, dict[Connection, Member]] = {}
        self._next_producer = 0
        self._stop_checks: Callable[[], None] | None = None
        broker.pulling.subscription_of = self.subscription

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of heartbeats and of what they tell."""
        return {
            RequestCode.HEART_BEAT: self._heartbeat,
            RequestCode.UNREGISTER_CLIENT: self._unregister,
            RequestCode.CHECK_CLIENT_CONFIG: self._check_config,
            RequestCode.GET_CONSUMER_LIST_BY_GROUP: self._consumer_list,
            RequestCode.GET_CONSUMER_CONNECTION_LIST: self._consumer_connections,
            RequestCode.GET_PRODUCER_CONNECTION_LIST: self._producer_connections,
            RequestCode.GET_ALL_PRODUCER_INFO: self._all_producers,
        }

    async def start(self) -> None:
        """Begin to look for clients that fell silent."""
        self._stop_checks = self._broker.timers.every(CHECK_INTERVAL, self._expire)

    async def stop(self) -> None:
        """Look for them no more."""
        if self._stop_checks is not None:
            self._stop_checks()

    # ---- for other parts ----

    def subscription(self, group: str, topic: str) -> SubscriptionData | None:
        """What the group's members announced for a topic, None if nothing.

        Raises:
            Refused: it is a condition that cannot be read, or the group may not do without sharing.
        """
        found = self.consumers.get(group)
        if found is None:
            return None
        settings = self._broker.groups.get(group)
        is_broadcast = found.message_model == MessageModel.BROADCASTING
        if is_broadcast and settings is not None and not settings.consume_broadcast_enable:
            raise Refused(
                ResponseCode.NO_PERMISSION, f"the consumer group[{group}] can not consume by broadcast way"
            )
        if topic in found.unreadable:
            raise Refused(
                ResponseCode.FILTER_DATA_NOT_EXIST,
                "The broker's consumer filter data is not exist!Your expression may be wrong!",
            )
        return found.subscriptions.get(topic)

    def consumer(self, group: str, client_id: str) -> Member | None:
        """A member of a consumer group; the newest connection of that id."""
        found = self.consumers.get(group)
        for member in reversed(found.members.values()) if found is not None else ():
            if member.client_id == client_id and member.connection.is_open:
                return member
        return None

    def producer(self, client_id: str) -> Member | None:
        """A client by its id, if it has a producer group."""
        for members in self.producers.values():
            for member in members.values():
                if member.client_id == client_id and member.connection.is_open:
                    return member
        return None

    def any_producer(self, group: str) -> Member | None:
        """A member of a producer group, another one each time."""
        members = [member for member in self.producers.get(group, {}).values() if member.connection.is_open]
        if not members:
            return None
        self._next_producer += 1
        return members[self._next_producer % len(members)]

    # ---- joining and leaving ----

    def _heartbeat(self, call: Call) -> RemotingCommand:
        data = call.decode(HeartbeatData)
        for producer in data.producer_data_set:
            members = self.producers.setdefault(producer.group_name, {})
            members[call.connection] = self._member(call, data.client_id)
        # Clients that leave their subscriptions out put them in again when told that something changed.
        is_unknown = not data.heartbeat_fingerprint
        for consumer in data.consumer_data_set:
            is_unknown |= not self._join(call, data, consumer)
        fields = {"IS_SUPPORT_HEART_BEAT_V2": "true", "IS_SUB_CHANGE": "true" if is_unknown else "false"}
        return call.answer(fields=fields)

    def _member(self, call: Call, client_id: str) -> Member:
        request = call.request
        now = self._broker.clock.now_ms()
        return Member(client_id, call.connection, request.language, request.version, now)

    def _join(self, call: Call, data: HeartbeatData, consumer: ConsumerData) -> bool:
        """Take a client into a group; False if its subscriptions are not known here."""
        settings = self._broker.groups.find(consumer.group_name)
        if settings is None:
            return True
        self._broker.groups.ensure_retry_topic(settings)
        group = self.consumers.get(consumer.group_name)
        if group is None:
            group = self.consumers[consumer.group_name] = ConsumerGroup(consumer.group_name)
        group.consume_type = consumer.consume_type
        group.message_model = consumer.message_model
        group.consume_from_where = consumer.consume_from_where
        known = group.members.get(call.connection)
        changed = known is None or known.client_id != data.client_id
        group.members[call.connection] = self._member(call, data.client_id)
        if not data.without_sub:
            group.fingerprint = data.heartbeat_fingerprint
            changed |= group.subscribe(consumer.subscription_data_set)
        if changed:
            self._announce(group)
        return group.fingerprint == data.heartbeat_fingerprint

    def _unregister(self, call: Call) -> RemotingCommand:
        header = call.header(UnregisterClientRequestHeader)
        if header.producer_group is not None:
            self._remove_producer(header.producer_group, call.connection)
        if header.consumer_group is not None:
            self._remove_consumer(header.consumer_group, call.connection)
        return call.answer()

    def connection_lost(self, connection: Connection) -> None:
        """Take a client out of all its groups."""
        for group in list(self.producers):
            self._remove_producer(group, connection)
        for group in list(self.consumers):
            self._remove_consumer(group, connection)

    def _remove_producer(self, group: str, connection: Connection) -> None:
        members = self.producers.get(group, {})
        if members.pop(connection, None) is not None and not members:
            del self.producers[group]

    def _remove_consumer(self, name: str, connection: Connection) -> None:
        group = self.consumers.get(name)
        if group is None or group.members.pop(connection, None) is None:
            return
        if group.members:
            self._announce(group)
        else:
            del self.consumers[name]

    def _expire(self) -> None:
        oldest = self._broker.clock.now_ms() - EXPIRY_MS
        members = [
            *[member for members in self.producers.values() for member in members.values()],
            *[member for group in self.consumers.values() for member in group.members.values()],
        ]
        for connection in {member.connection for member in members if member.seen_ms < oldest}:
            if isinstance(self._broker.clock, MovableClock) and connection.silent_for * 1000 < EXPIRY_MS:
                continue  # only the clock has been moved
            logger.info("%s: no heartbeat of %s for 120 s", self._broker.name, connection.address)
            self.connection_lost(connection)
            connection.close()

    def _announce(self, group: ConsumerGroup) -> None:
        settings = self._broker.groups.get(group.name)
        if settings is not None and not settings.notify_consumer_ids_changed_enable:
            return
        header = NotifyConsumerIdsChangedRequestHeader(consumer_group=group.name)
        for connection in list(group.members):
            try:
                connection.oneway(pushed(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, header.to_ext_fields()))
            except RocketMQError as error:
                # It balances again after 20 s at the latest, and a lost connection is noticed elsewhere.
                logger.debug("%s is not told of a change of %s: %s", connection.address, group.name, error)

    # ---- questions ----

    def _check_config(self, call: Call) -> RemotingCommand:
        if call.body:
            subscription = call.decode(CheckClientRequestBody).subscription_data
            if subscription is not None and (subscription.expression_type or "TAG") != "TAG":
                try:
                    compile_filter(subscription.expression_type, subscription.sub_string)
                except SubscriptionParseError as error:
                    raise Refused(ResponseCode.SUBSCRIPTION_PARSE_FAILED, _explain(error)) from error
        return call.answer()

    def _consumer_list(self, call: Call) -> RemotingCommand:
        header = call.header(GetConsumerListByGroupRequestHeader)
        group = self.consumers.get(header.consumer_group)
        if group is None:
            raise Refused(ResponseCode.SYSTEM_ERROR, f"no consumer for this group, {header.consumer_group}")
        return call.answer(body=GetConsumerListByGroupResponseBody(group.client_ids()).encode())

    def _consumer_connections(self, call: Call) -> RemotingCommand:
        header = call.header(GetConsumerConnectionListRequestHeader)
        group = self.consumers.get(header.consumer_group)
        if group is None:
            raise Refused(
                ResponseCode.CONSUMER_NOT_ONLINE,
                f"the consumer group[{header.consumer_group}] not online",
            )
        body = ConsumerConnection(
            [member.shown() for member in group.members.values()],
            group.subscriptions,
            group.consume_type,
            group.message_model,
            group.consume_from_where,
        )
        return call.answer(body=body.encode())

    def _producer_connections(self, call: Call) -> RemotingCommand:
        header = call.header(GetProducerConnectionListRequestHeader)
        members = self.producers.get(header.producer_group)
        if members is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"the producer group[{header.producer_group}] not exist",
            )
        return call.answer(body=ProducerConnection([member.shown() for member in members.values()]).encode())

    def _all_producers(self, call: Call) -> RemotingCommand:
        table: dict[str, list[ProducerInfo]] = {}
        for group, members in self.producers.items():
            table[group] = [
                ProducerInfo(
                    member.client_id,
                    member.connection.address,
                    member.shown().language,
                    member.version,
                    member.seen_ms,
                )
                for member in members.values()
            ]
        return call.answer(body=ProducerTableInfo(table).encode())


def _explain(error: SubscriptionParseError) -> str:
    where = "" if error.position is None else f" (at character {error.position})"
    return error.what + where
