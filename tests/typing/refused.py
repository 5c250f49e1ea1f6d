"""Mistakes that a strict type checker must find; nothing here is run by the tests.

mypy and pyright both read the ignores, and both fail on one that ignores nothing: a stub that became too
generous shows up here.
"""

from __future__ import annotations

from pyrocketmq import Producer
from pyrocketmq._native.batch import encode_batch_body
from pyrocketmq._native.properties import encode_properties
from pyrocketmq.model import Message


class Special(Message):  # type: ignore[misc]
    """Message is final: the core reads its fields without asking."""


def a_body_is_no_number() -> Message:
    return Message("orders", 7)  # type: ignore[arg-type]


def options_are_named() -> Message:
    return Message("orders", b"", None, None, 1)  # type: ignore[call-arg]


def tags_may_be_missing(message: Message) -> str:
    return message.tags  # type: ignore[return-value]


def properties_are_a_snapshot(message: Message) -> None:
    message.properties["region"] = "north"  # type: ignore[index]


def a_message_has_no_hash(message: Message) -> set[Message]:
    return {message}  # pyright: ignore[reportUnhashable]


def the_unique_id_is_given_by_the_core(message: Message) -> None:
    message.unique_id = "7F000001"  # type: ignore[misc]


def batches_hold_messages() -> bytes:
    return encode_batch_body([b"body"])  # type: ignore[list-item]


def properties_are_text() -> str:
    return encode_properties({"retries": 3})  # type: ignore[arg-type]


def a_message_has_its_body_already(producer: Producer) -> None:
    producer.submit(Message("orders", b""), b"another")  # type: ignore[call-overload]


def a_send_takes_a_message_or_a_topic_with_a_body(producer: Producer) -> None:
    producer.send(Message("orders", b""), tags="drinks")  # type: ignore[call-overload]
    producer.send("orders")  # type: ignore[call-overload]
    producer.send_oneway("orders")  # type: ignore[call-overload]
