# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncReadingCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.reading import MAX_MS, ReadingCalls

if TYPE_CHECKING:
    from pyrocketmq._native.stored import MessageExt
    from pyrocketmq.model.message_results import MessageResults, PullMessageResult
    from pyrocketmq.model.result_data import QueryConsumeQueueResponseBody

__all__ = ["SyncReadingCalls"]


class SyncReadingCalls(SyncBrokerCalls):
    """The blocking twin of ReadingCalls, for any number of threads."""

    def pull_message(
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
        return self._call(
            ReadingCalls.pull_message,
            consumer_group,
            topic,
            queue_id,
            queue_offset,
            max_msg_nums,
            subscription=subscription,
            expression_type=expression_type,
            sub_version=sub_version,
            commit_offset=commit_offset,
            hold=hold,
            max_msg_bytes=max_msg_bytes,
            timeout=timeout,
        )

    def lite_pull_message(
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
        return self._call(
            ReadingCalls.lite_pull_message,
            consumer_group,
            topic,
            queue_id,
            queue_offset,
            max_msg_nums,
            subscription=subscription,
            expression_type=expression_type,
            hold=hold,
            timeout=timeout,
        )

    def view_message(
        self, topic: str, queue_id: int, offset: int, *, timeout: float | None = None
    ) -> MessageExt:
        """The message at a place of a queue.

        Raises:
            NotFoundError: there is none.
        """
        return self._call(ReadingCalls.view_message, topic, queue_id, offset, timeout=timeout)

    def get_message_by_id(
        self, msg_id: str, *, topic: str | None = None, timeout: float | None = None
    ) -> MessageExt:
        """The message with an offset message id, which names a broker, this one, and a place in its log.

        The id that a sender gave is no such id, though it looks alike: see ``query_message_by_unique_key``.

        Raises:
            DeserializationError: it is no id.
            NotFoundError: this broker has no message at this place.
        """
        return self._call(ReadingCalls.get_message_by_id, msg_id, topic=topic, timeout=timeout)

    def query_message(
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
        return self._call(
            ReadingCalls.query_message,
            topic,
            key,
            max_num=max_num,
            begin_timestamp=begin_timestamp,
            end_timestamp=end_timestamp,
            timeout=timeout,
        )

    def query_message_by_unique_key(
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
        return self._call(
            ReadingCalls.query_message_by_unique_key,
            topic,
            unique_key,
            max_num=max_num,
            begin_timestamp=begin_timestamp,
            end_timestamp=end_timestamp,
            timeout=timeout,
        )

    def query_consume_queue(
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
        return self._call(
            ReadingCalls.query_consume_queue,
            topic,
            queue_id,
            index,
            count,
            consumer_group=consumer_group,
            timeout=timeout,
        )
