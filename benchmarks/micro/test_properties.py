"""The properties text: pairs of name and value with a separator byte after each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq._native import properties as native

from . import baseline
from .arms import Row
from .fixtures import each_arm, run_arm
from .samples import properties_of, unique_id

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 32
DICTS = [properties_of(n) | {"UNIQ_KEY": unique_id(n)} for n in range(COUNT)]
TEXTS = [baseline.encode_properties(d) for d in DICTS]


def encode() -> None:
    """Text from a dict."""
    encode_properties = native.encode_properties
    for properties in DICTS:
        encode_properties(properties)


def encode_plain() -> None:
    """The same by the baseline."""
    encode_properties = baseline.encode_properties
    for properties in DICTS:
        encode_properties(properties)


def decode() -> None:
    """A dict from text."""
    decode_properties = native.decode_properties
    for text in TEXTS:
        decode_properties(text)


def decode_plain() -> None:
    """The same by the baseline."""
    decode_properties = baseline.decode_properties
    for text in TEXTS:
        decode_properties(text)


def check() -> None:
    """Same texts, same dicts."""
    assert [native.encode_properties(properties) for properties in DICTS] == TEXTS
    assert [native.decode_properties(text) for text in TEXTS] == DICTS
    assert [baseline.decode_properties(text) for text in TEXTS] == DICTS


ROWS = [
    Row(
        name="properties: encode 4",
        module="properties",
        ours=encode,
        baseline=encode_plain,
        operations=COUNT,
        check=check,
    ),
    Row(
        name="properties: decode 4",
        module="properties",
        ours=decode,
        baseline=decode_plain,
        operations=COUNT,
        check=check,
    ),
]


@each_arm(ROWS)
def test_properties(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
