"""Rules that all clients share: names, subscriptions, allocation, signatures, pop strings, traces."""

from __future__ import annotations

from pyrocketmq.model.acl import AclCredentials, sign, signed_content
from pyrocketmq.model.allocate import (
    AllocateStrategy,
    ByMachineRoom,
    ConsistentHash,
    NearbyMachineRoom,
    allocate_average,
    allocate_average_by_circle,
    sort_client_ids,
)
from pyrocketmq.model.flags import build_pull_sys_flag
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.names import (
    dlq_topic,
    namespace_of,
    pop_retry_topic_v1,
    pop_retry_topic_v2,
    reply_topic,
    retry_topic,
    unwrap_namespace,
    vip_address,
    wrap_namespace,
)
from pyrocketmq.model.pop import (
    BatchAck,
    PopReceipt,
    decode_bits,
    encode_bits,
    parse_msg_offset_info,
    parse_order_count_info,
    parse_start_offset_info,
    retry_mark,
)
from pyrocketmq.model.producer_consumer import SubscriptionData
from pyrocketmq.model.recall import RecallHandle
from pyrocketmq.model.trace import TraceBean, TraceContext, decode_traces, encode_trace

from .loader import Case, body_of, cases


@cases("names", only="wrapped")
def test_namespaces_are_put_on_and_taken_off(case: Case) -> None:
    wrapped = wrap_namespace(case["namespace"], case["resource"])
    assert wrapped == case["wrapped"]
    assert unwrap_namespace(case["namespace"], wrapped) == case["unwrapped"]
    assert namespace_of(wrapped) == case["namespace_of"]


@cases("names", only="retry")
def test_topics_are_derived_from_a_group(case: Case) -> None:
    group = case["group"]
    assert retry_topic(group) == case["retry"]
    assert dlq_topic(group) == case["dlq"]
    assert reply_topic(group) == case["reply"]
    assert pop_retry_topic_v1(group, "T") == case["pop_retry_v1"]
    assert pop_retry_topic_v2(group, "T") == case["pop_retry_v2"]


@cases("names", only="vip_on")
def test_the_vip_address_is_two_ports_below(case: Case) -> None:
    assert vip_address(case["address"]) == case["vip_on"]
    assert case["address"] == case["vip_off"]


@cases("pull_sysflag")
def test_pull_flags_are_put_together(case: Case) -> None:
    flag = build_pull_sys_flag(
        commit_offset=case["commitOffset"],
        suspend=case["suspend"],
        subscription=case["subscription"],
        class_filter=case["classFilter"],
        lite_pull=case["litePull"],
    )
    assert flag == case["sysFlag"]


@cases("recall_handle")
def test_recall_handles_are_read_and_written(case: Case) -> None:
    handle = RecallHandle(case["topic"], case["brokerName"], case["timestamp"], case["messageId"])
    assert handle.encode() == case["handle"]
    assert RecallHandle.decode(case["handle"]) == handle


@cases("acl_signature")
def test_requests_are_signed_as_java_signs_them(case: Case) -> None:
    credentials = AclCredentials(case["access_key"], case["secret_key"], case["security_token"])
    before, body = case["extFields_before"], body_of(case)
    added = sign(before, body, credentials)
    assert added["Signature"] == case["signature"]
    assert {**before, **added} == case["extFields_after"]
    assert signed_content(case["extFields_after"], body).hex() == case["signed_bytes_hex"]


def strategy_of(case: Case) -> AllocateStrategy:
    name = case["strategy"]
    nearby, _, within = name.partition("-")
    if nearby == "MACHINE_ROOM_NEARBY":
        return NearbyMachineRoom(strategy_of({**case, "strategy": within}))
    if name == "MACHINE_ROOM":
        return ByMachineRoom(case["allowed_rooms"])
    if name == "CONSISTENT_HASH":
        return ConsistentHash(case.get("virtual_nodes", 10))
    return {"AVG": allocate_average, "AVG_BY_CIRCLE": allocate_average_by_circle}[name]


@cases("allocate")
def test_queues_are_divided_as_java_divides_them(case: Case) -> None:
    queues = [MessageQueue(case["topic"], broker, number) for broker, number in case["queues"]]
    strategy = strategy_of(case)
    assert sort_client_ids(case["consumers"]) == case["consumers"]
    assert sorted(queues) == queues
    for consumer in case["consumers"]:
        mine = strategy(consumer, queues, case["consumers"])
        assert [[queue.broker_name, queue.queue_id] for queue in mine] == case["result"].get(consumer, [])


@cases("pop")
def test_pop_strings_are_read_and_written(case: Case) -> None:
    {"extra_info": check_receipt, "response_info": check_answer, "batch_ack": check_ack}[case["type"]](case)


def check_receipt(case: Case) -> None:
    receipt = PopReceipt(
        case["ckQueueOffset"],
        case["popTime"],
        case["invisibleTime"],
        case["reviveQid"],
        retry_mark(case["topic"]),
        case["brokerName"],
        case["queueId"],
        case.get("msgQueueOffset"),
    )
    assert receipt.encode() == case["encoded"]
    assert PopReceipt.decode(case["encoded"]) == receipt
    assert receipt.is_order == case["is_order"]
    # The vectors ask for the real topic of topic T1 and group g.
    assert receipt.real_topic("T1", "g") == case["real_topic"]


def check_answer(case: Case) -> None:
    assert parse_start_offset_info(case["startOffsetInfo"]) == case["startOffsetMap"]
    assert parse_msg_offset_info(case["msgOffsetInfo"]) == case["msgOffsetMap"]
    assert parse_order_count_info(case["orderCountInfo"]) == case["orderCountMap"]


def check_ack(case: Case) -> None:
    ack = BatchAck.decode(case["java_text"])
    assert ack.to_value() == case["parsed"]
    assert BatchAck.decode(ack.encode()) == ack
    assert ack.bits == encode_bits(case["bits"])
    assert decode_bits(case["parsed"]["b"]) == case["bits"]
    assert ack.offsets == [case["parsed"]["so"] + bit for bit in case["bits"]]
    assert sum(1 << bit for bit in case["bits"]) == int.from_bytes(
        bytes.fromhex(case["bitset_hex"]), "little"
    )


@cases("tag", only="expression")
def test_tag_expressions_become_subscriptions(case: Case) -> None:
    try:
        subscription = SubscriptionData.build("T", case["expression"])
    except ValueError:
        assert case.get("error")
        return
    assert not case.get("error")
    assert subscription.sub_string == case["subString"]
    assert sorted(subscription.tags_set) == sorted(case["tagsSet"])
    assert sorted(subscription.code_set) == sorted(case["codeSet"])
    assert subscription.expression_type == case["expressionType"]


def context_of(case: Case) -> TraceContext:
    given = case["context"]
    beans = [
        TraceBean(
            topic=bean["topic"],
            msg_id=bean["msgId"],
            tags=bean["tags"],
            keys=bean["keys"],
            store_host=bean["storeHost"],
            body_length=bean["bodyLength"],
            msg_type=bean["msgTypeOrdinal"],
            offset_msg_id=bean["offsetMsgId"],
            retry_times=bean["retryTimes"],
            transaction_id=bean["transactionId"],
            transaction_state=bean["transactionState"],
            from_transaction_check=bean["fromTransactionCheck"],
        )
        for bean in given["beans"]
    ]
    return TraceContext(
        trace_type=given["traceType"],
        beans=beans,
        timestamp=given["timeStamp"],
        region_id=given["regionId"],
        group_name=given["groupName"],
        cost_time=given["costTime"],
        success=given["success"],
        request_id=given["requestId"],
        context_code=given["contextCode"],
        cloud=given["accessChannel"] == "CLOUD",
    )


@cases("trace")
def test_traces_are_written_as_java_does_and_read_again(case: Case) -> None:
    encoded, keys = encode_trace(context_of(case))
    assert encoded == case["encoded"]
    assert sorted(keys) == sorted([key for key in case["keys"] if key is not None])
    again = "".join([encode_trace(context)[0] for context in decode_traces(encoded)])
    assert again == case["encoded"]
