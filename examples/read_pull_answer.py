"""Read the messages of a pull answer: only what is looked at is decoded, and damage is an error."""

from __future__ import annotations

from pyrocketmq._native.record import encode_message
from pyrocketmq._native.stored import decode_messages, decode_messages_strict
from pyrocketmq.errors import DeserializationError


def pull_answer(count: int) -> bytes:
    """What a broker would send: stored messages, one after the other."""
    return b"".join(
        encode_message(
            "orders",
            f"cup {number}",
            properties={"TAGS": "drinks", "KEYS": f"order-{number}"},
            queue_offset=number,
            born_host=("192.0.2.7", 40112),
        )
        for number in range(count)
    )


def main() -> None:
    answer = pull_answer(32)
    messages = decode_messages(answer, broker_name="broker-a")
    print(f"{len(messages)} messages in {len(answer):,} bytes")
    for message in messages[:3]:
        print(message.queue_offset, message.keys, message.body, message.born_host)

    try:
        decode_messages_strict(answer[:-1])
    except DeserializationError as error:
        print(f"cut short:\n{error}")


if __name__ == "__main__":
    main()
