"""SQL92 conditions: compiled and slow twin decide alike, and garbage is read or refused."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq.errors import SubscriptionParseError
from pyrocketmq.server.filters import compile_filter, compile_sql
from tests.properties import FEWER_EXAMPLES

from . import conditions as slow

NAMES = ["a", "b", "Cost", "$d", "_e1"]
short = st.text(st.sampled_from("ab'1 \n\u00e9\U0001f600"), max_size=4)
number_texts = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "+7",
        "07",
        "1.5",
        "-2.",
        ".5",
        "1e2",
        " 3 ",
        "2147483648",
        "9223372036854775807",
        "1.0e-3",
    ]
) | st.integers(-(2**64), 2**64).map(str)
values = short | number_texts | st.sampled_from(["true", "TRUE", "false", "x"])
messages = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)

names = st.sampled_from(NAMES).map(slow.Name)
texts = short.map(lambda text: slow.Constant(slow.quoted(text), ("text", text)))
wholes = (st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-9, 9)).map(
    lambda number: slow.Constant(str(number), ("int" if -(2**31) < number < 2**31 else "long", number))
)
doubles = (st.floats(1e-300, 1e300) | st.sampled_from([0.5, 1.5, 100.0])).map(
    lambda number: slow.Constant(repr(number), ("double", number))
)
truths = st.sampled_from(
    [slow.Constant("TRUE", ("boolean", True)), slow.Constant("false", ("boolean", False))]
)
null = st.just(slow.Constant("NULL", None))
ordered = names | wholes | doubles
leaves = st.one_of(
    st.builds(slow.Comparison, ordered, st.sampled_from([">", ">=", "<", "<="]), ordered),
    st.builds(
        slow.Comparison, names, st.sampled_from(["=", "<>"]), names | texts | wholes | doubles | truths
    ),
    st.builds(
        slow.Comparison,
        names | texts | wholes | doubles,
        st.sampled_from(["=", "<>"]),
        names | texts | wholes,
    ),
    st.builds(slow.Between, names, st.just(slow.Constant("-3", ("int", -3))), wholes, st.booleans()),
    st.builds(slow.Membership, names, st.lists(short, min_size=1, max_size=6).map(tuple), st.booleans()),
    st.builds(
        slow.TextTest, names, st.sampled_from(["CONTAINS", "STARTSWITH", "ENDSWITH"]), short, st.booleans()
    ),
    st.builds(slow.NullTest, names, st.booleans()),
    truths,
    null,
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(slow.Not, inner),
        st.builds(slow.NullTest, inner, st.booleans()),
        st.builds(
            slow.Logic, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=4).map(tuple)
        ),
    ),
    max_leaves=8,
)
pieces = st.sampled_from(
    [
        *("a", "b", "NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS"),
        *("CONTAINS", "STARTSWITH", "ENDSWITH", "=", "<>", ">", ">=", "<", "<=", "(", ")", ",", "+", "-"),
        *("'", "''", "'x'", "5", "5L", "1.5", ".5", "5.", "1e9", "1e999", "007", "--", "/*", "*/"),
        *("\n", "#", "!", "\u00e9", "\x00"),
    ]
)


@FEWER_EXAMPLES
@given(conditions, messages)
def test_a_condition_is_decided_like_its_slow_twin(
    condition: slow.Condition, properties: dict[str, str]
) -> None:
    try:
        found = condition.value(properties)
    except slow.Spoilt:
        found = None

    assert compile_sql(condition.text())(properties) is (found == ("boolean", True))


@FEWER_EXAMPLES
@given(st.lists(pieces, max_size=12), messages)
def test_words_in_any_order_are_decided_or_refused(words: list[str], properties: dict[str, str]) -> None:
    with suppress(SubscriptionParseError):
        assert compile_sql(" ".join(words))(properties) in (True, False)


@FEWER_EXAMPLES
@given(st.text(max_size=30) | st.none(), st.sampled_from(["TAG", "SQL92", None, "", "tag"]), messages)
def test_garbage_is_decided_or_refused(
    text: str | None, kind: str | None, properties: dict[str, str]
) -> None:
    with suppress(SubscriptionParseError):
        assert compile_filter(kind, text)(properties) in (True, False)
