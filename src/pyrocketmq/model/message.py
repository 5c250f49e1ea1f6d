"""The message to send, and the batch made of several of them."""

from __future__ import annotations

from pyrocketmq._native.batch import encode_batch_body
from pyrocketmq._native.message import Message
from pyrocketmq.errors import InvalidMessageError

__all__ = ["Message", "encode_batch"]


def encode_batch(*messages: Message) -> Message:
    """One message whose body holds several, and whose ``batch`` is True.

    All must have the same topic and the same WAIT, and none a delay, a timer, a transaction or a retry topic.

    Raises:
        InvalidMessageError: no messages, or one that cannot be in this batch.
        MessageTooLargeError: a body or its properties are over the limit.
    """
    body = encode_batch_body(messages)
    # Java refuses such a batch: the broker waits for its disk once for all of them, or not at all.
    if len({message.get_property("WAIT", "true") for message in messages}) > 1:
        raise InvalidMessageError(
            f"the {len(messages):,} messages differ in the property WAIT",
            field="WAIT",
            advice="Send those that wait for the disk and those that do not in batches of their own.",
        )
    batch = Message(messages[0].topic, body)
    batch.batch = True
    return batch
