"""Message ids: where a broker stored a message, and the id that a client gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq._native import ids as native

from . import baseline
from .arms import Row
from .fixtures import each_arm, run_arm

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 100
OFFSETS = [4_111_897_008 + n * 211 for n in range(COUNT)]
HEX_DIGITS = frozenset("0123456789ABCDEF")


def encode() -> None:
    """An offset message id."""
    encode_offset_message_id = native.encode_offset_message_id
    for offset in OFFSETS:
        encode_offset_message_id("10.1.2.3", 10911, offset)


def encode_plain() -> None:
    """The same by the baseline."""
    encode_offset_message_id = baseline.encode_offset_message_id
    for offset in OFFSETS:
        encode_offset_message_id("10.1.2.3", 10911, offset)


def check_encoded() -> None:
    """Same ids."""
    ours = [native.encode_offset_message_id("10.1.2.3", 10911, offset) for offset in OFFSETS]
    assert ours == [baseline.encode_offset_message_id("10.1.2.3", 10911, offset) for offset in OFFSETS]


def next_ids() -> None:
    """Unique ids; ours read the clock each time and stay unique after a fork."""
    next_unique_id = native.next_unique_id
    for _ in OFFSETS:
        next_unique_id()


PLAIN_IDS = baseline.UniqueIds()


def next_ids_plain() -> None:
    """The same by the baseline, which reads the clock once in its life."""
    next_unique_id = PLAIN_IDS.next
    for _ in OFFSETS:
        next_unique_id()


def check_unique() -> None:
    """Ids of 32 hex digits, no two alike."""
    for make in (native.next_unique_id, PLAIN_IDS.next):
        made = [make() for _ in range(1_000)]
        assert len(set(made)) == 1_000
        assert all(len(text) == 32 and HEX_DIGITS.issuperset(text) for text in made)


ROWS = [
    Row(
        name="offset message id",
        module="ids",
        ours=encode,
        baseline=encode_plain,
        operations=COUNT,
        check=check_encoded,
    ),
    Row(
        name="unique id",
        module="ids",
        ours=next_ids,
        baseline=next_ids_plain,
        operations=COUNT,
        check=check_unique,
    ),
]


@each_arm(ROWS)
def test_ids(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
