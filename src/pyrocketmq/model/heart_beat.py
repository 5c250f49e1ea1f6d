"""The heartbeat: all groups of a client, sent to every broker it knows."""

from __future__ import annotations

import orjson

from pyrocketmq._native.queuehash import java_hash
from pyrocketmq.model._declared import wire
from pyrocketmq.model.json_body import JsonBody
from pyrocketmq.model.producer_consumer import ConsumerData, ProducerData

__all__ = ["HeartbeatData"]


class HeartbeatData(JsonBody):
    """Body of HEART_BEAT. A broker accepts nonsense here without an error.

    Args:
        client_id: unique among the members of a group.
        producer_data_set: the producer groups.
        consumer_data_set: the consumer groups with their subscriptions.
        heartbeat_fingerprint: ``fingerprint()`` for brokers that support it (5.x), else 0.
        without_sub: True when the subscriptions were left out because the broker knows the fingerprint.
    """

    client_id: str = wire("clientID")
    producer_data_set: list[ProducerData] = wire(default_factory=list[ProducerData])
    consumer_data_set: list[ConsumerData] = wire(default_factory=list[ConsumerData])
    heartbeat_fingerprint: int = 0
    without_sub: bool = False

    def fingerprint(self) -> int:
        """A number that changes when a group or a subscription does, and not with the client or a version.

        It is the Java hash of the text that Java would write with clientID "", subVersion 0 and withoutSub
        false. A broker only compares fingerprints of one client, so the order of sets need not be Java's.
        """
        value = self.to_value()
        value.update(clientID="", heartbeatFingerprint=0, withoutSub=False)
        for consumer in value["consumerDataSet"]:
            for subscription in consumer["subscriptionDataSet"]:
                subscription["subVersion"] = 0
        return java_hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())
