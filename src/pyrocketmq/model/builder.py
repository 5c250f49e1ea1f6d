"""RemotingCommandBuilder: a command put together step by step, each step checked where it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import SerializationError
from pyrocketmq.model.enums import LanguageCode
from pyrocketmq.model.flags import CommandFlag
from pyrocketmq.model.headers.base import Header
from pyrocketmq.model.requests.making import LETTER_CODES, body_bytes
from pyrocketmq.model.shown import shown

if TYPE_CHECKING:
    from pyrocketmq.model.requests.making import Content, RequestBody

__all__ = ["RemotingCommandBuilder"]

_DEFAULT_VERSION = 513  # 5.5.0; servers give standard JSON from 401 on


class RemotingCommandBuilder:
    """Builds a command::

        command = (
            RemotingCommandBuilder(RequestCode.GET_MIN_OFFSET)
            .with_topic("orders")
            .with_ext_field("queueId", "0")
            .build()
        )

    Each ``build`` gives a command of its own, with the next free opaque unless ``with_opaque`` named one.

    Args:
        code: a request code, or a response code for ``as_response``.
    """

    def __init__(self, code: int) -> None:
        self._code = _int32("code", code, "Use a member of RequestCode or ResponseCode.")
        self._flag = 0
        self._language: int = LanguageCode.PYTHON
        self._version = _DEFAULT_VERSION
        self._opaque: int | None = None
        self._remark: str | None = None
        self._ext_fields: dict[str, str] = {}
        self._body: Content | None = None

    def as_request(self) -> Self:
        """Make it a request that wants an answer, which it is from the start."""
        self._flag = 0
        return self

    def as_response(self) -> Self:
        """Make it an answer; give it the opaque of the request."""
        self._flag |= CommandFlag.RESPONSE
        return self

    def as_oneway(self) -> Self:
        """Make it a request that is never answered, not even with an error: wire flag 2, unlike FlagType."""
        self._flag |= CommandFlag.ONEWAY
        return self

    def with_topic(self, topic: str) -> Self:
        """Set the topic, under the name that the code's header has for it."""
        return self._set_name("topic", "b", topic)

    def with_producer_group(self, group: str) -> Self:
        """Set the producer group, under the name that the code's header has for it."""
        return self._set_name("producerGroup", "a", group)

    def with_consumer_group(self, group: str) -> Self:
        """Set the consumer group."""
        return self._set_name("consumerGroup", "consumerGroup", group)

    def with_header(self, header: Header) -> Self:
        """Add all fields of a typed header."""
        _require_kind("header", header, Header, advice="Use with_ext_fields for a mapping of text.")
        self._ext_fields.update(header.to_ext_fields())
        return self

    def with_ext_field(self, name: str, value: str) -> Self:
        """Add one ext field by its wire name; every value travels as text."""
        _require_text("the name of an ext field", name, "ext_fields", "Give a wire name such as queueId.")
        _require_kind(name, value, str, advice="Give the text of the number or bool, or use with_header.")
        self._ext_fields[name] = value
        return self

    def with_ext_fields(self, fields: Mapping[str, str]) -> Self:
        """Add several ext fields by their wire names."""
        _require_kind("fields", fields, Mapping, advice="Use with_header for a typed header.")
        for name, value in fields.items():
            self.with_ext_field(name, value)
        return self

    def with_body(self, body: RequestBody | None) -> Self:
        """Set the body: bytes, text that becomes UTF-8, or a typed body."""
        self._body = body_bytes(body)
        return self

    def with_remark(self, remark: str | None) -> Self:
        """Set the free text of the header."""
        if remark is not None:
            _require_kind("remark", remark, str, advice="Decode the bytes, or leave it out.")
        self._remark = remark
        return self

    def with_opaque(self, opaque: int) -> Self:
        """Set the number by which the answer finds its request; any 32 bits, negative too."""
        self._opaque = _int32("opaque", opaque, "Leave it out for the next free one.")
        return self

    def with_language(self, language: int) -> Self:
        """Set the language of the sender."""
        try:
            self._language = LanguageCode(language)
        except ValueError:
            raise SerializationError(
                f"language must be a LanguageCode (0 to {max(LanguageCode)}), got {shown(language)}",
                field="language",
                advice="Leave it out for PYTHON, or use a member of LanguageCode.",
            ) from None
        return self

    def with_version(self, version: int) -> Self:
        """Set the version of the sender; below 401 servers answer with JSON that standard parsers refuse."""
        self._version = _int32("version", version, "Leave it out for that of 5.5.0.")
        return self

    def build(self) -> RemotingCommand:
        """The command as described so far."""
        return RemotingCommand(
            self._code,
            language=self._language,
            version=self._version,
            opaque=self._opaque,
            flag=self._flag,
            remark=self._remark,
            ext_fields=dict(self._ext_fields) or None,
            body=self._body,
        )

    def _set_name(self, wire_name: str, letter: str, value: str) -> Self:
        _require_text(wire_name, value, wire_name, "Give its full name.")
        return self.with_ext_field(letter if self._code in LETTER_CODES else wire_name, value)


def _require_text(what: str, value: object, field: str, advice: str) -> None:
    if not isinstance(value, str) or not value:
        raise SerializationError(
            f"{what} must be a non-empty str, got {shown(value)}", field=field, advice=advice
        )


def _require_kind(field: str, value: object, kind: type, *, advice: str) -> None:
    if not isinstance(value, kind):
        raise SerializationError(
            f"{field} must be a {kind.__name__}, got {shown(value)} of type {type(value).__name__}",
            field=field,
            advice=advice,
        )


def _int32(name: str, value: object, advice: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -(1 << 31) <= value < 1 << 31:
        raise SerializationError(
            f"{name} must be an int of 32 bits (-2147483648 to 2147483647), got {shown(value)}",
            field=name,
            advice=advice,
        )
    return int(value)
