__all__ = ["ACCELERATED", "crc32", "crc32_by_table", "crc32c", "crc32c_by_table"]

ACCELERATED: bool

def crc32c(data: bytes | bytearray | memoryview, value: int = 0) -> int:
    """The CRC32C of bytes; ``value`` is that of what came before them."""

def crc32(data: bytes | bytearray | memoryview, value: int = 0) -> int:
    """The CRC-32 of bytes, the same number as zlib.crc32."""

def crc32c_by_table(data: bytes | bytearray | memoryview, value: int = 0) -> int:
    """The CRC32C as a CPU without the instructions computes it."""

def crc32_by_table(data: bytes | bytearray | memoryview, value: int = 0) -> int:
    """The CRC-32 as a CPU without the instructions computes it."""
