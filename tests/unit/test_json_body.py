"""JSON bodies: defaults, refusals that name the member, and text that other clients write."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.auth_data import UserInfo
from pyrocketmq.model.client_data import (
    CheckClientRequestBody,
    ConsumerRunningInfo,
    ProcessQueueInfo,
)
from pyrocketmq.model.group_data import SubscriptionGroupConfig
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.producer_consumer import ConsumerData, ProducerData, SubscriptionData
from pyrocketmq.model.result_data import (
    ConsumerOffsetSerializeWrapper,
    DataVersion,
    LockBatchRequestBody,
    OffsetResult,
    ResetOffsetBody,
)
from pyrocketmq.model.topic_data import ConsumeStats, TopicConfig, TopicList
from tests.properties import FEWER_EXAMPLES

QUEUE = MessageQueue("T", "b", 3)


class Node(JsonBody):
    """A body that nests itself, as none of the protocol does."""

    left: Node | None = None
    number: float | None = None


def test_members_of_an_old_or_a_new_release_do_no_harm() -> None:
    old = LockBatchRequestBody.decode('{"clientId":"c","consumerGroup":"g","mqSet":[]}')
    new = LockBatchRequestBody.decode('{"clientId":"c","consumerGroup":"g","mqSet":null,"future":{"a":[1]}}')
    assert old == new == LockBatchRequestBody("g", "c", [], only_this_broker=False)


def test_none_is_left_out_when_writing() -> None:
    assert TopicList(["a"]).encode() == b'{"topicList":["a"]}'


def test_whole_objects_are_written_as_keys() -> None:
    info = ConsumerRunningInfo(mq_table={QUEUE: ProcessQueueInfo(commit_offset=5)})
    text = info.encode().decode()
    assert '"mqTable":{{"brokerName":"b","queueId":3,"topic":"T"}:{"commitOffset":5,' in text
    assert ConsumerRunningInfo.decode(text) == info


def test_integer_keys_are_read_with_and_without_quotes() -> None:
    body = ConsumerOffsetSerializeWrapper({"T@g": {0: 5}}, DataVersion(1, 2, 3))
    assert b'"T@g":{"0":5}' in body.encode()
    assert b'"T@g":{0:5}' in body.encode(raw_integer_keys=True)
    assert ConsumerOffsetSerializeWrapper.decode(body.encode()) == body
    assert ConsumerOffsetSerializeWrapper.decode(body.encode(raw_integer_keys=True)) == body


def test_numbers_and_truth_values_may_be_text_as_go_writes_them() -> None:
    data = SubscriptionData.decode('{"topic":"T","codeSet":["65",66.0],"classFilterMode":"true"}')
    assert data.code_set == [65, 66]
    assert data.class_filter_mode is True


def test_text_may_be_a_number_or_a_truth_value() -> None:
    assert TopicConfig.decode('{"attributes":{"a":1,"b":true,"c":false}}').attributes == {
        "a": "1",
        "b": "true",
        "c": "false",
    }


@pytest.mark.parametrize(
    ("cls", "text", "field", "what"),
    [
        (HeartbeatData, "{}", "clientID", "HeartbeatData.clientID is missing"),
        (HeartbeatData, '{"clientID":null}', "clientID", "is missing"),
        (HeartbeatData, '{"clientID":["x"]}', "clientID", "must be text, got a list of 1"),
        (
            HeartbeatData,
            '{"clientID":"c","consumerDataSet":[{"groupName":"g"},{}]}',
            "consumerDataSet[1].groupName",
            "HeartbeatData.consumerDataSet[1].groupName is missing",
        ),
        (TopicList, '{"topicList":{}}', "topicList", "must be a list, got an object of 0 members"),
        (TopicList, '{"topicList":"x"}', "topicList", "must be a list, got 'x'"),
        (TopicList, "[]", None, "TopicList must be an object, got a list of 0"),
        (TopicList, "null", None, "TopicList must be an object, got None"),
        (TopicConfig, '{"perm":"x"}', "perm", "must be an integer, got 'x'"),
        (TopicConfig, '{"perm":true}', "perm", "must be an integer, got True"),
        (TopicConfig, '{"perm":1.5}', "perm", "must be an integer, got 1.5"),
        (TopicConfig, '{"perm":1e300}', "perm", "must be an integer of 64 bits"),
        (TopicConfig, '{"perm":"' + "9" * 5000 + '"}', "perm", "(5,002 characters)"),
        (TopicConfig, '{"perm":"\u0661"}', "perm", "must be an integer"),
        (TopicConfig, '{"order":1}', "order", "must be true or false, got 1"),
        (TopicConfig, '{"attributes":[]}', "attributes", "must be an object"),
        (TopicConfig, '{"attributes":{"a":[]}}', "attributes['a']", "must be text, got a list of 0"),
        (Node, '{"left":{"left":{"number":"x"}}}', "left.left.number", "must be a number, got 'x'"),
        (LockBatchRequestBody, '{"mqSet":[1]}', "mqSet[0]", "must be a message queue, got 1"),
        (LockBatchRequestBody, '{"mqSet":[{"topic":"T"}]}', "mqSet[0]", "is no message queue"),
        (ResetOffsetBody, '{"offsetTable":{{"topic":"T"}:5}}', None, "is no message queue"),
        (ResetOffsetBody, '{"offsetTable":{"k":5}}', "offsetTable['k']", "must be a message queue, got 'k'"),
        (ConsumeStats, '{"consumeTps":"1"}', "consumeTps", "must be a number"),
        (CheckClientRequestBody, '{"subscriptionData":5}', "subscriptionData", "must be an object, got 5"),
    ],
)
def test_a_refusal_names_the_member(cls: type[JsonBody], text: str, field: str | None, what: str) -> None:
    with pytest.raises(DeserializationError) as caught:
        cls.decode(text)
    assert what in caught.value.what
    if field is not None:
        assert caught.value.field == field


@pytest.mark.parametrize("data", [None, b"", ""])
def test_no_body_is_refused_by_name(data: bytes | str | None) -> None:
    with pytest.raises(DeserializationError, match="no body where TopicList was expected"):
        TopicList.decode(data)


def test_a_list_of_bodies_is_read() -> None:
    assert UserInfo.decode_list(b'[{"username":"a"},{"username":"b"}]') == [UserInfo("a"), UserInfo("b")]
    assert UserInfo.decode_list(None) == UserInfo.decode_list(b"") == []
    with pytest.raises(DeserializationError, match=r"list of UserInfo\[1\] must be an object"):
        UserInfo.decode_list(b"[{},5]")


def test_passwords_are_not_shown() -> None:
    assert "s3cret" not in repr(UserInfo("a", "s3cret"))
    assert b"s3cret" in UserInfo("a", "s3cret").encode()


def test_a_lone_surrogate_cannot_be_written() -> None:
    with pytest.raises(SerializationError):
        TopicList(["\ud800"]).encode()


def test_bodies_are_copied_and_pickled() -> None:
    body = ResetOffsetBody({QUEUE: 5})
    assert copy.deepcopy(body) == pickle.loads(pickle.dumps(body)) == body


def test_an_offset_is_read_from_ext_fields() -> None:
    assert OffsetResult.from_value({"offset": "-1"}).offset == -1
    with pytest.raises(DeserializationError, match=r"OffsetResult.offset is missing"):
        OffsetResult.from_value({})


def test_groups_have_the_defaults_of_the_broker() -> None:
    config = SubscriptionGroupConfig.decode('{"groupName":"g"}')
    assert config == SubscriptionGroupConfig("g")
    assert (config.retry_max_times, config.consume_timeout_minute) == (16, 15)


def test_a_field_without_a_json_form_is_a_mistake_of_the_program() -> None:
    class Odd(JsonBody):
        field: bytes

    with pytest.raises(TypeError, match="no JSON form for fields of type"):
        Odd.decode('{"field":"x"}')


def heartbeat(**changes: Any) -> HeartbeatData:
    subscription = SubscriptionData.build("T", "a||b", version=changes.pop("version", 1))
    consumer = ConsumerData(changes.pop("group", "g"), subscription_data_set=[subscription])
    values: dict[str, Any] = {"client_id": "c", "consumer_data_set": [consumer], **changes}
    return HeartbeatData(**values)


def test_a_fingerprint_changes_with_the_groups_and_not_with_the_client() -> None:
    one = heartbeat().fingerprint()
    assert (
        heartbeat(client_id="other", version=2, heartbeat_fingerprint=7, without_sub=True).fingerprint()
        == one
    )
    assert heartbeat(group="other").fingerprint() != one
    assert heartbeat(producer_data_set=[ProducerData("p")]).fingerprint() != one


@FEWER_EXAMPLES
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda item: (
            st.lists(item, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["clientID", "consumerDataSet", "groupName", "subscriptionDataSet", "topic", "x"]
                ),
                item,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_value_is_a_body_or_refused(value: object) -> None:
    try:
        body = HeartbeatData.from_value(value)
    except DeserializationError:
        return
    assert HeartbeatData.from_value(body.to_value()) == body
