from collections.abc import Iterable, Mapping

__all__ = ["encode_message"]

def encode_message(
    topic: str | bytes,
    body: bytes | bytearray | memoryview | str,
    *,
    properties: Mapping[str, str] | Iterable[tuple[str, str]] | str | bytes | None = None,
    flag: int = 0,
    queue_id: int = 0,
    queue_offset: int = 0,
    commit_log_offset: int = 0,
    sys_flag: int = 0,
    born_timestamp: int = 0,
    born_host: tuple[str | bytes, int] = ("127.0.0.1", 0),
    store_timestamp: int = 0,
    store_host: tuple[str | bytes, int] = ("127.0.0.1", 0),
    reconsume_times: int = 0,
    prepared_transaction_offset: int = 0,
    body_crc: int | None = None,
) -> bytes:
    """The stored form of a message, as a broker writes it; V2 when the topic is longer than 127 bytes.

    The body is written as given: who sets the compression bits of ``sys_flag`` passes a compressed body. The
    host bits follow from the hosts, and the CRC is that of the body unless it is given. Properties are a
    mapping or pairs, which are checked, or the properties text as str or bytes, which is written as it is.

    Raises:
        InvalidMessageError: a part is of the wrong kind or does not fit its field.
        ConfigurationError: a host is no address.
        MessageTooLargeError: the topic, the properties or the whole is too long.
    """
