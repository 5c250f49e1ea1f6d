"""What is signed: native and reference put the same bytes together, and refuse the same fields."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native import signing
from tests.properties import FEWER_EXAMPLES

from .agreement import outcome
from .codec.signing import signed_content
from .strategies import bodies, text, wild_text

names = (
    text
    | wild_text
    | st.sampled_from(["Signature", "_UNIQUE_KEY_QUERY", "AccessKey", "\ufb01", "\U0001f600"])
)


@FEWER_EXAMPLES
@given(
    st.dictionaries(names, text | wild_text, max_size=8),
    st.none() | bodies,
    st.sampled_from([0, 399, 400, 513]),
)
def test_signed_contents_agree(fields: dict[str, str], body: bytes | None, version: int) -> None:
    native = outcome(lambda: signing.signed_content(fields, body, version))

    assert outcome(lambda: signed_content(fields, body, version)) == native
