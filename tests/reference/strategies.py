"""What hypothesis draws: text with and without odd characters, commands, messages, damaged bytes."""

from __future__ import annotations

import sys
import zlib

import lz4.frame  # type: ignore[import-untyped]
from hypothesis import strategies as st

from .codec.batches import BatchEntry, encode_batch
from .codec.command import LANGUAGES, Command
from .codec.stored import Host, StoredMessage

if sys.version_info >= (3, 14):
    from compression.zstd import compress as zstd_compress
else:
    from zstandard import compress as zstd_compress

INT16 = st.integers(-(2**15), 2**15 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)

# Lone surrogates are text that UTF-8 cannot carry.
any_character = st.characters(exclude_categories=())
wild_text = st.text(any_character, max_size=20)
plain_text = st.text(max_size=20)
spiced_text = st.text(
    st.sampled_from("\x00\x01\x02\x1f\"'\\/\b\n\x7f\u0080\u2028\ufeff\U0001f600ab: ,{}[]"), max_size=20
)
text = plain_text | spiced_text
bodies = st.binary(max_size=200)

ext_fields = st.dictionaries(text, text, max_size=6)


def commands(
    ext: st.SearchStrategy[dict[str, str]] | st.SearchStrategy[dict[str | None, str | None]],
    *,
    numbers: st.SearchStrategy[int] = INT16 | INT32,
    texts: st.SearchStrategy[str] = text,
) -> st.SearchStrategy[Command]:
    return st.builds(
        Command,
        code=numbers,
        language=st.integers(0, len(LANGUAGES) - 1) | st.none(),
        version=numbers,
        opaque=INT32,
        flag=INT32,
        remark=st.none() | texts,
        ext_fields=st.none() | ext,
        body=st.none() | bodies,
    )


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of ``whole`` with one thing wrong, or nothing."""
    data = bytearray(draw(whole))
    how = draw(st.sampled_from(["not", "flip", "cut", "insert", "grow", "lie"]))
    at = draw(st.integers(0, max(0, len(data) - 1)))
    if how == "flip" and data:
        data[at] ^= 1 << draw(st.integers(0, 7))
    elif how == "cut":
        del data[at:]
    elif how == "insert":
        data[at:at] = draw(st.binary(min_size=1, max_size=4))
    elif how == "grow":
        data += draw(st.binary(min_size=1, max_size=12))
    elif how == "lie" and len(data) >= at + 4:
        data[at : at + 4] = draw(INT32).to_bytes(4, "big", signed=True)
    return bytes(data)


hosts4 = st.builds(Host, st.binary(min_size=4, max_size=4), INT32)
hosts6 = st.builds(Host, st.binary(min_size=16, max_size=16), INT32)
property_text = st.text(st.characters(codec="utf-8", exclude_characters="\x01\x02"), min_size=1, max_size=12)
property_maps = st.dictionaries(
    property_text | st.sampled_from(["UNIQ_KEY", "TAGS", "KEYS"]), property_text, max_size=6
)


def properties_bytes(pairs: dict[str, str]) -> bytes:
    return "".join(f"{name}\x01{value}\x02" for name, value in pairs.items()).encode()


batch_entries = st.builds(
    BatchEntry, INT32, bodies, property_maps.map(lambda pairs: properties_bytes(pairs).decode())
)


PACKED_AS = {"zlib": 0x301, "lz4": 0x101, "zstd": 0x201}


def packed(body: bytes, kind: str) -> bytes:
    if kind == "zlib":
        return zlib.compress(body)
    made: bytes = lz4.frame.compress(body) if kind == "lz4" else zstd_compress(body)
    return made


@st.composite
def stored_messages(draw: st.DrawFn) -> StoredMessage:
    """A record of any sysFlag, its body packed as the flag says (or damaged), or a batch of messages."""
    sys_flag = draw(st.sampled_from([0, 2, 4, 8, 12, 0x40, 0x80])) | draw(
        st.sampled_from([0, 0x10, 0x20, 0x30])
    )
    body = draw(bodies)
    if draw(st.integers(0, 3)) == 0:
        sys_flag |= 0xC0
        body = draw(damaged(st.lists(batch_entries, min_size=1, max_size=3).map(encode_batch)))
    if draw(st.integers(0, 3)) == 0:
        kind = draw(st.sampled_from(sorted(PACKED_AS)))
        sys_flag |= draw(st.sampled_from([PACKED_AS[kind], PACKED_AS[kind], PACKED_AS[kind], 0x1, 0x401]))
        body = draw(damaged(st.just(packed(body, kind))))
    topic = draw(
        st.text(st.characters(codec="ascii"), max_size=20) | st.text("ab%", min_size=120, max_size=260)
    )
    return StoredMessage(
        store_size=0,
        body_crc=draw(INT32),
        queue_id=draw(INT32),
        flag=draw(INT32),
        queue_offset=draw(INT64),
        commit_log_offset=draw(INT64),
        raw_sys_flag=sys_flag,
        born_timestamp=draw(INT64),
        born_host=draw(hosts6 if sys_flag & 0x10 else hosts4),
        store_timestamp=draw(INT64),
        store_host=draw(hosts6 if sys_flag & 0x20 else hosts4),
        reconsume_times=draw(INT32),
        prepared_transaction_offset=draw(INT64),
        stored_body=body,
        raw_topic=topic.encode(),
        raw_properties=draw(
            property_maps.map(properties_bytes) | damaged(property_maps.map(properties_bytes))
        ),
    )
