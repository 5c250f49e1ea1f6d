"""Properties text: native and reference write, read and refuse alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native import properties as native

from .agreement import outcome
from .codec import properties as reference
from .strategies import property_maps, spiced_text, text, wild_text

any_text = wild_text | text
names = any_text | st.none() | st.integers()
values = any_text | st.none() | st.integers() | st.binary(max_size=3)
rough = st.text(st.sampled_from("\x01\x01\x02\x02ab\u00e9\U0001f600\x00 "), max_size=40)


@given(st.dictionaries(names, values, max_size=5))
def test_encoding_a_mapping_agrees(pairs: dict[str, str | None]) -> None:
    expected = outcome(lambda: reference.encode_properties(pairs))
    assert expected == outcome(lambda: native.encode_properties(pairs))


@given(st.lists(st.tuples(names, values), max_size=5))
def test_encoding_pairs_agrees(pairs: list[tuple[str, str | None]]) -> None:
    expected = outcome(lambda: reference.encode_properties(pairs))
    assert expected == outcome(lambda: native.encode_properties(pairs))


@given(property_maps, st.integers(-3, 3), st.sampled_from(["x", "\u00e9", "\u4e3b", "\U0001f600"]))
def test_the_size_limit_counts_bytes_and_agrees(pairs: dict[str, str], over: int, letter: str) -> None:
    used = len(reference.join_properties(pairs).encode()) + len("fill\x01\x02")
    filled = {**pairs, "fill": letter * ((reference.MAX_SENT_BYTES - used) // len(letter.encode()) + over)}
    expected = outcome(lambda: reference.encode_properties(filled))
    assert expected == outcome(lambda: native.encode_properties(filled))


@given(st.lists(st.tuples(text, st.none() | text), max_size=5))
def test_joining_without_checks_agrees(pairs: list[tuple[str, str | None]]) -> None:
    assert reference.join_properties(pairs) == native.join_properties(pairs)


@given(rough | spiced_text | wild_text)
def test_decoding_any_text_agrees(encoded: str) -> None:
    # What UTF-8 cannot carry stands for itself in neither codec.
    expected = reference.decode_properties(encoded.encode("utf-8", "replace").decode())
    assert expected == native.decode_properties(encoded)


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"a", b"\x01", b"\x02", b"\xe4\xb8", b"\xff"])).map(b"".join)
)
def test_decoding_any_bytes_agrees(encoded: bytes) -> None:
    expected = reference.decode_properties(encoded.decode("utf-8", "replace"))
    assert expected == native.decode_properties(encoded)
    assert expected == native.decode_properties(memoryview(bytearray(encoded)))


@given(property_maps)
def test_what_is_written_is_read_back(pairs: dict[str, str]) -> None:
    assert pairs == native.decode_properties(native.encode_properties(pairs))
