"""MessageQueue: one queue of a topic on one broker, the unit of sending, pulling and locking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import total_ordering
from typing import TYPE_CHECKING

from pyrocketmq._native.queuehash import java_hash
from pyrocketmq.errors import DeserializationError
from pyrocketmq.model.java_order import java_order
from pyrocketmq.model.shown import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MessageQueue"]

_I32_MAX = 0x7FFFFFFF


@total_ordering
@dataclass(frozen=True, slots=True)
class MessageQueue:
    """One queue of a topic on one broker.

    Queues sort by topic, broker name (both as Java sorts text, see ``java_order``) and queue id. All clients
    of a group must sort alike, whatever their language, to share the queues without gaps.
    """

    topic: str
    broker_name: str
    queue_id: int

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, MessageQueue):
            return NotImplemented
        if self.topic != other.topic:
            return java_order(self.topic) < java_order(other.topic)
        if self.broker_name != other.broker_name:
            return java_order(self.broker_name) < java_order(other.broker_name)
        return self.queue_id < other.queue_id

    def __str__(self) -> str:
        """The text that Java prints and that consistent hashing uses as its key."""
        return f"MessageQueue [topic={self.topic}, brokerName={self.broker_name}, queueId={self.queue_id}]"

    def java_hash(self) -> int:
        """``hashCode()`` of the same queue in Java, a signed 32-bit number."""
        value = 31 + java_hash(self.broker_name)
        value = 31 * value + self.queue_id
        value = 31 * value + java_hash(self.topic)
        value &= 0xFFFFFFFF
        return value - 0x100000000 if value > _I32_MAX else value

    def to_json_dict(self) -> dict[str, str | int]:
        """The queue as an object of a JSON body, with the names of the wire."""
        return {"brokerName": self.broker_name, "queueId": self.queue_id, "topic": self.topic}

    @classmethod
    def from_json_dict(cls, data: Mapping[str, object]) -> MessageQueue:
        """Read a queue from an object of a JSON body.

        Raises:
            DeserializationError: a member is missing or of another kind.
        """
        topic = data.get("topic")
        broker_name = data.get("brokerName")
        queue_id = data.get("queueId")
        if not isinstance(topic, str):
            raise _bad_member("topic", "text", topic)
        if not isinstance(broker_name, str):
            raise _bad_member("brokerName", "text", broker_name)
        if not isinstance(queue_id, int) or isinstance(queue_id, bool):
            raise _bad_member("queueId", "a whole number", queue_id)
        return cls(topic, broker_name, queue_id)


def _bad_member(name: str, expected: str, value: object) -> DeserializationError:
    return DeserializationError(
        f"MessageQueue.{name} must be {expected}, got {shown(value)}",
        field=name,
        advice="Check the JSON body; a queue has topic, brokerName and queueId.",
    )
