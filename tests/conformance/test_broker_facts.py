"""What a broker tells about itself, and settings that can be changed while it runs."""

from __future__ import annotations

import pytest

from pyrocketmq.model import KVTable, Message, RemotingCommand
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.topic_data import BrokerStatsData
from tests.servers import Server, Wire

from .conftest import Differs
from .reading import fields


def runtime_info(server: Server, broker: Wire) -> RemotingCommand:
    """A 4.9.7 broker answers code 1 until its statistics have a first sample, a second after its start."""

    def ask() -> RemotingCommand | None:
        answer = broker.ask(Requests.create_get_broker_runtime_info_request()).command
        return answer if answer.code == 0 else None

    return server.until(ask, "the broker has statistics")


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_broker_tells_its_facts(server: Server, broker: Wire, topic: str) -> None:
    def counted() -> int:
        return int(KVTable.decode(runtime_info(server, broker).body).table["msgPutTotalTodayNow"])

    before = counted()
    broker.send(Message(topic, "x"))

    server.until(lambda: counted() > before, "the message is counted")
    table = KVTable.decode(runtime_info(server, broker).body).table
    assert table["brokerVersionDesc"].startswith("V")
    assert int(table["bootTimestamp"]) > 0
    assert {"putTps", "getTotalTps", "runtime", "msgGetTotalTodayNow"} <= table.keys()


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_broker_tells_its_settings(server: Server, broker: Wire) -> None:
    answer = broker.call(Requests.create_get_broker_config_request())

    lines = (answer.body or b"").decode().splitlines()
    assert f"brokerName={server.broker_name}" in lines
    assert f"brokerClusterName={server.cluster}" in lines
    assert "brokerId=0" in lines
    assert fields(answer)["version"]


def test_a_setting_is_changed(broker: Wire) -> None:
    def value() -> str:
        answer = broker.call(Requests.create_get_broker_config_request())
        lines = dict(line.split("=", 1) for line in (answer.body or b"").decode().splitlines() if "=" in line)
        return lines["autoCreateTopicEnable"]

    before = value()
    broker.call(Requests.create_update_broker_config_request({"autoCreateTopicEnable": "false"}))
    changed = value()
    broker.call(Requests.create_update_broker_config_request({"autoCreateTopicEnable": before}))

    assert (before, changed, value()) == ("true", "false", "true")


def test_the_rates_of_a_topic_are_told(broker: Wire, topic: str) -> None:
    for _ in range(3):
        broker.send(Message(topic, "x"))
    command = Requests.create_view_broker_stats_data_request("TOPIC_PUT_NUMS", topic)

    stats = BrokerStatsData.decode(broker.call(command).body)

    assert stats.stats_minute is not None
    assert stats.stats_hour is not None
    assert stats.stats_day is not None


def test_rates_of_nothing_are_refused(broker: Wire, topic: str) -> None:
    for name, key in (("NO_SUCH_STATS", topic), ("TOPIC_PUT_NUMS", "no-such-topic")):
        answer = broker.ask(Requests.create_view_broker_stats_data_request(name, key)).command
        assert answer.code == 1


def test_the_broker_answers_with_its_language_and_version(
    server: Server, broker: Wire, differs: Differs
) -> None:
    answer = runtime_info(server, broker)

    assert (answer.language, answer.is_response, answer.is_oneway) == (0, True, False)
    assert answer.version == (407 if differs("heart-beat-answers-nothing") else 513)
