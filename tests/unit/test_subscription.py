"""Subscriptions from expressions."""

from __future__ import annotations

import pytest

from pyrocketmq.errors import InvalidMessageError
from pyrocketmq.model.producer_consumer import SubscriptionData


def test_a_condition_is_taken_as_it_is() -> None:
    data = SubscriptionData.build("T", "a > 5 || b", "SQL92", version=7)
    assert (data.sub_string, data.expression_type, data.sub_version) == ("a > 5 || b", "SQL92", 7)
    assert data.tags_set == []
    assert data.code_set == []


@pytest.mark.parametrize("expression", [None, ""])
def test_an_empty_condition_is_refused(expression: str | None) -> None:
    with pytest.raises(InvalidMessageError, match="SQL92 condition for topic 'T' is empty"):
        SubscriptionData.build("T", expression, "SQL92")


@pytest.mark.parametrize("expression", ["||", "||||"])
def test_an_expression_without_a_tag_is_refused(expression: str) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        SubscriptionData.build("T", expression)
    assert caught.value.field == "expression"


def test_blanks_around_a_tag_do_not_count_and_a_tag_counts_once() -> None:
    data = SubscriptionData.build("T", " a || b||a ")
    assert data.tags_set == ["a", "b"]
    assert data.code_set == [97, 98]


def test_only_the_blanks_of_java_are_taken_off() -> None:
    assert SubscriptionData.build("T", "\u3000a").tags_set == ["\u3000a"]


def test_tags_with_one_hash_give_one_code() -> None:
    assert SubscriptionData.build("T", "Aa||BB").code_set == [2112]
