"""JSON headers that no careful writer would write: odd kinds of values, quotes, blanks, repeats, damage."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from .codec.command import LANGUAGES
from .strategies import INT32, text

blanks = st.sampled_from(["", "", "", " ", "\n", "\t \r"])
numbers = st.one_of(
    INT32.map(str),
    st.sampled_from([
        "0", "-0", "1.0", "1.50", "1.", ".5", "01", "1e3", "-1E+2", "+1", "--1", "-", "2147483647",
        "2147483648", "-2147483648", "-2147483649", "21474836470", "-21474836480", "-21474836489",
        "99999999999999999999999", "-99999999999999999999999", "2147483647.000",
        "1.0000000000000000000000000", "NaN", "Infinity", "0x10",
    ]),
    st.integers().map(str),
)  # fmt: skip


@st.composite
def strings(draw: st.DrawFn, contents: st.SearchStrategy[str] = text) -> str:
    content = draw(contents)
    written = json.dumps(content, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 3)):
        return written
    inner = written[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


broken_strings = st.sampled_from([
    '"', "'", '"\\', '"\\u12"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\x41"', '"\\0"',
    '"\n"', '"\\/\\b\\f\\n\\r\\t"', '"a\'b"', "'a\"b'", "unquoted", '"\x7f"', '"\\uD83D\\u0041"', '"\\u0041"',
])  # fmt: skip
words = st.sampled_from(["null", "true", "false", "nul", "True", "undefined", ""])
languages = st.sampled_from(LANGUAGES).flatmap(
    lambda name: st.sampled_from([name, name.lower(), name.title(), name + "X"])
)
flat = numbers | strings() | broken_strings | words


def _listed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(inner, max_size=3).map(",".join)
    pairs = st.lists(st.tuples(strings(), inner).map(":".join), max_size=3).map(",".join)
    return items.map("[{}]".format) | pairs.map(lambda content: "{" + content + "}")


values = st.recursive(flat, _listed, max_leaves=6)
ext_objects = st.lists(st.tuples(strings(), blanks, values), max_size=4).map(
    lambda members: "{" + ",".join(f"{key}:{blank}{value}" for key, blank, value in members) + "}"
)

NUMBER_MEMBERS = ["code", "flag", "opaque", "version"]


@st.composite
def members(draw: st.DrawFn) -> str:
    name = draw(
        st.sampled_from([*NUMBER_MEMBERS, "language", "remark", "extFields", "serializeTypeCurrentRPC", "x"])
    )
    likely = {
        "language": strings(languages),
        "extFields": ext_objects,
        "remark": strings(),
    }.get(name, numbers | numbers.map('"{}"'.format))
    value = draw(likely if draw(st.integers(0, 3)) else values)
    key = draw(
        st.sampled_from([f'"{name}"', f'"{name}"', f"'{name}'", f'"\\u{ord(name[0]):04x}{name[1:]}"', name])
    )
    return f"{draw(blanks)}{key}{draw(blanks)}:{draw(blanks)}{value}{draw(blanks)}"


@st.composite
def odd_headers(draw: st.DrawFn) -> str:
    inside = ",".join(draw(st.lists(members(), max_size=6)))
    ending = draw(st.sampled_from(["}", "}", "}", "}", ",}", "} ", "}}", "", "}x", ",,}"]))
    start = draw(st.sampled_from(["{", "{", "{", "{", " {", "{,", "[", "", "null"]))
    return start + inside + ending
