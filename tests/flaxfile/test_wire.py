"""Headers, payloads, journals and packs: everything round-trips, and random bytes never get through or
crash.
"""

from __future__ import annotations

import contextlib
import itertools

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from flaxfile._core.hashing import root_hash, xxh3_64, xxh3_128
from flaxfile.errors import FlaxError, ProtocolError
from flaxfile.protocol.chunkmap import chunk_count, encode_description, parse_journal, runs
from flaxfile.protocol.header import HEADER_SIZE, Header, decode_header, encode_header, seal, verify
from flaxfile.protocol.messages import decode_payload, encode_payload, field
from flaxfile.protocol.pack import decode_pack, encode_pack

U8, U32, U64 = (st.integers(0, 2**bits - 1) for bits in (8, 32, 64))
HEADERS = st.builds(Header, U8, U8, U32, U64, U64, U32, U32, U64)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(HEADERS)
def test_a_header_comes_back_as_it_was(header: Header) -> None:
    assert header == decode_header(encode_header(header))
    assert HEADER_SIZE == len(encode_header(header))


@given(HEADERS, st.binary(max_size=200))
def test_a_sealed_message_is_accepted(header: Header, payload: bytes) -> None:
    found = verify(seal(header, payload), payload)

    assert header.type == found.type
    assert header.offset == found.offset
    assert len(payload) == found.length


@given(HEADERS, st.binary(max_size=60), st.data())
def test_a_message_with_one_wrong_bit_is_refused(header: Header, payload: bytes, data: st.DataObject) -> None:
    message = bytearray(seal(header, payload) + payload)
    bit = data.draw(st.integers(0, len(message) * 8 - 1))
    message[bit // 8] ^= 1 << bit % 8

    with pytest.raises(ProtocolError):
        verify(bytes(message[:HEADER_SIZE]), bytes(message[HEADER_SIZE:]))


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_random_bytes_are_no_message(data: bytes, payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        verify(data, payload)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_a_payload_comes_back_as_it_was(payload: dict[str, object]) -> None:
    assert payload == decode_payload(encode_payload(payload))


@given(st.binary())
def test_random_bytes_are_a_payload_or_an_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(decode_payload(data), dict)


def test_deep_nesting_is_no_crash() -> None:
    with pytest.raises(ProtocolError):
        decode_payload(b'{"a":' + b"[" * 100_000)


@pytest.mark.parametrize("value", ["1", True, 1.5, [], None])
def test_a_field_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError, match="size"):
        field({"size": value}, "size", int)


@given(
    st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=5),
    st.lists(st.tuples(U64, U64), max_size=30),
    st.integers(0, 15),
)
def test_a_journal_gives_what_was_whole_of_it(
    description: dict[str, object], records: list[tuple[int, int]], torn: int
) -> None:
    data = encode_description(description)
    for index, value in records:
        data += index.to_bytes(8, "little") + value.to_bytes(8, "little")
    data += b"\xff" * torn

    assert (description, dict(records)) == parse_journal(data)


@given(st.binary(max_size=300))
def test_random_bytes_are_a_journal_or_none(data: bytes) -> None:
    for journal in (data, b"FFM2" + data, encode_description({}) + data):
        found = parse_journal(journal)
        assert found is None or isinstance(found[0], dict)


@given(st.sets(st.integers(0, 200)))
def test_runs_cover_the_same_numbers(numbers: set[int]) -> None:
    found = runs(sorted(numbers))

    assert numbers == {index for first, count in found for index in range(first, first + count)}
    assert all(first + count < next_first for (first, count), (next_first, _) in itertools.pairwise(found))


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2)])
def test_every_byte_is_in_a_chunk(size: int, count: int) -> None:
    assert count == chunk_count(size, 10)


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_pack_comes_back_as_it_was(contents: list[bytes]) -> None:
    index: list[dict[str, object]] = [{"key": str(i), "size": len(data)} for i, data in enumerate(contents)]
    found, views = decode_pack(encode_pack(index, contents))

    assert index == found
    assert contents == [bytes(view) for view in views]


@given(st.binary(max_size=300), st.integers(0, 400))
def test_random_bytes_are_a_pack_or_an_error(data: bytes, length: int) -> None:
    for payload in (data, length.to_bytes(4, "little") + data, (2).to_bytes(4, "little") + b"[]" + data):
        with contextlib.suppress(FlaxError):
            decode_pack(payload)


@pytest.mark.parametrize("size", [-1, 2**70, True, "1", 5])
def test_a_pack_whose_index_lies_is_refused(size: object) -> None:
    with pytest.raises(ProtocolError):
        decode_pack(encode_pack([{"size": size}], [b"four"]))


@given(st.binary(max_size=5000), U64)
def test_hashes_are_those_of_the_reference(data: bytes, seed: int) -> None:
    assert xxhash.xxh3_64_intdigest(data, seed) == xxh3_64(data, seed)
    assert xxhash.xxh3_128_digest(data) == xxh3_128(data)


def test_the_root_tells_size_chunk_and_order_apart() -> None:
    one, two = b"\x01" * 8, b"\x02" * 8
    roots = {root_hash(20, 10, one + two), root_hash(20, 10, two + one), root_hash(19, 10, one + two)}
    roots |= {root_hash(20, 11, one + two), root_hash(0, 10, b"")}

    assert 5 == len(roots)
