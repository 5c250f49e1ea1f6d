"""Every request creator: its code, its ext fields as written by hand, its body."""

from __future__ import annotations

import inspect
import json
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pyrocketmq.errors import InvalidMessageError, SerializationError
from pyrocketmq.model.enums import BoundaryType, RequestCode
from pyrocketmq.model.factory import RemotingRequestFactory
from pyrocketmq.model.headers import HEADERS
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.utils import validate_command

if TYPE_CHECKING:
    from collections.abc import Mapping

LONG_SEND = {
    "producerGroup": "g",
    "topic": "t",
    "defaultTopic": "TBW102",
    "defaultTopicQueueNums": "4",
    "queueId": "0",
    "sysFlag": "0",
    "bornTimestamp": "5",
    "flag": "0",
    "properties": "",
    "reconsumeTimes": "0",
    "unitMode": "false",
    "batch": "false",
}
LETTER_SEND = {
    "a": "g",
    "b": "t",
    "c": "TBW102",
    "d": "4",
    "e": "0",
    "f": "0",
    "g": "5",
    "h": "0",
    "i": "",
    "j": "0",
    "k": "false",
    "m": "false",
}
PULL = {
    "consumerGroup": "g",
    "topic": "t",
    "queueId": "1",
    "queueOffset": "2",
    "maxMsgNums": "3",
    "sysFlag": "4",
    "commitOffset": "0",
    "suspendTimeoutMillis": "0",
    "subscription": "*",
    "subVersion": "0",
    "expressionType": "TAG",
}
QUEUE = {"topic": "t", "queueId": "1"}
GROUP_QUEUE = {"consumerGroup": "g", **QUEUE}


class Case(NamedTuple):
    code: int
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = MappingProxyType({})
    ext_fields: dict[str, str] | None = None
    body: bytes | None = None


CASES: dict[str, Case] = {
    # Sending
    "send_message": Case(10, ("g", "t", b"x"), {"born_timestamp": 5}, LONG_SEND, b"x"),
    "send_message_v2": Case(
        310, ("g", "t", "x"), {"born_timestamp": 5, "broker_name": "b"}, {**LETTER_SEND, "n": "b"}, b"x"
    ),
    "send_batch_message": Case(
        320, ("g", "t", b"x"), {"born_timestamp": 5}, {**LETTER_SEND, "m": "true"}, b"x"
    ),
    "send_reply_message": Case(
        324,
        ("g", "t", b"x"),
        {"born_timestamp": 5, "properties": {"MSG_TYPE": "reply"}},
        {**LONG_SEND, "properties": "MSG_TYPE\x01reply\x02"},
        b"x",
    ),
    "send_reply_message_v2": Case(
        325,
        ("g", "t", b"x"),
        {"born_timestamp": 5, "properties": {"MSG_TYPE": "reply"}},
        {**LETTER_SEND, "i": "MSG_TYPE\x01reply\x02"},
        b"x",
    ),
    "consumer_send_msg_back": Case(
        36,
        ("g", 1, 2),
        {"origin_msg_id": "i", "origin_topic": "t", "max_reconsume_times": 16, "bname": "b"},
        {
            "offset": "1",
            "group": "g",
            "delayLevel": "2",
            "originMsgId": "i",
            "originTopic": "t",
            "unitMode": "false",
            "maxReconsumeTimes": "16",
            "bname": "b",
        },
    ),
    "end_transaction": Case(
        37,
        ("g", 1, 2, 8, "m", "x"),
        {"topic": "t"},
        {
            "topic": "t",
            "producerGroup": "g",
            "tranStateTableOffset": "1",
            "commitLogOffset": "2",
            "commitOrRollback": "8",
            "fromTransactionCheck": "false",
            "msgId": "m",
            "transactionId": "x",
        },
    ),
    "check_transaction_state": Case(
        39,
        (1, 2, b"m"),
        {"msg_id": "u", "transaction_id": "x", "offset_msg_id": "o", "topic": "half"},
        {
            "topic": "half",
            "tranStateTableOffset": "1",
            "commitLogOffset": "2",
            "msgId": "u",
            "transactionId": "x",
            "offsetMsgId": "o",
        },
        b"m",
    ),
    "recall_message": Case(
        370, ("t", "h", "g"), {}, {"producerGroup": "g", "topic": "t", "recallHandle": "h"}
    ),
    # Pulling
    "pull_message": Case(11, ("g", "t", 1, 2, 3), {}, PULL),
    "lite_pull_message": Case(361, ("g", "t", 1, 2, 3), {}, {**PULL, "sysFlag": "20"}),
    "query_consumer_offset": Case(
        14,
        ("g", "t", 1),
        {"set_zero_if_not_found": False, "bname": "b"},
        {**GROUP_QUEUE, "setZeroIfNotFound": "false", "bname": "b"},
    ),
    "update_consumer_offset": Case(15, ("g", "t", 1, 9), {}, {**GROUP_QUEUE, "commitOffset": "9"}),
    "get_max_offset": Case(30, ("t", 1), {"committed": True}, {**QUEUE, "committed": "true"}),
    "get_min_offset": Case(31, ("t", 1), {}, QUEUE),
    "search_offset": Case(
        29,
        ("t", 1, 7),
        {"boundary_type": BoundaryType.LOWER},
        {**QUEUE, "timestamp": "7", "boundaryType": "LOWER"},
    ),
    "get_earliest_msg_storetime": Case(32, ("t", 1), {}, QUEUE),
    "view_message": Case(33, (7,), {"topic": "t"}, {"topic": "t", "offset": "7"}),
    "query_message": Case(
        12,
        ("t", "k"),
        {"unique_key": True, "index_type": "U"},
        {
            "topic": "t",
            "key": "k",
            "maxNum": "32",
            "beginTimestamp": "0",
            "endTimestamp": "9223372036854775807",
            "indexType": "U",
            "_UNIQUE_KEY_QUERY": "true",
        },
    ),
    "query_consume_queue": Case(
        321,
        ("t", 1, 2, 3),
        {"consumer_group": "g"},
        {**QUEUE, "index": "2", "count": "3", "consumerGroup": "g"},
    ),
    "query_correction_offset": Case(
        308,
        ("t", "g"),
        {"filter_groups": "h"},
        {"filterGroups": "h", "compareGroup": "g", "topic": "t"},
    ),
    # Pop
    "pop_message": Case(
        200050,
        ("g", "t"),
        {"born_time": 5, "attempt_id": "a"},
        {
            "consumerGroup": "g",
            "topic": "t",
            "queueId": "-1",
            "maxMsgNums": "32",
            "invisibleTime": "60000",
            "pollTime": "15000",
            "bornTime": "5",
            "initMode": "1",
            "expType": "TAG",
            "exp": "*",
            "order": "false",
            "attemptId": "a",
        },
    ),
    "ack_message": Case(
        200051, ("g", "t", 1, "ck", 9), {}, {**GROUP_QUEUE, "extraInfo": "ck", "offset": "9"}
    ),
    "batch_ack_message": Case(200151, (b"{}",), {}, None, b"{}"),
    "change_invisible_time": Case(
        200053,
        ("g", "t", 1, "ck", 9),
        {"invisible_time": 1000, "suspend": False},
        {**GROUP_QUEUE, "extraInfo": "ck", "offset": "9", "invisibleTime": "1000", "suspend": "false"},
    ),
    "peek_message": Case(200052, ("g", "t", 1, 8), {}, {**GROUP_QUEUE, "maxMsgNums": "8"}),
    "notification": Case(
        200054,
        ("g", "t", 1),
        {"born_time": 5, "poll_time": 9},
        {**GROUP_QUEUE, "pollTime": "9", "bornTime": "5", "order": "false"},
    ),
    "polling_info": Case(200055, ("g", "t", 1), {}, GROUP_QUEUE),
    "query_assignment": Case(400, ("{}",), {}, None, b"{}"),
    "set_message_request_mode": Case(401, (b"{}",), {}, None, b"{}"),
    # Groups
    "heartbeat": Case(34, (b"{}",), {}, None, b"{}"),
    "unregister_client": Case(35, ("c",), {"consumer_group": "g"}, {"clientID": "c", "consumerGroup": "g"}),
    "get_consumer_list": Case(38, ("g",), {}, {"consumerGroup": "g"}),
    "lock_batch_mq": Case(41, ("g", "c", []), {"bname": "b"}, {"bname": "b"}),
    "unlock_batch_mq": Case(42, ("g", "c", []), {}, None),
    "check_client_config": Case(46, (b"{}",), {}, None, b"{}"),
    "get_consumer_running_info": Case(
        307, ("g", "c"), {}, {"consumerGroup": "g", "clientId": "c", "jstackEnable": "false"}
    ),
    "consume_message_directly": Case(
        309,
        ("g", "c"),
        {"msg_id": "m", "broker_name": "b", "topic": "t", "body": b"x"},
        {"consumerGroup": "g", "clientId": "c", "msgId": "m", "brokerName": "b", "topic": "t"},
        b"x",
    ),
    "get_consumer_connection_list": Case(203, ("g",), {}, {"consumerGroup": "g"}),
    "get_producer_connection_list": Case(204, ("g",), {}, {"producerGroup": "g"}),
    "get_consume_stats": Case(208, ("g", "t"), {}, {"consumerGroup": "g", "topic": "t"}),
    "query_topic_consume_by_who": Case(300, ("t",), {}, {"topic": "t"}),
    "query_topics_by_consumer": Case(343, ("g",), {}, {"group": "g"}),
    "query_subscription_by_consumer": Case(345, ("g", "t"), {}, {"group": "g", "topic": "t"}),
    "query_consume_time_span": Case(303, ("g", "t"), {}, {"topic": "t", "group": "g"}),
    "reset_offset": Case(
        222,
        ("g", "t"),
        {"queue_id": 1, "offset": 9},
        {"group": "g", "topic": "t", "queueId": "1", "offset": "9", "timestamp": "-1", "isForce": "true"},
    ),
    "get_consumer_status": Case(223, ("g", "t", "c"), {}, {"topic": "t", "group": "g", "clientAddr": "c"}),
    "clone_group_offset": Case(
        314, ("a", "b"), {"topic": "t"}, {"srcGroup": "a", "destGroup": "b", "topic": "t", "offline": "false"}
    ),
    "get_all_consumer_offset": Case(43),
    # Name server
    "get_route_info": Case(
        105,
        ("t",),
        {"accept_standard_json_only": True},
        {"topic": "t", "acceptStandardJsonOnly": "true"},
    ),
    "get_broker_cluster_info": Case(106),
    "get_all_topic_list": Case(206),
    "get_system_topic_list": Case(304),
    "get_topics_by_cluster": Case(224, ("c",), {}, {"cluster": "c"}),
    "delete_topic_in_namesrv": Case(216, ("t",), {"cluster_name": "c"}, {"topic": "t", "clusterName": "c"}),
    "put_kv_config": Case(100, ("n", "k", "v"), {}, {"namespace": "n", "key": "k", "value": "v"}),
    "get_kv_config": Case(101, ("n", "k"), {}, {"namespace": "n", "key": "k"}),
    "delete_kv_config": Case(102, ("n", "k"), {}, {"namespace": "n", "key": "k"}),
    "get_namesrv_config": Case(319),
    "update_namesrv_config": Case(318, ({"a": "1", "b": "2"},), {}, None, b"a=1\nb=2\n"),
    "get_unit_topic_list": Case(311),
    "get_has_unit_sub_topic_list": Case(312),
    "get_has_unit_sub_ununit_topic_list": Case(313),
    "get_kvlist_by_namespace": Case(219, ("n",), {}, {"namespace": "n"}),
    "wipe_write_perm_of_broker": Case(205, ("b",), {}, {"brokerName": "b"}),
    "add_write_perm_of_broker": Case(327, ("b",), {}, {"brokerName": "b"}),
    "get_broker_member_group": Case(901, ("c", "b"), {}, {"clusterName": "c", "brokerName": "b"}),
    # Administration
    "create_topic": Case(
        17,
        ("t", 4, 8),
        {"attributes": "+message.type=FIFO"},
        {
            "topic": "t",
            "defaultTopic": "TBW102",
            "readQueueNums": "4",
            "writeQueueNums": "8",
            "perm": "6",
            "topicFilterType": "SINGLE_TAG",
            "topicSysFlag": "0",
            "order": "false",
            "attributes": "+message.type=FIFO",
        },
    ),
    "create_topic_list": Case(18, (b"{}",), {}, None, b"{}"),
    "delete_topic": Case(215, ("t",), {}, {"topic": "t"}),
    "get_topic_config": Case(351, ("t",), {}, {"topic": "t"}),
    "get_all_topic_config": Case(21, (), {"max_topic_num": 9}, {"topicSeq": "0", "maxTopicNum": "9"}),
    "get_topic_stats_info": Case(202, ("t",), {}, {"topic": "t"}),
    "create_subscription_group": Case(200, (b"{}",), {}, None, b"{}"),
    "delete_subscription_group": Case(
        207, ("g",), {"clean_offset": True}, {"groupName": "g", "cleanOffset": "true"}
    ),
    "get_subscription_group_config": Case(352, ("g",), {}, {"group": "g"}),
    "get_all_subscription_group": Case(201, (), {}, {"groupSeq": "0"}),
    "create_subscription_group_list": Case(225, (b"{}",), {}, None, b"{}"),
    "get_system_topic_list_from_broker": Case(305),
    "get_broker_ha_status": Case(907),
    "get_all_delay_offset": Case(45),
    "get_timer_metrics": Case(61),
    "clean_expired_consume_queue": Case(306),
    "clean_unused_topic": Case(316),
    "delete_expired_commit_log": Case(329),
    "get_broker_consume_stats": Case(317, (), {"is_order": True}, {"isOrder": "true"}),
    "get_all_producer_info": Case(328),
    "update_group_forbidden": Case(
        353, ("g", "t"), {"readable": False}, {"group": "g", "topic": "t", "readable": "false"}
    ),
    "get_all_message_request_mode": Case(402),
    "get_broker_config": Case(26),
    "update_broker_config": Case(25, ({"a": "1", "b": "2"},), {}, None, b"a=1\nb=2\n"),
    "get_broker_runtime_info": Case(28),
    "view_broker_stats_data": Case(315, ("n", "k"), {}, {"statsName": "n", "statsKey": "k"}),
    "resume_check_half_message": Case(323, ("m",), {"topic": "t"}, {"topic": "t", "msgId": "m"}),
    # Users and access lists
    "auth_create_user": Case(3001, ("u", b"{}"), {}, {"username": "u"}, b"{}"),
    "auth_update_user": Case(3002, ("u", b"{}"), {}, {"username": "u"}, b"{}"),
    "auth_delete_user": Case(3003, ("u",), {}, {"username": "u"}),
    "auth_get_user": Case(3004, ("u",), {}, {"username": "u"}),
    "auth_list_user": Case(3005, ("u",), {}, {"filter": "u"}),
    "auth_create_acl": Case(3006, ("s", b"{}"), {}, {"subject": "s"}, b"{}"),
    "auth_update_acl": Case(3007, ("s", b"{}"), {}, {"subject": "s"}, b"{}"),
    "auth_delete_acl": Case(
        3008,
        ("s",),
        {"policy_type": "Custom", "resource": "r"},
        {"subject": "s", "policyType": "Custom", "resource": "r"},
    ),
    "auth_get_acl": Case(3009, ("s",), {}, {"subject": "s"}),
    "auth_list_acl": Case(3010, ("s", "r"), {}, {"subjectFilter": "s", "resourceFilter": "r"}),
}


def method_name(name: str) -> str:
    # Two creators create something themselves: create_create_topic_request.
    verb = "create_" if name in {"create_topic", "create_topic_list", "create_subscription_group"} else ""
    return f"create_{verb}{name.removeprefix('create_')}_request" if verb else f"create_{name}_request"


def creators() -> set[str]:
    return {name for name in dir(RemotingRequestFactory) if name.startswith("create_")}


def test_the_table_covers_every_creator() -> None:
    assert {method_name(name) for name in CASES} == creators()


@pytest.mark.parametrize("name", CASES)
def test_a_creator_makes_the_request_of_the_table(name: str) -> None:
    case = CASES[name]

    command = getattr(RemotingRequestFactory, method_name(name))(*case.args, **case.options)

    assert command.code == case.code
    assert (command.ext_fields or None) == case.ext_fields
    if case.body is not None:
        assert command.body == case.body
    assert command.is_request
    assert not command.is_oneway
    assert command.language == 3
    assert command.version >= 401
    assert validate_command(command)


def test_no_two_creators_send_the_same_code_and_none_sends_those_of_the_controller() -> None:
    codes = [case.code for case in CASES.values()]

    assert len(codes) == len(set(codes))
    assert not {1001, 1011} & set(codes)


def test_every_creator_is_static_documented_and_begins_with_the_name_of_its_request() -> None:
    for name, case in CASES.items():
        creator = inspect.getattr_static(RemotingRequestFactory, method_name(name))
        assert isinstance(creator, staticmethod)
        assert (creator.__doc__ or "").startswith(RequestCode(case.code).name)


def test_every_creator_gives_each_request_a_number_of_its_own() -> None:
    first = RemotingRequestFactory.create_get_all_topic_list_request()
    second = RemotingRequestFactory.create_get_all_topic_list_request()

    assert first.opaque != second.opaque


def test_tags_and_keys_become_message_properties() -> None:
    command = RemotingRequestFactory.create_send_message_request(
        "g", "t", b"x", 3, "red", ["k1", "k2"], properties={"colour": "r"}
    )

    assert command.ext_fields is not None
    assert command.ext_fields["properties"] == "TAGS\x01red\x02KEYS\x01k1 k2\x02colour\x01r\x02"
    assert command.ext_fields["queueId"] == "3"
    assert int(command.ext_fields["bornTimestamp"]) > 1_700_000_000_000


def test_a_finished_properties_text_is_sent_as_it_is() -> None:
    command = RemotingRequestFactory.create_send_message_v2_request("g", "t", b"x", properties="a\x01b\x02")
    assert command.ext_fields is not None
    assert command.ext_fields["i"] == "a\x01b\x02"

    with pytest.raises(InvalidMessageError, match="finished properties text"):
        RemotingRequestFactory.create_send_message_v2_request(
            "g", "t", b"x", tags="a", properties="b\x01c\x02"
        )


def test_a_property_given_twice_with_different_values_is_refused() -> None:
    with pytest.raises(InvalidMessageError, match="property TAGS is given twice"):
        RemotingRequestFactory.create_send_message_request("g", "t", b"x", tags="a", properties={"TAGS": "b"})


@pytest.mark.parametrize("body", [b"x", bytearray(b"x"), memoryview(b"x"), "x"])
def test_a_body_can_be_any_bytes_or_text(body: bytes | bytearray | memoryview | str) -> None:
    assert RemotingRequestFactory.create_send_message_request("g", "t", body).body == b"x"


def test_a_body_of_another_kind_is_refused() -> None:
    with pytest.raises(SerializationError, match="got dict"):
        RemotingRequestFactory.create_heartbeat_request({"clientID": "c"})  # type: ignore[arg-type]


def test_typed_bodies_are_encoded() -> None:
    command = RemotingRequestFactory.create_heartbeat_request(HeartbeatData(client_id="c@1"))

    assert json.loads(command.body or b"")["clientID"] == "c@1"


def test_a_heartbeat_without_arguments_is_that_of_a_client_without_groups() -> None:
    plain = json.loads(RemotingRequestFactory.create_heartbeat_request().body or b"")
    named = json.loads(RemotingRequestFactory.create_heartbeat_request(client_id="c").body or b"")

    assert str(os.getpid()) in plain["clientID"]
    assert plain["producerDataSet"] == plain["consumerDataSet"] == []
    assert named["clientID"] == "c"


def test_locks_list_their_queues_in_order_and_tell_a_replica_to_lock_alone() -> None:
    queues = {MessageQueue("t", "b", 1), MessageQueue("t", "b", 0)}

    master = json.loads(RemotingRequestFactory.create_lock_batch_mq_request("g", "c", queues).body or b"")
    replica = json.loads(
        RemotingRequestFactory.create_lock_batch_mq_request("g", "c", queues, retry_broker_id=1).body or b""
    )
    unlock = json.loads(RemotingRequestFactory.create_unlock_batch_mq_request("g", "c", queues).body or b"")

    assert [queue["queueId"] for queue in master["mqSet"]] == [0, 1]
    assert (master["consumerGroup"], master["clientId"], master["onlyThisBroker"]) == ("g", "c", False)
    assert replica["onlyThisBroker"] is True
    assert unlock["mqSet"] == master["mqSet"]


def test_a_pull_says_in_its_flag_what_its_other_fields_mean() -> None:
    def flag(**options: Any) -> str:
        command = RemotingRequestFactory.create_pull_message_request("g", "t", 0, 0, 32, **options)
        assert command.ext_fields is not None
        return command.ext_fields["sysFlag"]

    assert flag(subscription=None) == "0"
    assert flag(commit_offset=0) == "5"
    assert flag(suspend_timeout_millis=15_000) == "6"
    assert flag(sys_flag=2) == "2"


def test_an_open_transaction_can_say_why_in_its_remark() -> None:
    command = RemotingRequestFactory.create_end_transaction_request("g", 1, 2, 0, remark="listener failed")

    assert command.remark == "listener failed"
    assert command.ext_fields is not None
    assert command.ext_fields["msgId"] == ""
    assert "transactionId" not in command.ext_fields


@pytest.mark.parametrize(
    ("create", "args", "field"),
    [
        ("create_send_message_request", ("", "t", b"x"), "producer_group"),
        ("create_send_message_v2_request", ("g", "", b"x"), "topic"),
        ("create_pull_message_request", ("", "t", 0, 0, 1), "consumer_group"),
        ("create_query_topics_by_consumer_request", ("",), "group"),
    ],
)
def test_an_empty_topic_or_group_is_refused_by_name(create: str, args: tuple[Any, ...], field: str) -> None:
    with pytest.raises(SerializationError, match=f"{field} of .* is empty"):
        getattr(RemotingRequestFactory, create)(*args)


def test_a_wrong_argument_is_refused_with_the_name_on_the_wire() -> None:
    with pytest.raises(SerializationError, match=r"queue_id \(wire name queueId\) must be an int"):
        RemotingRequestFactory.create_get_max_offset_request("t", "1")  # type: ignore[arg-type]


def test_a_setting_with_a_line_break_is_refused() -> None:
    with pytest.raises(SerializationError, match="line break"):
        RemotingRequestFactory.create_update_broker_config_request({"a": "1\nb=2"})
    text = RemotingRequestFactory.create_update_broker_config_request("a=1\nb=2\n")
    assert text.body == b"a=1\nb=2\n"


def test_every_ext_field_of_the_table_is_declared_by_a_header() -> None:
    declared = {name for cls in HEADERS.values() for name in cls.ORDER} | {"_UNIQUE_KEY_QUERY"}

    for case in CASES.values():
        assert set(case.ext_fields or {}) <= declared
