"""XXH3 of bytes, of files and of their chunks, without the GIL.

The hash of a file is that of its bytes and has nothing to do with how it was moved; the root hash is over
the hashes of the chunks of a transfer, so that both sides know it without reading anything twice.
"""

from typing_extensions import Buffer

__all__ = ["cut_file", "hash_chunks", "hash_file", "read_at", "root_hash", "xxh3_64", "xxh3_128"]

def xxh3_64(data: Buffer, seed: int = 0) -> int:
    """Return the XXH3 hash of bytes as an unsigned 64-bit number."""

def xxh3_128(data: Buffer) -> bytes:
    """Return the XXH3 hash of bytes as 16 bytes, most significant first."""

def hash_file(fd: int) -> bytes:
    """Return the XXH3-128 of what a file holds, read from its start whatever its position is."""

def read_at(fd: int, room: Buffer, at: int) -> int:
    """Fill a buffer with what a file holds at a place, whatever its position is; how many bytes there
    were.
    """

def hash_chunks(fd: int, base: int, size: int, chunk: int, first: int, count: int) -> bytes:
    """Return the hashes of ``count`` chunks of the ``size`` bytes at ``base``, eight bytes each, little
    endian.

    A file that ends before gives fewer of them.
    """

def root_hash(size: int, chunk: int, hashes: bytes) -> bytes:
    """Return the hash over size, chunk size and the hashes of all chunks: the name of these bytes."""

def cut_file(fd: int, size: int) -> bytes:
    """Return the blocks of a file by its content: for each its length, 4 bytes little endian, and its
    XXH3-128.

    A file that ends before ``size`` gives blocks of less.
    """
