"""One request in hand, and the ways to answer it. Must not know what any request means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import DeserializationError
from pyrocketmq.model.enums import LanguageCode, ResponseCode
from pyrocketmq.model.headers import Header
from pyrocketmq.model.json_body import JsonBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.connection import Connection

__all__ = ["Answer", "Call", "Handler", "Refused", "make_answer"]

Answer: TypeAlias = RemotingCommand | Awaitable[RemotingCommand | None] | None
"""What a handler gives: the answer, something to await for it, or None when there is none to send."""

H = TypeVar("H", bound=Header)
B = TypeVar("B", bound=JsonBody)

_LANGUAGE = LanguageCode.JAVA.value
_VERSION = 513


def make_answer(
    code: int = 0,
    remark: str | None = None,
    fields: Header | Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> RemotingCommand:
    """An answer; the connection gives it the number and the codec of its request."""
    ext = fields.to_ext_fields() if isinstance(fields, Header) else None if fields is None else dict(fields)
    return RemotingCommand(code, _LANGUAGE, _VERSION, 0, 1, remark, ext, body)


class Refused(Exception):  # noqa: N818 - it is an answer
    """The request is answered with this code and remark."""

    def __init__(self, code: int, remark: str, fields: Header | Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {remark}")
        self.code = int(code)
        self.remark = remark
        self.fields = fields

    def answer(self) -> RemotingCommand:
        """The answer that it stands for."""
        return make_answer(self.code, self.remark, self.fields)


class Call:
    """One request of a peer."""

    __slots__ = ("connection", "request")

    def __init__(self, connection: Connection, request: RemotingCommand) -> None:
        self.connection = connection
        self.request = request

    @property
    def code(self) -> int:
        """What is asked."""
        return self.request.code

    @property
    def peer(self) -> str:
        """The address of the client, ``host:port``."""
        return self.connection.address

    @property
    def fields(self) -> dict[str, str]:
        """The ext fields; values may be None where the peer sent a null."""
        return self.request.ext_fields or {}

    @property
    def body(self) -> bytes:
        """The body, empty if there is none."""
        return self.request.body or b""

    def header(self, kind: type[H], *, check_required: bool = True) -> H:
        """The typed header of the request.

        Raises:
            Refused: a field is missing or no value of its type.
        """
        try:
            return kind.from_ext_fields(self.request.ext_fields, check_required=check_required)
        except DeserializationError as error:
            raise Refused(ResponseCode.SYSTEM_ERROR, error.what, {}) from error

    def decode(self, kind: type[B]) -> B:
        """The JSON body of the request.

        Raises:
            Refused: there is none, or it is not of this kind.
        """
        try:
            return kind.decode(self.request.body)
        except DeserializationError as error:
            raise Refused(ResponseCode.SYSTEM_ERROR, error.what) from error

    def answer(
        self,
        code: int = 0,
        remark: str | None = None,
        fields: Header | Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> RemotingCommand:
        """An answer to this request."""
        return make_answer(code, remark, fields, body)


Handler: TypeAlias = Callable[[Call], Answer]
