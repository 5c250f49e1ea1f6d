"""Compressed bodies: what one side packs the other unpacks, within the same bound, and both refuse damage."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq import compression as native
from tests.properties import FEWER_EXAMPLES

from .agreement import outcome
from .codec import unpacking as reference
from .strategies import damaged

kinds = st.sampled_from(get_args(native.CompressionKind))
plain_bodies = st.binary(max_size=300) | st.builds(
    lambda piece, times: piece * times, st.binary(max_size=8), st.integers(0, 2000)
)


@FEWER_EXAMPLES
@given(plain_bodies, kinds, st.integers(-2, 2))
def test_what_is_packed_is_unpacked_within_the_same_bound(
    body: bytes, kind: native.CompressionKind, spare: int
) -> None:
    packed = native.compress(body, kind)
    assert body == reference.decompress(packed, kind) == native.decompress(packed, kind)
    bound = max(0, len(body) + spare)
    expected = outcome(lambda: reference.decompress(packed, kind, bound))
    assert expected == outcome(lambda: native.decompress(packed, kind, bound))


@FEWER_EXAMPLES
@given(kinds, st.data())
def test_damaged_bodies_are_unpacked_or_refused_alike(
    kind: native.CompressionKind, data: st.DataObject
) -> None:
    packed = native.compress(data.draw(plain_bodies), kind)
    broken = data.draw(damaged(st.just(packed)))
    expected = outcome(lambda: reference.decompress(broken, kind))
    assert expected == outcome(lambda: native.decompress(broken, kind))


@given(st.integers(0, 2**31 - 1))
def test_the_kind_of_a_sys_flag_agrees(sys_flag: int) -> None:
    assert outcome(lambda: reference.kind_of(sys_flag)) == outcome(lambda: native.compression_kind(sys_flag))
