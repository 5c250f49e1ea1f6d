"""What all request creators share: the command from a typed header, and the kinds of body it can have."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import SerializationError
from pyrocketmq.model.enums import RequestCode

if TYPE_CHECKING:
    from pyrocketmq.model.headers.base import Header

__all__ = ["LETTER_CODES", "Content", "EncodableBody", "RequestBody", "body_bytes", "make_request", "now_ms"]

LETTER_CODES: Final = frozenset(
    (RequestCode.SEND_MESSAGE_V2, RequestCode.SEND_BATCH_MESSAGE, RequestCode.SEND_REPLY_MESSAGE_V2)
)
"""Requests whose header has one-letter names: a is the producer group, b the topic."""

Content: TypeAlias = bytes | bytearray | memoryview | str
"""A body as it is; str is encoded as UTF-8."""

# Required names that servers take empty without a word and then answer with an unrelated error.
_NEVER_EMPTY: Final = frozenset(("topic", "producer_group", "consumer_group", "group"))


class EncodableBody(Protocol):
    """A typed body, for example ``HeartbeatData``, that can write itself."""

    def encode(self) -> bytes:
        """The bytes of the body."""
        ...


RequestBody: TypeAlias = Content | EncodableBody
"""A body as it is, or a typed one that is encoded here."""


def body_bytes(body: RequestBody | None) -> Content | None:
    """The content of a body; typed bodies are encoded.

    Raises:
        SerializationError: the body is of a kind that cannot travel.
    """
    if body is None or isinstance(body, bytes | bytearray | memoryview | str):
        return body
    if not hasattr(body, "encode"):
        raise SerializationError(
            f"a body must be bytes, str or a body class with encode(), got {type(body).__name__}",
            field="body",
            advice="Encode it first, for example with json.dumps(...).",
        )
    return body.encode()


def make_request(
    code: RequestCode, header: Header | None = None, body: RequestBody | None = None
) -> RemotingCommand:
    """A request with the ext fields of a typed header.

    Raises:
        SerializationError: a topic or group is empty, or the body is of a kind that cannot travel.
    """
    fields = None
    if header is not None:
        for field in header.FIELDS:
            if field.required and field.name in _NEVER_EMPTY and not getattr(header, field.name):
                raise SerializationError(
                    f"{field.name} of {code.name} is empty", field=field.name, advice="Give its full name."
                )
        fields = header.to_ext_fields()
    return RemotingCommand(code, ext_fields=fields or None, body=body_bytes(body))


def now_ms() -> int:
    """The time that requests carry: ms since 1970."""
    return time.time_ns() // 1_000_000
