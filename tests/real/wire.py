"""The smallest client that can talk to a server: one blocking socket, one request at a time or a burst.

It stands on the frames of the package and nothing else, so these tests judge the codec and no transport.
"""

from __future__ import annotations

import socket
import time
from typing import Literal, NamedTuple, Self

from pyrocketmq._native.answer import SendResult, decode_send_answer
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.frame import FrameReader, encode_frame, frame_info
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.model import RemotingCommand, generate_opaque

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

    def __init__(self, address: str, codec: Codec = "json") -> None:
        host, _, port = address.rpartition(":")
        self.codec = codec
        self.pushed: list[RemotingCommand] = []
        self._socket = socket.create_connection((host, int(port)), timeout=DEADLINE_S)
        self._reader = FrameReader()
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, count: int = 1) -> dict[int, Answer]:
        """The next answers by opaque; requests of the server go to ``pushed``."""
        answers: dict[int, Answer] = {}
        end = time.monotonic() + DEADLINE_S
        while len(answers) < count:
            command = self._reader.next_frame()
            if command is None:
                self._socket.settimeout(max(0.001, end - time.monotonic()))
                data = self._socket.recv(65_536)
                if not data:
                    raise EOFError(
                        f"the server closed the connection after {len(answers)} of {count} answers"
                    )
                self._reader.feed(data)
                self._unread += data
                continue
            length, _ = frame_info(self._unread)
            raw, self._unread = self._unread[:length], self._unread[length:]
            if command.is_request:
                self.pushed.append(command)
            else:
                answers[command.opaque] = Answer(command, raw)
        return answers

    def ask(self, command: RemotingCommand) -> Answer:
        """Send a request and wait for its answer."""
        self.write(encode_frame(command, self.codec))
        return self.read()[command.opaque]

    def hold(self, command: RemotingCommand) -> int:
        """Send a request that is answered later; gives the opaque of the answer."""
        self.write(encode_frame(command, self.codec))
        return command.opaque

    def call(self, command: RemotingCommand) -> RemotingCommand:
        """The answer of a request that must succeed."""
        answer = self.ask(command).command
        assert answer.code == 0, f"code {answer.code} for request {command.code}: {answer.remark}"
        return answer

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
        encoder = SendEncoder("real-producers", codec=self.codec)
        if isinstance(message, list):
            encoder.put_batch(buffer, message, queue_id, opaque)
        else:
            encoder.put(buffer, message, queue_id, opaque, sys_flag=sys_flag, body=body)
        self.write(buffer.take())
        return decode_send_answer(self.read()[opaque].raw)
