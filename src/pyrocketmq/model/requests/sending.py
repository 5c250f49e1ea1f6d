"""Creators of send requests, of replies and recalls, and of the end of transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.properties import encode_properties
from pyrocketmq.errors import InvalidMessageError
from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.sending import (
    CheckTransactionStateRequestHeader,
    ConsumerSendMsgBackRequestHeader,
    EndTransactionRequestHeader,
    RecallMessageRequestHeader,
    SendMessageRequestHeader,
    SendMessageRequestHeaderV2,
)
from pyrocketmq.model.requests.making import make_request, now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.requests.making import Content

__all__ = ["DEFAULT_TOPIC", "DEFAULT_TOPIC_QUEUE_NUMS", "SendingRequests"]

DEFAULT_TOPIC: Final = "TBW102"
"""The template from which brokers create a topic on its first message."""
DEFAULT_TOPIC_QUEUE_NUMS: Final = 4
"""Queues that a topic created from the template gets at most."""


class SendingRequests:
    """Requests that carry a message, or decide about one.

    The send requests share these arguments:

    * ``queue_id``: a negative number lets the broker pick a queue at random.
    * ``tags`` and ``keys``: become the message properties TAGS and KEYS; several keys are joined by blanks.
    * ``properties``: further message properties, or a properties text that already holds everything.
    * ``born_timestamp``: ms since 1970; None = now.
    * ``sys_flag``: see ``MessageSysFlag``; the body must already be what the flag says.
    """

    @staticmethod
    def create_send_message_request(  # noqa: PLR0917 - the founding API has these positions
        producer_group: str,
        topic: str,
        body: Content,
        queue_id: int = 0,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        *,
        properties: Mapping[str, str] | str | None = None,
        sys_flag: int = 0,
        flag: int = 0,
        born_timestamp: int | None = None,
        default_topic: str = DEFAULT_TOPIC,
        default_topic_queue_nums: int = DEFAULT_TOPIC_QUEUE_NUMS,
        reconsume_times: int = 0,
        max_reconsume_times: int | None = None,
        batch: bool = False,
        bname: str | None = None,
    ) -> RemotingCommand:
        """SEND_MESSAGE: one message, with the long names that every release and every client reads."""
        header = SendMessageRequestHeader(
            producer_group=producer_group,
            topic=topic,
            default_topic=default_topic,
            default_topic_queue_nums=default_topic_queue_nums,
            queue_id=queue_id,
            sys_flag=sys_flag,
            born_timestamp=now_ms() if born_timestamp is None else born_timestamp,
            flag=flag,
            properties=_properties_text(tags, keys, properties),
            reconsume_times=reconsume_times,
            unit_mode=False,
            batch=batch,
            max_reconsume_times=max_reconsume_times,
            bname=bname,
        )
        return make_request(RequestCode.SEND_MESSAGE, header, body)

    @staticmethod
    def create_send_message_v2_request(
        producer_group: str,
        topic: str,
        body: Content,
        queue_id: int = 0,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        properties: Mapping[str, str] | str | None = None,
        sys_flag: int = 0,
        flag: int = 0,
        born_timestamp: int | None = None,
        default_topic: str = DEFAULT_TOPIC,
        default_topic_queue_nums: int = DEFAULT_TOPIC_QUEUE_NUMS,
        reconsume_times: int = 0,
        max_reconsume_times: int | None = None,
        batch: bool = False,
        broker_name: str | None = None,
    ) -> RemotingCommand:
        """SEND_MESSAGE_V2: one message, with one-letter names; what the Java client sends."""
        header = SendMessageRequestHeaderV2(
            producer_group=producer_group,
            topic=topic,
            default_topic=default_topic,
            default_topic_queue_nums=default_topic_queue_nums,
            queue_id=queue_id,
            sys_flag=sys_flag,
            born_timestamp=now_ms() if born_timestamp is None else born_timestamp,
            flag=flag,
            properties=_properties_text(tags, keys, properties),
            reconsume_times=reconsume_times,
            unit_mode=False,
            max_reconsume_times=max_reconsume_times,
            batch=batch,
            broker_name=broker_name,
        )
        return make_request(RequestCode.SEND_MESSAGE_V2, header, body)

    @staticmethod
    def create_send_batch_message_request(
        producer_group: str,
        topic: str,
        body: Content,
        queue_id: int = 0,
        *,
        properties: Mapping[str, str] | str | None = None,
        born_timestamp: int | None = None,
        default_topic: str = DEFAULT_TOPIC,
        default_topic_queue_nums: int = DEFAULT_TOPIC_QUEUE_NUMS,
        broker_name: str | None = None,
    ) -> RemotingCommand:
        """SEND_BATCH_MESSAGE: several messages of one topic; ``encode_batch`` makes the body."""
        header = SendMessageRequestHeaderV2(
            producer_group=producer_group,
            topic=topic,
            default_topic=default_topic,
            default_topic_queue_nums=default_topic_queue_nums,
            queue_id=queue_id,
            sys_flag=0,
            born_timestamp=now_ms() if born_timestamp is None else born_timestamp,
            flag=0,
            properties=_properties_text(None, None, properties),
            reconsume_times=0,
            unit_mode=False,
            batch=True,
            broker_name=broker_name,
        )
        return make_request(RequestCode.SEND_BATCH_MESSAGE, header, body)

    @staticmethod
    def create_send_reply_message_request(
        producer_group: str,
        topic: str,
        body: Content,
        queue_id: int = 0,
        *,
        properties: Mapping[str, str] | str,
        sys_flag: int = 0,
        flag: int = 0,
        born_timestamp: int | None = None,
        default_topic: str = DEFAULT_TOPIC,
        default_topic_queue_nums: int = DEFAULT_TOPIC_QUEUE_NUMS,
        bname: str | None = None,
    ) -> RemotingCommand:
        """SEND_REPLY_MESSAGE: the reply to a request message, to the broker that the request came from.

        ``properties`` copy CORRELATION_ID, REPLY_TO_CLIENT and TTL of the request and have MSG_TYPE
        ``reply``.
        """
        header = SendMessageRequestHeader(
            producer_group=producer_group,
            topic=topic,
            default_topic=default_topic,
            default_topic_queue_nums=default_topic_queue_nums,
            queue_id=queue_id,
            sys_flag=sys_flag,
            born_timestamp=now_ms() if born_timestamp is None else born_timestamp,
            flag=flag,
            properties=_properties_text(None, None, properties),
            reconsume_times=0,
            unit_mode=False,
            batch=False,
            bname=bname,
        )
        return make_request(RequestCode.SEND_REPLY_MESSAGE, header, body)

    @staticmethod
    def create_send_reply_message_v2_request(
        producer_group: str,
        topic: str,
        body: Content,
        queue_id: int = 0,
        *,
        properties: Mapping[str, str] | str,
        sys_flag: int = 0,
        flag: int = 0,
        born_timestamp: int | None = None,
        default_topic: str = DEFAULT_TOPIC,
        default_topic_queue_nums: int = DEFAULT_TOPIC_QUEUE_NUMS,
        broker_name: str | None = None,
    ) -> RemotingCommand:
        """SEND_REPLY_MESSAGE_V2: the same with one-letter names; what the Java client sends."""
        header = SendMessageRequestHeaderV2(
            producer_group=producer_group,
            topic=topic,
            default_topic=default_topic,
            default_topic_queue_nums=default_topic_queue_nums,
            queue_id=queue_id,
            sys_flag=sys_flag,
            born_timestamp=now_ms() if born_timestamp is None else born_timestamp,
            flag=flag,
            properties=_properties_text(None, None, properties),
            reconsume_times=0,
            unit_mode=False,
            batch=False,
            broker_name=broker_name,
        )
        return make_request(RequestCode.SEND_REPLY_MESSAGE_V2, header, body)

    @staticmethod
    def create_consumer_send_msg_back_request(
        consumer_group: str,
        offset: int,
        delay_level: int = 0,
        *,
        origin_msg_id: str | None = None,
        origin_topic: str | None = None,
        unit_mode: bool = False,
        max_reconsume_times: int | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """CONSUMER_SEND_MSG_BACK: give a message back, to be delivered later.

        Args:
            consumer_group: the group whose retry topic gets it.
            offset: commit-log offset of the message, on the broker that the request goes to.
            delay_level: 0 = the broker chooses by the number of tries, -1 = to the dead letters now.
            origin_msg_id: id of the message's first copy.
            origin_topic: topic of the message.
            unit_mode: for units, historic.
            max_reconsume_times: tries before the message goes to the dead letters; None = the group's own.
            bname: name of the broker.
        """
        header = ConsumerSendMsgBackRequestHeader(
            offset=offset,
            group=consumer_group,
            delay_level=delay_level,
            origin_msg_id=origin_msg_id,
            origin_topic=origin_topic,
            unit_mode=unit_mode,
            max_reconsume_times=max_reconsume_times,
            bname=bname,
        )
        return make_request(RequestCode.CONSUMER_SEND_MSG_BACK, header)

    @staticmethod
    def create_end_transaction_request(  # noqa: PLR0917 - the founding API has these positions
        producer_group: str,
        tran_state_table_offset: int,
        commit_log_offset: int,
        commit_or_rollback: int,
        msg_id: str = "",
        transaction_id: str = "",
        *,
        from_transaction_check: bool = False,
        topic: str | None = None,
        remark: str | None = None,
        bname: str | None = None,
    ) -> RemotingCommand:
        """END_TRANSACTION: commit, roll back or leave open a half message. Send it one-way, as Java does.

        Args:
            producer_group: the group that sent the half message.
            tran_state_table_offset: ``queue_offset`` of the send answer, or the number of the check request.
            commit_log_offset: the offset in the ``msg_id`` of the send answer, or that of the check request.
            commit_or_rollback: 8 commits, 12 rolls back; 0 leaves the state open and is never answered.
            msg_id: the message's UNIQ_KEY.
            transaction_id: transaction id of the send answer; not sent when empty.
            from_transaction_check: True when this answers a check request.
            topic: the user's topic.
            remark: why, for the broker's log.
            bname: name of the broker.
        """
        header = EndTransactionRequestHeader(
            topic=topic,
            producer_group=producer_group,
            tran_state_table_offset=tran_state_table_offset,
            commit_log_offset=commit_log_offset,
            commit_or_rollback=commit_or_rollback,
            from_transaction_check=from_transaction_check,
            msg_id=msg_id,
            transaction_id=transaction_id or None,
            bname=bname,
        )
        command = make_request(RequestCode.END_TRANSACTION, header)
        command.remark = remark
        return command

    @staticmethod
    def create_check_transaction_state_request(
        tran_state_table_offset: int,
        commit_log_offset: int,
        body: Content | None = None,
        *,
        topic: str | None = None,
        msg_id: str | None = None,
        transaction_id: str | None = None,
        offset_msg_id: str | None = None,
    ) -> RemotingCommand:
        """CHECK_TRANSACTION_STATE: what a broker asks a producer about a half message, one-way.

        The body is the stored message, with the user's topic.
        """
        header = CheckTransactionStateRequestHeader(
            topic=topic,
            tran_state_table_offset=tran_state_table_offset,
            commit_log_offset=commit_log_offset,
            msg_id=msg_id,
            transaction_id=transaction_id,
            offset_msg_id=offset_msg_id,
        )
        return make_request(RequestCode.CHECK_TRANSACTION_STATE, header, body)

    @staticmethod
    def create_recall_message_request(
        topic: str, recall_handle: str, producer_group: str | None = None, *, bname: str | None = None
    ) -> RemotingCommand:
        """RECALL_MESSAGE (5.3 and later): take a timer message back, by the handle of its send answer."""
        header = RecallMessageRequestHeader(
            producer_group=producer_group, topic=topic, recall_handle=recall_handle, bname=bname
        )
        return make_request(RequestCode.RECALL_MESSAGE, header)


def _properties_text(
    tags: str | None, keys: str | Iterable[str] | None, properties: Mapping[str, str] | str | None
) -> str:
    given: dict[str, str] = {}
    if tags is not None:
        given["TAGS"] = tags
    if keys is not None:
        given["KEYS"] = keys if isinstance(keys, str) else " ".join(keys)
    if isinstance(properties, str):
        if given:
            raise InvalidMessageError(
                "tags or keys were given together with a finished properties text",
                field="properties",
                advice="Put them into the text, or pass the properties as a mapping.",
            )
        return properties
    for name, value in (properties or {}).items():
        if given.setdefault(name, value) != value:
            raise InvalidMessageError(
                f"property {name} is given twice, as {given[name]!r} and as {value!r}",
                field=name,
                advice="Give it once: as tags or keys, or among the properties.",
            )
    return encode_properties(given)
