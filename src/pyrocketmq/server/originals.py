"""Records of internal topics and the messages that they hold for later: how one becomes the other.

A message that is not to be seen yet is stored in a topic of the broker itself and carries its real topic and
queue as properties. Must not know what it waits for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.logrecord import pack_host
from pyrocketmq.model.flags import MessageSysFlag
from pyrocketmq.server.messages import Draft

if TYPE_CHECKING:
    from pyrocketmq.model.message_ext import MessageExt

__all__ = [
    "DELAY",
    "REAL_QUEUE",
    "REAL_TOPIC",
    "draft_of",
    "is_half",
    "original_of",
    "put_aside",
    "stands_for",
]

DELAY: Final = "DELAY"
REAL_TOPIC: Final = "REAL_TOPIC"
REAL_QUEUE: Final = "REAL_QID"

_TRANSACTION: Final = MessageSysFlag.TRANSACTION_MASK.value
_PREPARED: Final = MessageSysFlag.TRANSACTION_PREPARED.value


def is_half(draft: Draft) -> bool:
    """Whether a message begins a transaction."""
    state = draft.sys_flag & _TRANSACTION
    is_asked = draft.properties.get("TRAN_MSG", "").lower() == "true" and state == 0
    # The property stays on committed messages: a consumer that sends one on as a retry begins nothing.
    is_retry = draft.reconsume_times > 0 and DELAY in draft.properties
    return (is_asked or state == _PREPARED) and not is_retry


def put_aside(draft: Draft, topic: str, queue_id: int) -> None:
    """Turn a draft to an internal topic; its sender is told of the queue that it asked for."""
    draft.answer_fields["queueId"] = str(draft.queue_id)
    draft.properties[REAL_TOPIC] = draft.topic
    draft.properties[REAL_QUEUE] = str(draft.queue_id)
    draft.topic, draft.queue_id = topic, queue_id


def stands_for(message: MessageExt) -> tuple[str, int]:
    """The real topic and queue of a record that was put aside."""
    return message.get_property(REAL_TOPIC, ""), int(message.get_property(REAL_QUEUE, "0"))


def draft_of(message: MessageExt, topic: str, queue_id: int) -> Draft:
    """A copy of a stored message for another queue."""
    return Draft(
        topic,
        queue_id,
        message.raw_body,
        dict(message.properties),
        message.flag,
        message.raw_sys_flag,
        message.born_timestamp,
        pack_host(message.born_host),
        message.reconsume_times,
        message.prepared_transaction_offset,
    )


def original_of(message: MessageExt) -> Draft:
    """The message that a record was put aside for; the properties that say so stay."""
    return draft_of(message, *stands_for(message))
