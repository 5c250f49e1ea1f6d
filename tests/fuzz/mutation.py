"""Damages good input in the ways that networks, bugs and attackers do; the same seed damages the same way."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

ODD_BYTES = (0x00, 0x01, 0x02, 0x22, 0x5C, 0x7B, 0x7D, 0x7F, 0x80, 0xC0, 0xED, 0xFF)
LIES = (
    0,
    1,
    2,
    3,
    4,
    21,
    22,
    88,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)


def flip_a_bit(rng: Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def put_an_odd_byte(rng: Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] = rng.choice(ODD_BYTES)


def cut_short(rng: Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)) :]


def drop_a_piece(rng: Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randrange(1, 9)]


def insert_bytes(rng: Random, data: bytearray) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.randrange(1, 9))


def repeat_a_piece(rng: Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.randrange(1, 33)]


def lie_about_a_long_length(rng: Random, data: bytearray) -> None:
    if len(data) >= 4:
        at = rng.randrange(len(data) - 3)
        (old,) = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", data, at, rng.choice((*LIES, len(data), old + 1, old - 1)) & 0xFFFFFFFF)


def lie_about_a_short_length(rng: Random, data: bytearray) -> None:
    if len(data) >= 2:
        at = rng.randrange(len(data) - 1)
        struct.pack_into(">H", data, at, rng.choice(LIES) & 0xFFFF)


DAMAGES: Sequence[Callable[[Random, bytearray], None]] = (
    flip_a_bit,
    flip_a_bit,
    put_an_odd_byte,
    cut_short,
    drop_a_piece,
    insert_bytes,
    repeat_a_piece,
    lie_about_a_long_length,
    lie_about_a_long_length,
    lie_about_a_short_length,
)


def damaged(rng: Random, pool: Sequence[bytes], repair: Callable[[bytearray], None] | None) -> bytes:
    """One input of the pool with up to three damages, two inputs joined, or noise.

    ``repair`` makes the outer length true again, or most damage would never get past the first check.
    """
    kind = rng.random()
    if kind < 0.03:
        return rng.randbytes(rng.randrange(200))
    data = bytearray(rng.choice(pool))
    if kind < 0.13:
        other = rng.choice(pool)
        data = data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]
    for _ in range(rng.randrange(1, 4)):
        if data:
            rng.choice(DAMAGES)(rng, data)
    if repair is not None and rng.random() < 0.7:
        repair(data)
    return bytes(data)


def true_total_length(data: bytearray) -> None:
    """The first word counts the bytes after it, as in a frame."""
    if len(data) >= 4:
        struct.pack_into(">I", data, 0, len(data) - 4)


def true_record_size(data: bytearray) -> None:
    """The first word counts all bytes, as in a stored message or a batch record."""
    if len(data) >= 4:
        struct.pack_into(">I", data, 0, len(data))
