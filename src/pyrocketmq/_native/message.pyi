from collections.abc import Iterable, Mapping
from typing import ClassVar, final, overload

__all__ = ["Message"]

@final
class Message:
    """A message to send.

    Args:
        topic: 1 to 127 characters of letters, digits and ``% | - _``.
        body: the content; str is encoded as UTF-8, other buffers are copied to bytes.
        tags: one tag that consumers can filter by.
        keys: index keys, as one str with blanks between them or several str.
        flag: a number for the application's own use.
        properties: further properties; names and values are non-empty str.

    Raises:
        InvalidMessageError: a part is no text, is empty, or has a byte that would cut the properties.
    """

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __init__(
        self,
        topic: str,
        body: bytes | bytearray | memoryview | str,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        *,
        flag: int = 0,
        properties: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    ) -> None: ...
    @property
    def topic(self) -> str: ...
    @topic.setter
    def topic(self, value: str) -> None: ...
    @property
    def body(self) -> bytes: ...
    @body.setter
    def body(self, value: bytes | bytearray | memoryview | str) -> None: ...
    @property
    def tags(self) -> str | None: ...
    @tags.setter
    def tags(self, value: str | None) -> None: ...
    @property
    def keys(self) -> str | None: ...
    @keys.setter
    def keys(self, value: str | Iterable[str] | None) -> None: ...
    @property
    def flag(self) -> int: ...
    @flag.setter
    def flag(self, value: int) -> None: ...
    @property
    def batch(self) -> bool:
        """True when the body is a batch body, made by ``encode_batch``."""
    @batch.setter
    def batch(self, value: bool) -> None: ...
    @property
    def unique_id(self) -> str | None:
        """The client's message id (property UNIQ_KEY), given when the message is first encoded."""
    @property
    def delay_level(self) -> int:
        """The delay level 1 to 18, or 0 for none (property DELAY)."""
    @delay_level.setter
    def delay_level(self, value: int) -> None: ...
    @property
    def sharding_key(self) -> str | None:
        """Messages with the same key go to the same queue; the Java client's property is read too."""
    @sharding_key.setter
    def sharding_key(self, value: str | None) -> None: ...
    @property
    def properties(self) -> Mapping[str, str]:
        """All properties as a read-only snapshot; change them with ``set_property``."""
    @overload
    def get_property(self, key: str, default: None = None) -> str | None: ...
    @overload
    def get_property(self, key: str, default: str) -> str:
        """The property's value, or ``default`` when it is not set."""
    def set_property(self, key: str, value: str | None) -> None:
        """Set a property; None removes it. Separators, empty text and non-str are refused."""
    def __copy__(self) -> Message: ...
    def __deepcopy__(self, memo: dict[int, object]) -> Message: ...
    def __eq__(self, other: object, /) -> bool: ...

def rebuild_message(
    topic: str, body: bytes, flag: int, batch: bool, properties: Mapping[str, str]
) -> Message:
    """What pickle calls to make a message again."""
