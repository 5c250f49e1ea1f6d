"""A message to send and the rules it must keep; its batch body."""

from __future__ import annotations

from dataclasses import dataclass, field

from .batches import MAX_BODY_BYTES, BatchEntry, encode_batch
from .properties import MAX_SENT_BYTES, check_text, join_properties
from .refusal import RefusedError

TOPIC_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%|-_")
MAX_TOPIC_CHARACTERS = 127
NEVER_IN_A_BATCH = ("DELAY", "TIMER_DELAY_SEC", "TIMER_DELAY_MS", "TIMER_DELIVER_MS", "TRAN_MSG")


@dataclass(frozen=True)
class Outgoing:
    topic: str
    body: bytes
    tags: str | None = None
    keys: str | list[str] | None = None
    flag: int = 0
    properties: dict[str, str | None] = field(default_factory=dict)


def all_properties(message: Outgoing) -> dict[str, str]:
    """KEYS, TAGS, UNIQ_KEY and the rest; every name and value checked, a None value left out."""
    topic = check_text(message.topic, "topic")
    if not TOPIC_CHARACTERS.issuperset(topic) or len(topic) > MAX_TOPIC_CHARACTERS:
        raise RefusedError("invalid_message", "topic", topic)
    found: dict[str, str] = {}
    if message.tags is not None:
        found["TAGS"] = check_text(message.tags, "tags")
    if message.keys is not None:
        one = (
            message.keys
            if isinstance(message.keys, str)
            else " ".join([check_text(key, "keys") for key in message.keys])
        )
        found["KEYS"] = check_text(one, "keys")
    if not -(2**31) <= message.flag < 2**31:
        raise RefusedError("invalid_message", "flag", str(message.flag))
    for name, value in message.properties.items():
        if name in ("TAGS", "KEYS"):
            if value is None:
                found.pop(name, None)
            else:
                found[name] = check_text(value, name.lower())
            continue
        check_text(name, "a property name")
        if value is not None:
            found[name] = check_text(value, f"property {name!r}")
    first = {name: found[name] for name in ("KEYS", "TAGS") if name in found}
    return first | found


def properties_text(message: Outgoing) -> str:
    text = join_properties(all_properties(message))
    if len(text.encode()) > MAX_SENT_BYTES:
        raise RefusedError("too_large", "properties", "over 32,637 bytes")
    return text


def _waits(message: Outgoing) -> bool:
    """Whether the broker answers only after the flush and the copies; Java takes any spelling of true."""
    return (message.properties.get("WAIT") or "true").lower() == "true"


def encode_batch_of(messages: list[Outgoing]) -> bytes:
    """All messages are made first, then joined: that is the order in which a caller meets the refusals."""
    for message in messages:
        all_properties(message)
    if not messages:
        raise RefusedError("invalid_message", "messages", "none")
    topic = messages[0].topic
    if topic.startswith("%RETRY%"):
        raise RefusedError("invalid_message", "topic", topic)
    entries = []
    for message in messages:
        if message.topic != topic:
            raise RefusedError("invalid_message", "topic", message.topic)
        if any(message.properties.get(name) is not None for name in NEVER_IN_A_BATCH):
            raise RefusedError("invalid_message", "messages", "must be sent alone")
        if _waits(message) != _waits(messages[0]):
            raise RefusedError("invalid_message", "WAIT", "differs")
        if not message.body:
            raise RefusedError("invalid_message", "body", "empty")
        if len(message.body) > MAX_BODY_BYTES:
            raise RefusedError("too_large", "body", str(len(message.body)))
        entries.append(BatchEntry(message.flag, message.body, properties_text(message)))
    return encode_batch(entries)
