from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["MAX_SENT_PROPERTIES_BYTES", "decode_properties", "encode_properties", "join_properties"]

MAX_SENT_PROPERTIES_BYTES: Final[int]
"""What may be sent: 32,767 bytes less about 130 that a broker adds before it stores a message."""

def decode_properties(text: str | bytes | bytearray | memoryview) -> dict[str, str]:
    """The properties of a text or of its UTF-8 bytes; broken pieces are passed over, as in Java.

    A piece without a separator, a name or a value is dropped; a later value of the same name wins.
    """

def encode_properties(properties: Mapping[str, str | None] | Iterable[tuple[str, str | None]]) -> str:
    """The properties text of a mapping or of (name, value) pairs; a None value is left out.

    Raises:
        InvalidMessageError: a name or value is empty, no str, has a separator or a lone surrogate.
        MessageTooLargeError: the text is longer than a broker stores.
    """

def join_properties(properties: Mapping[str, str | None] | Iterable[tuple[str, str | None]]) -> str:
    """The properties text without any check, for text that must come out as it was received."""
