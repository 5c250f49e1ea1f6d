"""Recall handles: what a broker gives for a timer message and takes back to cancel it (5.3 and later)."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64encode
from typing import Final, NoReturn, Self

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model._declared import Declared

__all__ = ["RecallHandle"]

_VERSION: Final = "v1"
_MAX_CHARACTERS: Final = 4_096  # topic, broker name and id are far below


class RecallHandle(Declared, frozen=True):
    """The parts of a recall handle.

    Args:
        topic: the topic the message will go to.
        broker_name: the broker that holds it until then.
        deliver_ms: when it is due, in ms, as text.
        message_id: the client's id of the message, UNIQ_KEY.
    """

    topic: str
    broker_name: str
    deliver_ms: str
    message_id: str

    def encode(self) -> str:
        """The handle as it travels: URL-safe base64 of the parts.

        Raises:
            SerializationError: a part is empty or has a blank, which would change the other parts.
        """
        parts = {
            "topic": self.topic,
            "broker_name": self.broker_name,
            "deliver_ms": self.deliver_ms,
            "message_id": self.message_id,
        }
        for name, part in parts.items():
            if not part or " " in part:
                raise SerializationError(
                    f"{name} of a recall handle is {part!r}, it must not be empty or have a blank",
                    field=name,
                    advice="To take a message back, send the handle of its send result as it is.",
                )
        return urlsafe_b64encode(" ".join([_VERSION, *parts.values()]).encode()).decode()

    @classmethod
    def decode(cls, handle: str) -> Self:
        """Take a handle apart.

        Raises:
            DeserializationError: it is not a handle of version 1.
        """
        if len(handle) > _MAX_CHARACTERS:
            _refuse(f"has {len(handle):,} characters, the limit is {_MAX_CHARACTERS:,}")
        try:
            # In strict mode b64decode still drops foreign characters, a2b_base64 does not.
            text = binascii.a2b_base64(handle.replace("-", "+").replace("_", "/"), strict_mode=True).decode()
        except ValueError as error:
            _refuse(f"{handle[:80]!r} is not base64 of UTF-8 text: {error}")
        parts = text.split(" ")
        if len(parts) != 5 or parts[0] != _VERSION or not all(parts):
            _refuse(f"{handle[:80]!r} is not 'v1 topic broker time id' inside")
        return cls(*parts[1:])


def _refuse(what: str) -> NoReturn:
    raise DeserializationError(
        f"the recall handle {what}",
        field="recallHandle",
        advice="Use the recallHandle of the send result of a timer message.",
    )
