from typing import Final, Literal, final

from typing_extensions import Buffer

from pyrocketmq._native.command import RemotingCommand

__all__ = ["BROKER_MAX_FRAME_BYTES", "FrameReader", "decode_frame", "encode_frame", "frame_info"]

BROKER_MAX_FRAME_BYTES: Final[int]
"""What brokers take: a length word of at most 16 MiB."""

def encode_frame(command: RemotingCommand, codec: Literal["json", "binary"] = "json") -> bytes:
    """The whole frame of a command, length word included.

    Ext fields that are None are left out. The binary header cuts nothing silently: what it cannot hold is
    refused. It has no form for an unknown language and for empty text: the first is written as JAVA, which
    is also what a JSON header without language means, the second is read back as None by Java and by
    `decode_frame`.

    Raises:
        SerializationError: a key or value of the ext fields is no str, text has a lone surrogate, the
            header is over 16,777,215 bytes; in the binary header also a code or version beyond 16 bits, or
            a key over 32,767 bytes.
        ConfigurationError: the codec is neither of the two.
    """

def decode_frame(data: Buffer) -> RemotingCommand:
    """The command of exactly one whole frame, length word included; its own codec byte says how to read it.

    JSON headers are read with the tolerance of Java 5.5.0: unknown members are passed over; a missing
    language is JAVA, an unknown one None, case is ignored; missing numbers and null are 0, a missing opaque
    is the next one of the process; the last of repeated members counts; numbers may be strings, or end in
    ``.0``; strings may stand in single quotes; a comma may stand before the header's closing brace. Ext
    fields that are numbers, booleans, objects or lists become their text as received. Stricter than Java:
    text must be UTF-8 without lone surrogates, numbers must be whole and within 32 bits, and control
    characters inside strings must be escaped.

    In binary headers, a negative length of the ext fields means none, and bytes after the last ext field up
    to the declared end of the header are passed over.

    Raises:
        DeserializationError: the bytes are not one frame, more than one, or a frame with an unreadable
        header.
    """

def frame_info(data: Buffer) -> tuple[int, int]:
    """Total length of a frame with its length word, and length of its header, from its first 8 bytes.

    Raises:
        DeserializationError: fewer than 8 bytes, or lengths that cannot be true together.
    """

@final
class FrameReader:
    """Cuts a stream of bytes, fed in pieces of any size, into commands.

    It holds what was fed and not read yet, in one block of at most about twice that size, and allocates
    nothing for what a frame claims to bring later. Not for use from several threads at once.

    A frame that cannot be read costs one DeserializationError; the reader has stepped over it and the next
    frame is intact. A length word below 4 or over ``max_frame_bytes`` leaves no way to find the next frame:
    it raises ProtocolError once all frames before it were read, and so does every call from then on.

    Args:
        max_frame_bytes: largest length word to accept; the frame with its length word has 4 bytes more.
    """

    def __new__(cls, max_frame_bytes: int = 16777216) -> FrameReader: ...
    @property
    def max_frame_bytes(self) -> int: ...
    @property
    def buffered(self) -> int:
        """Bytes that were fed and not read yet."""
    def feed(self, data: Buffer) -> None:
        """Add received bytes; they are copied."""
    def next_frame(self) -> RemotingCommand | None:
        """The next command, or None when it has not arrived whole."""
    def next_bytes(self) -> bytes | None:
        """The next frame as it is, length word included, or None when it has not arrived whole."""
    def read_all(self) -> list[RemotingCommand]:
        """All commands that have arrived whole, up to the first frame that cannot be read.

        An error is raised when it is first in line, so no command before it is lost: call again after an
        error. An empty list means that more bytes are needed.
        """
    def __iter__(self) -> FrameReader: ...
    def __next__(self) -> RemotingCommand: ...
