from typing import ClassVar, Final, final

__all__ = ["LANGUAGE_NAMES", "RemotingCommand", "next_opaque"]

LANGUAGE_NAMES: Final[tuple[str, ...]]
"""The languages of the protocol by their numbers: JAVA is 0, PYTHON is 3."""

def next_opaque() -> int:
    """The next request number of this process: 0, 1, ... 2147483647, -2147483648, ... -1, 0."""

@final
class RemotingCommand:
    """One request to a server or one answer of it, in the fields that every command has.

    Args:
        code: request code, or response code in an answer.
        language: number of the sender's language, an index of LANGUAGE_NAMES; None for one that nobody knows.
        version: number of the RocketMQ release that the sender speaks for; 513 is 5.5.0.
        opaque: number that an answer shares with its request; None takes the next one of the process.
        flag: bit 0: this is an answer; bit 1: nobody waits for an answer.
        remark: free text, in answers mostly the reason of a refusal.
        ext_fields: fields of the request or answer as text, by their wire names. The dict is kept, not
        copied.
        body: what follows the header; a str is encoded as UTF-8, other buffers are copied to bytes.

    Numbers are signed with 32 bits. In a decoded command, ``body`` is None when nothing followed the
    header, and ``ext_fields`` has None where the peer sent a JSON null, or an empty key or value in the
    binary header. Its ``ext_fields`` may be decoded from the received bytes when first asked for; they were
    checked before.

    Commands are equal when all fields are. ``copy.copy`` gives the copy a dict of its own.

    Raises:
        SerializationError: a field is of the wrong type or beyond its limits; ``field`` names it.
    """

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __init__(
        self,
        code: int,
        language: int | None = 3,
        version: int = 513,
        opaque: int | None = None,
        flag: int = 0,
        remark: str | None = None,
        ext_fields: dict[str, str] | None = None,
        body: bytes | bytearray | memoryview | str | None = None,
    ) -> None: ...
    @property
    def code(self) -> int:
        """Request code, or response code in an answer."""
    @code.setter
    def code(self, value: int) -> None: ...
    @property
    def language(self) -> int | None:
        """Number of the sender's language, None if nobody knows its name."""
    @language.setter
    def language(self, value: int | None) -> None: ...
    @property
    def version(self) -> int:
        """Number of the RocketMQ release that the sender speaks for; 513 is 5.5.0."""
    @version.setter
    def version(self, value: int) -> None: ...
    @property
    def opaque(self) -> int:
        """Number that an answer shares with its request."""
    @opaque.setter
    def opaque(self, value: int) -> None: ...
    @property
    def flag(self) -> int:
        """Bit 0: this is an answer. Bit 1: nobody waits for an answer."""
    @flag.setter
    def flag(self, value: int) -> None: ...
    @property
    def remark(self) -> str | None:
        """Free text, in answers mostly the reason of a refusal."""
    @remark.setter
    def remark(self, value: str | None) -> None: ...
    @property
    def ext_fields(self) -> dict[str, str] | None:
        """Fields of the request or answer as text, by their wire names; the dict may be changed."""
    @ext_fields.setter
    def ext_fields(self, value: dict[str, str] | None) -> None: ...
    @property
    def body(self) -> bytes | None:
        """The body as bytes; None when there is none, which is also what an empty body decodes to."""
    @body.setter
    def body(self, value: bytes | bytearray | memoryview | str | None) -> None: ...
    @property
    def is_request(self) -> bool:
        """True when this asks something of its receiver."""
    @property
    def is_response(self) -> bool:
        """True when this answers a request."""
    @property
    def is_oneway(self) -> bool:
        """True when the receiver must not answer."""
    def __eq__(self, other: object, /) -> bool: ...
    def __copy__(self) -> RemotingCommand: ...
    def __reduce__(self) -> tuple[type[RemotingCommand], tuple[object, ...]]: ...
