"""Names derived from names, and recall handles."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from pyrocketmq.errors import ConfigurationError, DeserializationError, SerializationError
from pyrocketmq.model.names import (
    dlq_topic,
    is_pop_retry_topic_v2,
    is_system_group,
    is_system_topic,
    namespace_of,
    pop_retry_topic_v1,
    pop_retry_topic_v2,
    reply_topic,
    retry_topic,
    unwrap_namespace,
    vip_address,
    wrap_namespace,
)
from pyrocketmq.model.recall import RecallHandle


def test_a_wrapped_name_is_not_wrapped_again() -> None:
    assert wrap_namespace("ns", wrap_namespace("ns", "%RETRY%g")) == "%RETRY%ns%g"


def test_names_of_another_namespace_are_left_alone() -> None:
    assert unwrap_namespace("ns", "other%topic") == "other%topic"
    assert unwrap_namespace("ns", "topic") == "topic"
    assert unwrap_namespace("", "ns%topic") == "ns%topic"


def test_a_name_that_starts_with_a_percent_sign_has_no_namespace() -> None:
    assert namespace_of("%topic") == ""
    assert namespace_of("%DLQ%ns%g") == "ns"


def test_system_names_are_known() -> None:
    assert is_system_topic("TBW102")
    assert is_system_topic("rmq_sys_TRACE_DATA_x")
    assert not is_system_topic("orders")
    assert is_system_group("CID_RMQ_SYS_TRANS")
    assert not is_system_group("TOOLS_CONSUMER")


def test_derived_topics_have_the_names_of_the_servers() -> None:
    assert retry_topic("g") == "%RETRY%g"
    assert dlq_topic("g") == "%DLQ%g"
    assert reply_topic("DefaultCluster") == "DefaultCluster_REPLY_TOPIC"
    assert not is_pop_retry_topic_v2(pop_retry_topic_v1("g", "t"))
    assert is_pop_retry_topic_v2(pop_retry_topic_v2("g", "t"))


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "", ":10911", "h:", "h:2", "h:x", "h:65536", "h:\u0661\u0662", "h:" + "9" * 5000]
)
def test_an_address_without_a_usable_port_has_no_vip_address(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        vip_address(address)
    assert caught.value.field == "address"


HANDLE = RecallHandle("orders", "broker-a", "1718000000000", "7F0000010001")


def test_a_recall_handle_survives_the_way() -> None:
    assert RecallHandle.decode(HANDLE.encode()) == HANDLE


def test_a_recall_handle_is_fit_for_urls() -> None:
    handle = RecallHandle("??>>~~", "\u07ff\u07ff", "1", "id")
    encoded_handle = handle.encode()
    assert "+" not in encoded_handle
    assert "/" not in encoded_handle
    assert {"-", "_"} & set(encoded_handle)
    assert RecallHandle.decode(encoded_handle) == handle


@pytest.mark.parametrize("part", ["", "a b"])
def test_a_part_that_would_shift_the_others_is_refused(part: str) -> None:
    with pytest.raises(SerializationError) as caught:
        RecallHandle("orders", part, "1", "id").encode()
    assert caught.value.field == "broker_name"


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "handle",
    [
        "",
        "!",
        "\u4e3b",
        "djEgb3JkZXJz\n",
        HANDLE.encode()[:-1],
        encoded("v1 a b c"),
        encoded("v1 a b c d e"),
        encoded("v2 a b c d"),
        encoded("v1 a  c d"),
        urlsafe_b64encode(b"v1 a b c \xff").decode(),
        "A" * 5000,
    ],
)
def test_what_is_no_recall_handle_is_refused(handle: str) -> None:
    with pytest.raises(DeserializationError) as caught:
        RecallHandle.decode(handle)
    assert caught.value.field == "recallHandle"
