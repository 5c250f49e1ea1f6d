"""JSON bodies: what Java wrote is read and written again."""

from __future__ import annotations

import json
from typing import Any

import pyrocketmq.model.auth_data
import pyrocketmq.model.client_data
import pyrocketmq.model.group_data
import pyrocketmq.model.heart_beat
import pyrocketmq.model.pop
import pyrocketmq.model.producer_consumer
import pyrocketmq.model.result_data
import pyrocketmq.model.route
import pyrocketmq.model.topic_data  # noqa: F401 - the classes are found through their base
from pyrocketmq.model import json_text
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.json_text import KeyedMap
from pyrocketmq.model.route import TopicRouteData

from .loader import DEFAULT_FOLDER, Case, cases, load


def body_classes() -> dict[str, type[JsonBody]]:
    return {cls.__name__: cls for cls in JsonBody.__subclasses__()}


def as_vector(value: Any) -> Any:
    """Our JSON values in the form of the vectors."""
    if isinstance(value, KeyedMap) and not value.pairs:
        return {}  # nobody can tell what its keys would have been
    if isinstance(value, KeyedMap):
        return {"@map": [[as_vector(key), as_vector(item)] for key, item in value]}
    if isinstance(value, dict):
        return {name: as_vector(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_vector(item) for item in value]
    return value


def without_quotes(value: Any) -> Any:
    """A map with integer keys as it looks when the keys are quoted."""
    if isinstance(value, dict) and "@map" in value:
        pairs = value["@map"]
        if all(isinstance(key, int) for key, _ in pairs):
            return {str(key): without_quotes(item) for key, item in pairs}
        return {"@map": [[key, without_quotes(item)] for key, item in pairs]}
    if isinstance(value, dict):
        return {name: without_quotes(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_quotes(item) for item in value]
    return value


def assert_same(ours: Any, java: Any, path: str = "body") -> None:
    """Equal, but for members that Java left out as null and that we write with their empty default."""
    if isinstance(ours, dict) and isinstance(java, dict) and "@map" not in java and "@map" not in ours:
        assert set(java) <= set(ours), f"{path}: Java has more members"
        for name, item in ours.items():
            if name in java:
                assert_same(item, java[name], f"{path}.{name}")
            else:
                assert not item or name in DEFAULTS_LEFT_OUT, f"{path}.{name} is ours alone: {item!r}"
    elif isinstance(ours, dict) and isinstance(java, dict):
        pairs, others = ours["@map"], java["@map"]
        assert len(pairs) == len(others), path
        for (key, item), (java_key, java_item) in zip(pairs, others, strict=True):
            assert key == java_key, path
            assert_same(item, java_item, f"{path}[{key}]")
    elif isinstance(ours, list) and isinstance(java, list):
        assert len(ours) == len(java), path
        for index, (item, java_item) in enumerate(zip(ours, java, strict=True)):
            assert_same(item, java_item, f"{path}[{index}]")
    else:
        assert ours == java, path


# Text fields with a default of their own, which random bodies of Java may have as null.
DEFAULTS_LEFT_OUT = {
    "consumeFromWhere",
    "consumeType",
    "expressionType",
    "messageModel",
    "mode",
    "r",
    "topicFilterType",
    "type",
}


def check_body(cls: type[JsonBody], case: Case) -> JsonBody:
    assert as_vector(json_text.loads(case["java_text"])) == case["parsed"]
    body = cls.decode(case["java_text"].encode())
    assert_same(as_vector(body.to_value()), case["parsed"])
    raw = body.encode(raw_integer_keys=True)
    assert_same(as_vector(json_text.loads(raw)), case["parsed"])
    quoted = body.encode()
    assert_same(as_vector(json_text.loads(quoted)), without_quotes(case["parsed"]))
    assert cls.decode(raw) == cls.decode(quoted) == body
    return body


@cases("json_body", "json_body_498")
def test_bodies_are_read_and_written_as_java_does(case: Case) -> None:
    cls = body_classes().get(case["class"])
    if cls is None:
        # Not a body that a client needs; the text must be readable all the same.
        parsed = json_text.loads(case["java_text"])
        assert as_vector(parsed) == case["parsed"]
        assert as_vector(json_text.loads(json_text.dumps(parsed, raw_integer_keys=True))) == case["parsed"]
        return
    check_body(cls, case)


def test_every_class_of_the_vectors_is_declared() -> None:
    kinds = load(DEFAULT_FOLDER)
    named = {case["class"] for kind in ("json_body", "json_body_498") for case in kinds[kind]}
    assert not named - set(body_classes())


@cases("heartbeat", "heartbeat_498")
def test_heartbeats_are_read_and_written_as_java_does(case: Case) -> None:
    body = check_body(HeartbeatData, case)
    assert isinstance(body, HeartbeatData)
    if "fingerprint" in case and order_is_certain(body):
        assert body.fingerprint() == case["fingerprint"]


def order_is_certain(body: HeartbeatData) -> bool:
    """Java hashes the text of a copy, whose sets of several members may have another order."""
    sets: list[list[Any]] = [body.producer_data_set, body.consumer_data_set]
    for consumer in body.consumer_data_set:
        sets.append(consumer.subscription_data_set)
        for subscription in consumer.subscription_data_set:
            sets += [subscription.tags_set, subscription.code_set]
    return all(len(members) <= 1 for members in sets)


@cases("route", "route_498")
def test_routes_are_read_and_written_as_java_does(case: Case) -> None:
    body = check_body(TopicRouteData, case)
    assert isinstance(body, TopicRouteData)
    if "standard_json" in case:
        standard = TopicRouteData.decode(case["standard_json"])
        assert standard == body
        assert as_vector(json_text.loads(case["standard_json"])) == case["parsed_standard"]
        assert_same(json.loads(standard.encode()), case["parsed_standard"])


@cases("route", only="publish_queues")
def test_queues_follow_from_the_route_as_in_java(case: Case) -> None:
    route = TopicRouteData.decode(case["java_text"])
    publish = [[queue.broker_name, queue.queue_id] for queue in route.publish_queues("T")]
    subscribe = [[queue.broker_name, queue.queue_id] for queue in route.subscribe_queues("T")]
    assert publish == case["publish_queues"]
    assert subscribe == case["subscribe_queues_sorted"]
