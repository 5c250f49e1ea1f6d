"""Headers, payloads, journals and packs: everything round-trips, and random bytes never get through or
crash.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from pathlib import Path

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from flaxfile._core.hashing import cut_file, hash_file, root_hash, xxh3_64, xxh3_128
from flaxfile.errors import FlaxError, ProtocolError
from flaxfile.protocol.chunkmap import chunk_count, encode_description, parse_journal, runs
from flaxfile.protocol.delta import Copy, decode_copies, decode_signature, encode_copies, find_copies
from flaxfile.protocol.header import HEADER_SIZE, Header, decode_header, encode_header, seal, verify
from flaxfile.protocol.messages import decode_payload, encode_payload, field
from flaxfile.protocol.pack import decode_pack, encode_pack

# Plain codecs: what two hundred inputs do not find, two thousand hardly do, and the suite has to be quick.
SOME = settings(max_examples=150)
U8, U32, U64 = (st.integers(0, 2**bits - 1) for bits in (8, 32, 64))
HEADERS = st.builds(Header, U8, U8, U32, U64, U64, U32, U32, U64)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@SOME
@given(HEADERS)
def test_a_header_comes_back_as_it_was(header: Header) -> None:
    assert header == decode_header(encode_header(header))
    assert HEADER_SIZE == len(encode_header(header))


@SOME
@given(HEADERS, st.binary(max_size=200))
def test_a_sealed_message_is_accepted(header: Header, payload: bytes) -> None:
    found = verify(seal(header, payload), payload)

    assert header.type == found.type
    assert header.offset == found.offset
    assert len(payload) == found.length


@SOME
@given(HEADERS, st.binary(max_size=60), st.data())
def test_a_message_with_one_wrong_bit_is_refused(header: Header, payload: bytes, data: st.DataObject) -> None:
    message = bytearray(seal(header, payload) + payload)
    bit = data.draw(st.integers(0, len(message) * 8 - 1))
    message[bit // 8] ^= 1 << bit % 8

    with pytest.raises(ProtocolError):
        verify(bytes(message[:HEADER_SIZE]), bytes(message[HEADER_SIZE:]))


@SOME
@given(st.binary(max_size=100), st.binary(max_size=100))
def test_random_bytes_are_no_message(data: bytes, payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        verify(data, payload)


@SOME
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_a_payload_comes_back_as_it_was(payload: dict[str, object]) -> None:
    assert payload == decode_payload(encode_payload(payload))


@SOME
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


@SOME
@given(
    st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=5),
    st.lists(st.tuples(U64, U64), max_size=8),
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


@SOME
@given(st.binary(max_size=300))
def test_random_bytes_are_a_journal_or_none(data: bytes) -> None:
    for journal in (data, b"FFM2" + data, encode_description({}) + data):
        found = parse_journal(journal)
        assert found is None or isinstance(found[0], dict)


@SOME
@given(st.sets(st.integers(0, 40), max_size=20))
def test_runs_cover_the_same_numbers(numbers: set[int]) -> None:
    found = runs(sorted(numbers))

    assert numbers == {index for first, count in found for index in range(first, first + count)}
    assert all(first + count < next_first for (first, count), (next_first, _) in itertools.pairwise(found))


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2)])
def test_every_byte_is_in_a_chunk(size: int, count: int) -> None:
    assert count == chunk_count(size, 10)


@SOME
@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_pack_comes_back_as_it_was(contents: list[bytes]) -> None:
    index: list[dict[str, object]] = [{"key": str(i), "size": len(data)} for i, data in enumerate(contents)]
    found, views = decode_pack(encode_pack(index, contents))

    assert index == found
    assert contents == [bytes(view) for view in views]


@SOME
@given(st.binary(max_size=300), st.integers(0, 400))
def test_random_bytes_are_a_pack_or_an_error(data: bytes, length: int) -> None:
    for payload in (data, length.to_bytes(4, "little") + data, (2).to_bytes(4, "little") + b"[]" + data):
        with contextlib.suppress(FlaxError):
            decode_pack(payload)


@pytest.mark.parametrize("size", [-1, 2**70, True, "1", 5])
def test_a_pack_whose_index_lies_is_refused(size: object) -> None:
    with pytest.raises(ProtocolError):
        decode_pack(encode_pack([{"size": size}], [b"four"]))


@SOME
@given(st.binary(max_size=5000), U64)
def test_hashes_are_those_of_the_reference(data: bytes, seed: int) -> None:
    assert xxhash.xxh3_64_intdigest(data, seed) == xxh3_64(data, seed)
    assert xxhash.xxh3_128_digest(data) == xxh3_128(data)


def test_hashes_are_those_of_the_reference_at_every_size_where_the_way_changes() -> None:
    data = random.Random(1).randbytes(3000)
    for size in range(3000):
        assert xxhash.xxh3_64_intdigest(data[:size], size) == xxh3_64(data[:size], size), size
        assert xxhash.xxh3_128_digest(data[:size]) == xxh3_128(data[:size]), size


# A file is read in pieces of 1 MiB; the hash works in stripes of 64 bytes, blocks of 1,024 and keeps the last
# 64 bytes of the piece before.
@pytest.mark.parametrize("pieces", [0, 1, 2])
@pytest.mark.parametrize("more", [-1025, -65, -64, -1, 0, 1, 63, 64, 240, 241, 1023, 1024, 1025])
def test_a_file_has_the_hash_of_its_bytes(tmp_path: Path, pieces: int, more: int) -> None:
    data = random.Random(2).randbytes(max(0, (pieces << 20) + more))
    path = tmp_path / "file"
    path.write_bytes(data)
    with path.open("rb") as file:
        file.seek(1)
        assert xxhash.xxh3_128_digest(data) == hash_file(file.fileno())


def test_the_root_tells_size_chunk_and_order_apart() -> None:
    one, two = b"\x01" * 8, b"\x02" * 8
    roots = {root_hash(20, 10, one + two), root_hash(20, 10, two + one), root_hash(19, 10, one + two)}
    roots |= {root_hash(20, 11, one + two), root_hash(0, 10, b"")}

    assert 5 == len(roots)


COPIES = st.builds(Copy, U64, U64, st.lists(st.tuples(U64, U32), min_size=1, max_size=5).map(tuple))


@SOME
@given(st.lists(COPIES, max_size=4))
def test_copies_come_back_as_they_were(copies: list[Copy]) -> None:
    assert copies == decode_copies(encode_copies(copies))


@SOME
@given(st.binary(max_size=300))
def test_random_bytes_are_copies_or_an_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        decode_copies(data)
    with contextlib.suppress(ProtocolError):
        decode_signature(data)


@SOME
@given(
    st.lists(st.integers(0, 8), max_size=12),
    st.lists(st.integers(0, 8), max_size=12),
    st.integers(1, 60),
)
def test_what_is_copied_is_what_would_have_been_sent(old: list[int], new: list[int], chunk: int) -> None:
    """Blocks by number, each of its own content and length; the pieces put together are the chunk."""
    blocks = [bytes([65 + number]) * (10 + 7 * number) for number in range(9)]
    tables = [
        b"".join(len(blocks[i]).to_bytes(4, "little") + xxh3_128(blocks[i]) for i in numbers)
        for numbers in (old, new)
    ]
    old_bytes, new_bytes = (b"".join(blocks[i] for i in numbers) for numbers in (old, new))
    found = find_copies(tables[0], tables[1], len(new_bytes), chunk)

    for index, segments in found.items():
        copied = b"".join(old_bytes[at : at + length] for at, length in segments)
        assert new_bytes[index * chunk : (index + 1) * chunk] == copied
    if set(new) <= set(old):
        assert chunk_count(len(new_bytes), chunk) == len(found)


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 5_000_000])
def test_the_blocks_of_a_file_cover_it(tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    (tmp_path / "file").write_bytes(data)
    with (tmp_path / "file").open("rb") as file:
        table = cut_file(file.fileno(), size)
    lengths = [int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), 20)]
    at = 0
    for number, length in enumerate(lengths):
        assert xxh3_128(data[at : at + length]) == table[20 * number + 4 : 20 * number + 20]
        at += length

    assert size == at
    assert all(16384 <= length <= 262144 for length in lengths[:-1])
