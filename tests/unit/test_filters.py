"""Filters of subscriptions: what they take, what they refuse and how they say so.

The conditions in ``data/sql_conditions.json`` were decided by the filter of RocketMQ 5.5.0 itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyrocketmq._native.queuehash import tags_code
from pyrocketmq.errors import SubscriptionParseError
from pyrocketmq.server.filters import TagFilter, compile_filter, compile_sql
from pyrocketmq.server.filters.sql import MAX_DEPTH
from pyrocketmq.server.filters.tokens import MAX_LENGTH

RECORDED = json.loads((Path(__file__).parent / "data" / "sql_conditions.json").read_text("utf-8"))["cases"]


def decision(condition: str, properties: Mapping[str, str]) -> str:
    """What the filter makes of a condition, in the words of the recorded cases."""
    try:
        holds = compile_sql(condition)(properties)
    except SubscriptionParseError:
        return "refused"
    opposite = compile_sql(f"NOT ({condition})")(properties)
    # Unknown leaves the rest of a condition alone; values that cannot be compared spoil all of it.
    usable = compile_sql(f"({condition}) OR TRUE")(properties)
    return {(True, False): "true", (False, True): "false"}.get(
        (holds, opposite), "null" if usable else "raised"
    )


@pytest.mark.parametrize("result", ["true", "false", "null", "raised", "refused"])
def test_conditions_are_decided_as_by_rocketmq(result: str) -> None:
    cases: list[dict[str, Any]] = [case for case in RECORDED if case["result"] == result]

    assert len(cases) >= 80
    for case in cases:
        assert decision(case["expression"], case["properties"]) == result, case


@pytest.mark.parametrize(
    ("condition", "properties", "result"),
    [
        ("a > 5", {"a": "6"}, "true"),
        ("a > 5", {"a": "5"}, "false"),
        ("a > 5", {}, "null"),
        ("a > 5", {"a": "six"}, "raised"),
        ("a > 5", {"a": "5.5"}, "raised"),
        ("a > 5", {"a": "9999999999"}, "raised"),
        ("a > 5000000000", {"a": "9999999999"}, "true"),
        ("a >= 5.0", {"a": "5"}, "true"),
        ("a < 1e3", {"a": "999.9"}, "true"),
        ("a <= -3", {"a": "-3"}, "true"),
        ("a > 1.5", {"a": "NaN"}, "true"),
        ("a > b", {"a": "0.0", "b": "-0.0"}, "true"),
        ("a > b", {"a": "10", "b": "9"}, "true"),
        ("a BETWEEN 1 AND 3", {"a": "3"}, "true"),
        ("a BETWEEN 1 AND 3", {"a": "4"}, "false"),
        ("a NOT BETWEEN 1 AND 3", {"a": "4"}, "true"),
        ("a NOT BETWEEN 1 AND 3", {}, "null"),
        ("a between 1 and 3 and b = 'x'", {"a": "2", "b": "x"}, "true"),
        ("a = 'it''s'", {"a": "it's"}, "true"),
        ("a = '3'", {"a": "03"}, "false"),
        ("a = 3", {"a": "03"}, "true"),
        ("a <> 'x'", {"a": "y"}, "true"),
        ("a <> 'x'", {}, "null"),
        ("'x' <> a", {}, "true"),
        ("a = b", {}, "true"),
        ("a IN ('x', 'y')", {"a": "y"}, "true"),
        ("a NOT IN ('x', 'y')", {"a": "y"}, "false"),
        ("a NOT IN ('x', 'y')", {}, "null"),
        ("a CONTAINS 'b'", {"a": "abc"}, "true"),
        ("a NOT CONTAINS 'b'", {"a": "abc"}, "false"),
        ("a NOT CONTAINS 'b'", {}, "false"),
        ("a STARTSWITH 'ab'", {"a": "abc"}, "true"),
        ("a NOT STARTSWITH 'ab'", {"a": "xab"}, "true"),
        ("a ENDSWITH 'bc'", {"a": "abc"}, "true"),
        ("a NOT ENDSWITH 'bc'", {"a": "abc"}, "false"),
        ("a CONTAINS ''", {"a": "abc"}, "false"),
        ("a IS NULL", {}, "true"),
        ("a IS NOT NULL", {"a": ""}, "true"),
        ("a = TRUE", {"a": "True"}, "true"),
        ("a = TRUE", {"a": "yes"}, "false"),
        ("TRUE = a", {"a": "true"}, "raised"),
        ("TRUE", {}, "true"),
        ("FALSE OR NULL", {}, "null"),
        ("FALSE AND NULL", {}, "false"),
        ("NULL AND TRUE", {}, "null"),
        ("NULL OR TRUE", {}, "true"),
        ("NOT NULL", {}, "null"),
        ("a OR TRUE", {}, "true"),
        ("a", {"a": "true"}, "false"),
        ("NOT a = 'x'", {"a": "y"}, "raised"),
        ("NOT (a = 'x')", {"a": "y"}, "true"),
        ("a = 'x' OR b = 'y' AND c = 'z'", {"a": "x"}, "true"),
        ("(a = 'x' OR b = 'y') AND c = 'z'", {"a": "x"}, "null"),
        ("a > 1 -- why\n AND /* or ** not */ b = 1", {"a": "2", "b": "1"}, "true"),
        ("$a_1 = 5L", {"$a_1": "5"}, "true"),
        ("a = 0x", {"a": "0"}, "refused"),
    ],
)
def test_a_condition_holds_or_not(condition: str, properties: dict[str, str], result: str) -> None:
    assert decision(condition, properties) == result


@pytest.mark.parametrize(
    ("condition", "position", "says"),
    [
        ("", 1, "the condition is empty"),
        ("  \n", 4, "the condition is empty"),
        ("a >", 4, "expected a property, a number, a text in single quotes"),
        ("a > AND", 5, "found 'AND'"),
        ("a = 1 b", 7, "expected an operator, AND, OR or the end, found 'b'"),
        ("(a = 1", 7, r"expected '\)', found the end"),
        ("a = 1)", 6, r"found '\)'"),
        ("a IN ('x'", 10, r"expected ',' or '\)', found the end"),
        ("a IN (1)", 7, "expected a text in single quotes, found '1'"),
        ("a IN ()", 7, "expected a text in single quotes"),
        ("5 IN ('x')", 3, "only a property can be IN a list, and 5 is none"),
        ("a BETWEEN 1 OR 2", 13, "expected AND, found 'OR'"),
        ("a BETWEEN 3 AND 1", 3, "3 is above 1"),
        ("a NOT = 1", 7, "expected BETWEEN or IN or CONTAINS or STARTSWITH or ENDSWITH"),
        ("a CONTAINS b", 12, "expected a text in single quotes, found 'b'"),
        ("a IS 5", 6, "expected NULL, found '5'"),
        ("a = NULL", 3, "use IS NULL"),
        ("a > 'x'", 3, "'x' has no order"),
        ("a > TRUE", 3, "TRUE has no order"),
        ("a > 1 > 2", 7, "has no order"),
        ("TRUE = 1", 6, "TRUE cannot be compared with 1"),
        ("'x'", 1, "'x' is no condition"),
        ("TRUE AND 1", 10, "1 is no condition"),
        ("NOT 1", 1, "1 is no condition"),
        ('a = "x"', 5, "single quotes"),
        ("a = 'x", 5, "no closing quote"),
        ("a = 1 /* x", 7, "comment begins here and has no end"),
        ("a != 1", 3, "write <> for unequal"),
        ("a % 2 = 0", 3, "cannot calculate"),
        ("a && b", 3, "write AND and OR"),
        ("a ? b", 3, r"'\?' has no meaning here"),
        ("\u00e4 = 1", 1, "has no meaning here"),
        ("a = 007", 5, "may not begin with 0"),
        ("a = 9223372036854775808", 5, "over the largest whole number"),
        ("a = 1" + "0" * 5000, 5, "over the largest whole number"),
        ("a > 0.0", 5, "write 0 without a point"),
        ("a > 1e999", 5, "outside of the range"),
        ("a LIKE 'x'", 3, "found 'LIKE'"),
    ],
)
def test_a_faulty_condition_is_refused_at_the_place_of_its_fault(
    condition: str, position: int, says: str
) -> None:
    with pytest.raises(SubscriptionParseError, match=says) as caught:
        compile_sql(condition)

    assert caught.value.position == position
    assert caught.value.field == "expression"
    assert f"character {position}" in str(caught.value)


def test_the_text_around_the_fault_is_shown_without_the_rest() -> None:
    condition = "a = 1 AND " * 1000 + "b LIKE 'x'" + " AND a = 1" * 1000

    with pytest.raises(SubscriptionParseError) as caught:
        compile_sql(condition)

    assert "near 'a = 1 AND b LIKE 'x'" in str(caught.value).replace('"', "'")
    assert len(str(caught.value)) < 250


def test_the_length_of_a_condition_is_bounded() -> None:
    fits = "a = '" + "x" * (MAX_LENGTH - 6) + "'"

    assert not compile_sql(fits)({})
    with pytest.raises(SubscriptionParseError, match="65,537 characters, the limit is 65,536"):
        compile_sql(fits + " ")


@pytest.mark.parametrize("before", ["(", "NOT ", "- ", "+ "])
def test_the_depth_of_a_condition_is_bounded(before: str) -> None:
    def nested(depth: int) -> str:
        return before * depth + "a" + (")" * depth if before == "(" else "") + " IS NULL"

    compile_sql(nested(MAX_DEPTH - 4))
    for depth in (MAX_DEPTH + 1, 15_000):
        with pytest.raises(SubscriptionParseError, match="more than 32 levels"):
            compile_sql(nested(depth))


def test_a_chain_of_comparisons_is_as_deep_as_it_is_long() -> None:
    with pytest.raises(SubscriptionParseError, match="more than 32 levels"):
        compile_sql("a" + " IS NULL" * 5000)


def test_long_chains_of_and_and_or_and_long_lists_are_one_level() -> None:
    wide = " OR ".join(f"a = 'v{number}'" for number in range(3000))
    members = ", ".join(f"'v{number}'" for number in range(5000))

    assert compile_sql(wide)({"a": "v2999"})
    assert not compile_sql(wide.replace("OR", "AND"))({"a": "v2999"})
    assert compile_sql(f"a IN ({members})")({"a": "v4999"})


@pytest.mark.parametrize(
    ("expression", "taken", "left_out"),
    [
        ("*", ["new", None], []),
        (None, ["new", None], []),
        ("", ["new", None], []),
        ("new", ["new"], ["paid", None, "", "NEW"]),
        ("new || paid", ["new", "paid"], ["new || paid", "gone"]),
        ("new||paid|| ", ["new", "paid"], [" ", ""]),
    ],
)
def test_tags_are_taken_by_their_text(
    expression: str | None, taken: list[str | None], left_out: list[str | None]
) -> None:
    predicate = compile_filter("TAG", expression)

    for tag in taken:
        assert predicate({} if tag is None else {"TAGS": tag})
    for tag in left_out:
        assert not predicate({} if tag is None else {"TAGS": tag})


def test_the_code_of_a_tag_is_a_quick_check_that_may_let_others_through() -> None:
    # "Aa" and "BB" have one Java hash.
    tags = TagFilter.parse("Aa")

    assert tags.tags == {"Aa"}
    assert tags.matches_code(tags_code("Aa"))
    assert tags.matches_code(tags_code("BB"))
    assert not tags({"TAGS": "BB"})
    assert not tags.matches_code(0)
    assert TagFilter.parse("*").matches_code(0)


def test_tags_that_are_only_separators_are_refused() -> None:
    with pytest.raises(SubscriptionParseError, match="has no tag") as caught:
        compile_filter("TAG", "||")

    assert caught.value.advice
    assert caught.value.position is None


def test_the_expression_type_chooses_the_filter() -> None:
    assert isinstance(compile_filter(None, "new"), TagFilter)
    assert isinstance(compile_filter("", None), TagFilter)
    assert compile_filter("SQL92", "a = 1")({"a": "1"})
    with pytest.raises(SubscriptionParseError, match="the condition is empty"):
        compile_filter("SQL92", None)
    with pytest.raises(SubscriptionParseError, match="'sql92', not TAG or SQL92"):
        compile_filter("sql92", "a = 1")
