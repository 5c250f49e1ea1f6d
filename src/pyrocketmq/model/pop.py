"""The strings and bodies of pop consumption (5.x): receipts, answers, acknowledgements."""

from __future__ import annotations

import binascii
from base64 import b64encode
from typing import TYPE_CHECKING, Final, NoReturn, Self, TypeVar

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model._declared import Declared, wire
from pyrocketmq.model.decimal_text import parse_decimal
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.names import (
    RETRY_PREFIX,
    is_pop_retry_topic_v2,
    pop_retry_topic_v1,
    pop_retry_topic_v2,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "ORDER_REVIVE_QUEUE",
    "BatchAck",
    "BatchAckMessageRequestBody",
    "PopReceipt",
    "decode_bits",
    "encode_bits",
    "parse_msg_offset_info",
    "parse_order_count_info",
    "parse_start_offset_info",
    "retry_mark",
]

T = TypeVar("T")

ORDER_REVIVE_QUEUE: Final = 999
"""The revive queue id of ordered consumption."""

MAX_BIT: Final = 1 << 20
"""Largest distance of an ack from its start offset; a batch answers one pop, so real ones are tiny."""

_BITS_ADVICE: Final = "Give the member b of an acknowledgement as it came."

_MAX_ENTRIES: Final = 1 << 16


def retry_mark(topic: str) -> str:
    """The mark of a topic in pop strings: 0 ordinary, 1 and 2 the two forms of retry topics."""
    if is_pop_retry_topic_v2(topic):
        return "2"
    return "1" if topic.startswith(RETRY_PREFIX) else "0"


class PopReceipt(Declared, frozen=True):
    """A receipt: what acknowledges one popped message (property POP_CK, request field extraInfo).

    Args:
        ck_queue_offset: start offset of the pop of its queue.
        pop_time: ms.
        invisible_time: ms until the message is delivered again.
        revive_queue_id: 999 means ordered.
        retry: 0 ordinary topic, 1 and 2 retry topics.
        broker_name: the broker to acknowledge to.
        queue_id: the queue.
        msg_queue_offset: offset of the message itself; None in receipts that are not for one message.
    """

    ck_queue_offset: int
    pop_time: int
    invisible_time: int
    revive_queue_id: int
    retry: str
    broker_name: str
    queue_id: int
    msg_queue_offset: int | None = None

    @property
    def is_order(self) -> bool:
        """True for ordered consumption."""
        return self.revive_queue_id == ORDER_REVIVE_QUEUE

    def real_topic(self, topic: str, group: str) -> str:
        """The topic the message really lies in, which requests about it must name."""
        if self.retry == "1":
            return pop_retry_topic_v1(group, topic)
        if self.retry == "2":
            return pop_retry_topic_v2(group, topic)
        return topic

    def encode(self) -> str:
        """The receipt as text.

        Raises:
            SerializationError: the broker name is empty or has a blank, which would shift the parts.
        """
        if not self.broker_name or " " in self.broker_name:
            raise SerializationError(
                f"broker_name of a pop receipt is {self.broker_name!r}, it must not be empty or have a blank",
                field="broker_name",
                advice="Give the name as the topic's route has it.",
            )
        parts = [
            self.ck_queue_offset,
            self.pop_time,
            self.invisible_time,
            self.revive_queue_id,
            self.retry,
            self.broker_name,
            self.queue_id,
        ]
        if self.msg_queue_offset is not None:
            parts.append(self.msg_queue_offset)
        return " ".join(map(str, parts))

    @classmethod
    def decode(cls, text: str) -> Self:
        """Take a receipt apart.

        Raises:
            DeserializationError: it has not 7 or 8 parts, or a part is no number.
        """
        parts = text.split(" ")
        if len(parts) not in (7, 8):
            _refuse("extraInfo", text, f"has {len(parts)} parts, wanted 7 or 8")
        start, time, invisible, revive, queue_id, *offset = [
            _number(part, "extraInfo", text) for part in (*parts[:4], *parts[6:])
        ]
        if parts[4] not in ("0", "1", "2"):
            _refuse("extraInfo", text, f"has the retry mark {parts[4][:20]!r}, wanted 0, 1 or 2")
        return cls(start, time, invisible, revive, parts[4], parts[5], queue_id, *offset)


def parse_start_offset_info(text: str) -> dict[str, int]:
    """``startOffsetInfo`` of a pop answer: ``retry@queueId`` -> offset of the first message.

    Raises:
        DeserializationError: an entry has not three parts, is no number, or comes twice.
    """
    return _parse_info("startOffsetInfo", text, _number)


def parse_msg_offset_info(text: str) -> dict[str, list[int]]:
    """``msgOffsetInfo`` of a pop answer: ``retry@queueId`` -> offsets of its messages.

    Raises:
        DeserializationError: an entry has not three parts, is no number, or comes twice.
    """
    return _parse_info(
        "msgOffsetInfo",
        text,
        lambda part, field, whole: [_number(offset, field, whole) for offset in part.split(",")],
    )


def parse_order_count_info(text: str) -> dict[str, int]:
    """``orderCountInfo`` of a pop answer: ``retry@queueId`` or ``retry@qo<queueId>%<offset>`` -> count.

    Raises:
        DeserializationError: an entry has not three parts, is no number, or comes twice.
    """
    return _parse_info("orderCountInfo", text, _number)


def _parse_info(field: str, text: str, read: Callable[[str, str, str], T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for entry in text.split(";", _MAX_ENTRIES) if text else ():
        parts = entry.split(" ")
        if len(parts) != 3:
            _refuse(field, text, f"has an entry of {len(parts)} parts, wanted 3")
        key = f"{parts[0]}@{parts[1]}"
        if key in found:
            _refuse(field, text, f"has the queue {key} twice")
        found[key] = read(parts[2], field, text)
    return found


def _number(part: str, field: str, text: str) -> int:
    number = parse_decimal(part)
    if number is None:
        _refuse(field, text, f"has {part[:40]!r} where a number belongs")
    return number


def _refuse(field: str, text: str, why: str) -> NoReturn:
    raise DeserializationError(
        f"{field} {text[:120]!r} {why}",
        field=field,
        advice="Pass the text on as the broker gave it, with nothing cut off or added.",
    )


def encode_bits(bits: Iterable[int]) -> str:
    """A bit set as acks carry it: base64 of its bytes, lowest bit first, without zero bytes at the end.

    Raises:
        SerializationError: a bit is negative or above 1,048,576.
    """
    number = 0
    for bit in bits:
        if not 0 <= bit <= MAX_BIT:
            raise SerializationError(
                f"offset is {bit:,} from the start offset of its pop, the limit is {MAX_BIT:,}",
                field="bits",
                advice="Acknowledge with the receipts of the pop that brought the messages.",
            )
        number |= 1 << bit
    return b64encode(number.to_bytes((number.bit_length() + 7) // 8, "little")).decode()


def decode_bits(text: str) -> list[int]:
    """The bits that are set, in rising order.

    Raises:
        DeserializationError: not base64, or longer than any bit set that ``encode_bits`` makes.
    """
    if len(text) > MAX_BIT // 6 + 8:
        raise DeserializationError(
            f"a bit set of {len(text):,} characters is too long, the limit is {MAX_BIT // 6 + 8:,}",
            field="b",
            advice=_BITS_ADVICE,
        )
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise DeserializationError(
            f"the bit set {text[:80]!r} is not base64: {error}", field="b", advice=_BITS_ADVICE
        ) from error
    return [8 * at + bit for at, byte in enumerate(data) if byte for bit in range(8) if byte >> bit & 1]


class BatchAck(JsonBody):
    """Acknowledgements of messages of one pop of one queue; ``bits`` is made by ``encode_bits``."""

    consumer_group: str | None = wire("c", default=None)
    topic: str | None = wire("t", default=None)
    retry: str | None = wire("r", default="0")
    start_offset: int = wire("so", default=0)
    queue_id: int = wire("q", default=0)
    revive_queue_id: int = wire("rq", default=0)
    pop_time: int = wire("pt", default=0)
    invisible_time: int = wire("it", default=0)
    bits: str | None = wire("b", default=None)

    @property
    def offsets(self) -> list[int]:
        """The offsets of the acknowledged messages."""
        return [self.start_offset + bit for bit in decode_bits(self.bits or "")]


class BatchAckMessageRequestBody(JsonBody):
    """Body of BATCH_ACK_MESSAGE."""

    broker_name: str | None = None
    acks: list[BatchAck] = wire(default_factory=list[BatchAck])
