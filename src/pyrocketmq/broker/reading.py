"""Reading messages: pulls, look-ups by id, key and place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq.broker.answers import broker_error
from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.errors import NotFoundError
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.model.message_results import MessageResults, PullMessageResult, PullStatus
from pyrocketmq.model.result_data import QueryConsumeQueueResponseBody

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.stored import MessageExt

__all__ = ["TOOLS_GROUP", "ReadingCalls"]

TOOLS_GROUP: Final = "TOOLS_CONSUMER"
"""A group that every broker has, for those who look at messages without consuming them."""

HELD_ANSWER_S: Final = 10.0
"""How much later than the hold an answer may come: up to 5 s were seen."""

MAX_MS: Final = (1 << 63) - 1

_PULLED: Final = (
    ResponseCode.PULL_NOT_FOUND,
    ResponseCode.PULL_RETRY_IMMEDIATELY,
    ResponseCode.PULL_OFFSET_MOVED,
)


class ReadingCalls(BrokerCalls):
    """Pulls and look-ups."""

    async def pull_message(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int,
        queue_offset: int,
        max_msg_nums: int = 32,
        *,
        subscription: str | None = "*",
        expression_type: str = "TAG",
        sub_version: int = 0,
        commit_offset: int | None = None,
        hold: float = 0.0,
        max_msg_bytes: int | None = None,
        timeout: float | None = None,
    ) -> PullMessageResult:
        """Messages of one queue, and where to go on.

        Args:
            consumer_group: the group that pulls.
            topic: topic of the queue.
            queue_id: number of the queue.
            queue_offset: where to begin.
            max_msg_nums: messages wanted; the broker may send fewer.
            subscription: which messages; None: as the heartbeat said. A wrong SQL92 text is not reported,
                see ``check_client_config``.
            expression_type: ``TAG`` or ``SQL92``.
            sub_version: version of the subscription.
            commit_offset: offset to store on the way.
            hold: seconds that the broker may wait for messages; its answer may come some seconds later.
            max_msg_bytes: bytes wanted, 5.x only.
            timeout: seconds for this call; by default that of the settings, and more than ``hold``.

        Raises:
            BrokerError: the broker refused, for example because it does not know the topic.
        """
        request = Requests.create_pull_message_request(
            consumer_group,
            topic,
            queue_id,
            queue_offset,
            max_msg_nums,
            subscription=subscription,
            expression_type=expression_type,
            sub_version=sub_version,
            commit_offset=commit_offset,
            suspend_timeout_millis=round(hold * 1000),
            max_msg_bytes=max_msg_bytes,
            bname=self.broker_name or None,
        )
        return await self._pull(request, hold, timeout)

    async def lite_pull_message(
        self,
        consumer_group: str,
        topic: str,
        queue_id: int,
        queue_offset: int,
        max_msg_nums: int = 32,
        *,
        subscription: str | None = "*",
        expression_type: str = "TAG",
        hold: float = 0.0,
        timeout: float | None = None,
    ) -> PullMessageResult:
        """As ``pull_message``, for consumers that assign queues to themselves (5.x)."""
        request = Requests.create_lite_pull_message_request(
            consumer_group,
            topic,
            queue_id,
            queue_offset,
            max_msg_nums,
            subscription=subscription,
            expression_type=expression_type,
            suspend_timeout_millis=round(hold * 1000),
            bname=self.broker_name or None,
        )
        return await self._pull(request, hold, timeout)

    async def view_message(
        self, topic: str, queue_id: int, offset: int, *, timeout: float | None = None
    ) -> MessageExt:
        """The message at a place of a queue.

        Raises:
            NotFoundError: there is none.
        """
        result = await self.pull_message(TOOLS_GROUP, topic, queue_id, offset, 1, timeout=timeout)
        if (
            result.status is PullStatus.FOUND
            and result.messages
            and result.messages[0].queue_offset == offset
        ):
            return result.messages[0]
        raise NotFoundError(
            f"queue {queue_id} of topic {topic!r} on broker {self.address} has no message at offset {offset}",
            response_code=ResponseCode.PULL_NOT_FOUND,
            code_name=ResponseCode.PULL_NOT_FOUND.name,
            request=RequestCode.PULL_MESSAGE.name,
            address=self.address,
            topic=topic,
            likely=f"it holds the offsets from {result.min_offset} up to {result.max_offset}",
            advice="get_min_offset and get_max_offset give the range",
        )

    async def get_message_by_id(
        self, msg_id: str, *, topic: str | None = None, timeout: float | None = None
    ) -> MessageExt:
        """The message with an offset message id, which names a broker, this one, and a place in its log.

        The id that a sender gave is no such id, though it looks alike: see ``query_message_by_unique_key``.

        Raises:
            DeserializationError: it is no id.
            NotFoundError: this broker has no message at this place.
        """
        offset = decode_offset_message_id(msg_id).offset
        request = Requests.create_view_message_request(offset, topic=topic)
        answer = await self._call(request, timeout)
        messages = MessageResults.decode(answer.body, broker_name=self.broker_name)
        if not messages:
            raise broker_error(request, answer, self.address)
        return messages[0]

    async def query_message(
        self,
        topic: str,
        key: str,
        *,
        max_num: int = 32,
        begin_timestamp: int = 0,
        end_timestamp: int = MAX_MS,
        timeout: float | None = None,
    ) -> MessageResults:
        """The messages of a topic that have an index key; none is no error.

        Those that only have the same hash are left out. Times are store times in ms since 1970.
        """
        request = Requests.create_query_message_request(
            topic, key, max_num=max_num, begin_timestamp=begin_timestamp, end_timestamp=end_timestamp
        )
        found = await self._query(request, timeout)
        return MessageResults(message for message in found if key in (message.keys or "").split(" "))

    async def query_message_by_unique_key(
        self,
        topic: str,
        unique_key: str,
        *,
        max_num: int = 32,
        begin_timestamp: int = 0,
        end_timestamp: int = MAX_MS,
        timeout: float | None = None,
    ) -> MessageResults:
        """The messages with the id that their sender gave; several when a send was repeated."""
        request = Requests.create_query_message_request(
            topic,
            unique_key,
            max_num=max_num,
            begin_timestamp=begin_timestamp,
            end_timestamp=end_timestamp,
            unique_key=True,
        )
        found = await self._query(request, timeout)
        return MessageResults(message for message in found if message.unique_id == unique_key)

    async def query_consume_queue(
        self,
        topic: str,
        queue_id: int,
        index: int,
        count: int,
        *,
        consumer_group: str | None = None,
        timeout: float | None = None,
    ) -> QueryConsumeQueueResponseBody:
        """Raw entries of a consume queue, and whether the filter of a group passes them."""
        request = Requests.create_query_consume_queue_request(
            topic, queue_id, index, count, consumer_group=consumer_group
        )
        return await self._read(request, timeout, QueryConsumeQueueResponseBody)

    async def _pull(self, request: RemotingCommand, hold: float, timeout: float | None) -> PullMessageResult:
        if timeout is None and hold > 0:
            timeout = hold + HELD_ANSWER_S
        answer = await self._call(request, timeout, also=_PULLED)
        return PullMessageResult.from_command(answer, broker_name=self.broker_name)

    async def _query(self, request: RemotingCommand, timeout: float | None) -> MessageResults:
        answer = await self._call(request, timeout, also=(ResponseCode.QUERY_NOT_FOUND,))
        if answer.code == ResponseCode.QUERY_NOT_FOUND:
            return MessageResults()
        return MessageResults.decode(answer.body, broker_name=self.broker_name)
