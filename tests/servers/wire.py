"""The smallest client that can talk to a server: one blocking socket, one request at a time or a burst.

It stands on the frames of the package and nothing else, so the suites judge servers and codec, and no client.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Literal, NamedTuple, Self

from pyrocketmq._native.answer import SendResult, decode_send_answer
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.frame import FrameReader, encode_frame, frame_info
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.model import AclCredentials, CommandFlag, RemotingCommand, generate_opaque
from pyrocketmq.model.acl import sign

Codec = Literal["json", "binary"]

DEADLINE_S = 20.0


class Answer(NamedTuple):
    """An answer and the bytes that it came in."""

    command: RemotingCommand
    raw: bytes

    @property
    def codec(self) -> Codec:
        return "binary" if self.raw[4] == 1 else "json"


class Wire:
    """One connection to a name server or broker."""

    def __init__(
        self,
        address: str,
        codec: Codec = "json",
        *,
        tls: ssl.SSLContext | None = None,
        credentials: AclCredentials | None = None,
    ) -> None:
        host, _, port = address.rpartition(":")
        self.codec = codec
        self.credentials = credentials
        self.pushed: list[RemotingCommand] = []
        """Requests of the server, in their order."""
        self.closed = False
        self._socket = socket.create_connection((host, int(port)), timeout=DEADLINE_S)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        self._reader = FrameReader()
        self._unread = b""
        self._answers: dict[int, Answer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    @property
    def address(self) -> str:
        """Our end, as the server sees it."""
        host, port = self._socket.getsockname()[:2]
        return f"{host}:{port}"

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def encode(self, command: RemotingCommand) -> bytes:
        """The frame of a request, signed when there is somebody to sign."""
        if self.credentials is not None:
            fields = command.ext_fields or {}
            command.ext_fields = fields | sign(
                fields, command.body, self.credentials, version=command.version
            )
        return encode_frame(command, self.codec)

    def collect(self, wait_s: float = 0.0) -> None:
        """Take what has come, waiting this long for its begin: answers by opaque, requests to ``pushed``."""
        while not self.closed and self._readable(wait_s):
            data = self._socket.recv(65_536)
            if not data:
                self.closed = True
                return
            wait_s = 0.0
            self._reader.feed(data)
            self._unread += data
            while (command := self._reader.next_frame()) is not None:
                length, _ = frame_info(self._unread)
                raw, self._unread = self._unread[:length], self._unread[length:]
                if command.is_request:
                    self.pushed.append(command)
                else:
                    self._answers[command.opaque] = Answer(command, raw)

    def _readable(self, wait_s: float) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(select.select([self._socket], [], [], wait_s)[0])

    def read(self, count: int = 1) -> dict[int, Answer]:
        """The next answers by opaque."""
        end = time.monotonic() + DEADLINE_S
        while len(self._answers) < count:
            if self.closed:
                raise EOFError(
                    f"the server closed the connection after {len(self._answers)} of {count} answers"
                )
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{len(self._answers)} of {count} answers within {DEADLINE_S:.0f} s")
            self.collect(left)
        answers, self._answers = self._answers, {}
        return answers

    def ask(self, command: RemotingCommand) -> Answer:
        """Send a request and wait for its answer."""
        return self.answer(self.hold(command))

    def answer(self, opaque: int) -> Answer:
        """The answer of a request that was sent before."""
        end = time.monotonic() + DEADLINE_S
        while (found := self._answers.pop(opaque, None)) is None:
            if self.closed:
                raise EOFError("the server closed the connection instead of answering")
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no answer within {DEADLINE_S:.0f} s")
            self.collect(left)
        return found

    def arrived(self, opaque: int) -> Answer | None:
        """The answer if it has come already."""
        self.collect()
        return self._answers.pop(opaque, None)

    def hold(self, command: RemotingCommand) -> int:
        """Send a request that is answered later; gives the opaque of the answer."""
        self.write(self.encode(command))
        return command.opaque

    def tell(self, command: RemotingCommand) -> None:
        """Send a request that is not answered."""
        command.flag |= CommandFlag.ONEWAY
        self.write(self.encode(command))

    def call(self, command: RemotingCommand) -> RemotingCommand:
        """The answer of a request that must succeed."""
        answer = self.ask(command).command
        assert answer.code == 0, f"code {answer.code} for request {command.code}: {answer.remark}"
        return answer

    def push_of(self, code: int) -> RemotingCommand | None:
        """Take the oldest request of the server with this code, if there is one."""
        self.collect()
        for at, command in enumerate(self.pushed):
            if command.code == code:
                return self.pushed.pop(at)
        return None

    def respond(
        self,
        request: RemotingCommand,
        code: int = 0,
        *,
        body: bytes | None = None,
        remark: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """Answer a request of the server."""
        answer = RemotingCommand(
            code,
            opaque=request.opaque,
            flag=CommandFlag.RESPONSE,
            remark=remark,
            ext_fields=dict(fields or {}),
            body=body,
        )
        self.write(encode_frame(answer, self.codec))

    def send(
        self,
        message: Message | list[Message],
        queue_id: int = 0,
        *,
        sys_flag: int = 0,
        body: bytes | None = None,
    ) -> SendResult:
        """Send a message, or several as a batch, in the way producers do."""
        buffer, opaque = WriteBuffer(), generate_opaque()
        encoder = SendEncoder("conformance-producers", codec=self.codec)
        if isinstance(message, list):
            encoder.put_batch(buffer, message, queue_id, opaque)
        else:
            encoder.put(buffer, message, queue_id, opaque, sys_flag=sys_flag, body=body)
        self.write(buffer.take())
        return decode_send_answer(self.answer(opaque).raw)
