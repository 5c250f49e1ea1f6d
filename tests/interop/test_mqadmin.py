"""RocketMQ's own admin tool on our server."""

from __future__ import annotations

import uuid

import pytest

from pyrocketmq.model import Message
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.conformance.reading import read_queue, route_of
from tests.servers import Server, Wire

from .conftest import Named
from .programs import Program


@pytest.fixture(params=["java-5.5.0", "java-4.9.7"])
def tool(request: pytest.FixtureRequest, programs: Named) -> Program:
    """The tool of a release; it is part of the same JVM as the client."""
    return programs(request.param)


def mqadmin(tool: Program, command: str) -> str:
    (printed, _) = tool.do("admin", command=command)
    return str(printed["text"])


def test_topic_list(tool: Program, topic: str) -> None:
    assert topic in mqadmin(tool, "topicList").split()


def test_cluster_list(server: Server, tool: Program) -> None:
    text = mqadmin(tool, "clusterList")

    (line,) = [line for line in text.splitlines() if server.broker_name in line]
    assert line.split()[:4] == [server.cluster, server.broker_name, "0", server.broker]


def test_topic_route(server: Server, tool: Program, topic: str) -> None:
    text = mqadmin(tool, f"topicRoute -t {topic}")

    assert server.broker in text
    assert server.broker_name in text


def test_update_topic(server: Server, tool: Program) -> None:
    name = f"made-{uuid.uuid4().hex}"

    text = mqadmin(tool, f"updateTopic -c {server.cluster} -t {name} -r 3 -w 2")

    assert "success" in text
    with Wire(server.name_server) as name_server:
        (queues,) = route_of(server, name_server, name).queue_datas
    assert (queues.read_queue_nums, queues.write_queue_nums) == (3, 2)


def test_topic_status(server: Server, broker: Wire, tool: Program, topic: str) -> None:
    broker.send(Message(topic, "x"), 2)
    read_queue(server, broker, topic, 2, 1)

    lines = mqadmin(tool, f"topicStatus -t {topic}").splitlines()

    found = {line.split()[1]: line.split()[2:4] for line in lines if line.startswith(server.broker_name)}
    assert found["2"] == ["0", "1"]
    assert found["0"] == ["0", "0"]


def test_consumer_progress(server: Server, broker: Wire, tool: Program, topic: str, group: str) -> None:
    for _ in range(3):
        broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 3)
    broker.ask(Requests.create_pull_message_request(group, topic, 0, 0, 1))
    broker.ask(Requests.create_send_message_v2_request("p", f"%RETRY%{group}", b"x"))
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 1))

    text = mqadmin(tool, f"consumerProgress -g {group}")

    lines = [line.split() for line in text.splitlines() if line.startswith(topic[:32])]
    assert len(lines) == 4
    (first,) = [line for line in lines if line[2] == "0"]
    assert {"3", "1", "2"} <= set(first)


def test_delete_topic(server: Server, tool: Program, topic: str) -> None:
    text = mqadmin(tool, f"deleteTopic -c {server.cluster} -t {topic}")

    assert "success" in text
    with Wire(server.name_server) as name_server:
        assert name_server.ask(Requests.create_get_route_info_request(topic)).command.code == 17


def test_query_by_offset_id(server: Server, broker: Wire, programs: Named, tool: Program, topic: str) -> None:
    result = broker.send(Message(topic, "find me", "new", "key"))
    read_queue(server, broker, topic, 0, 1)

    # The tool of 4.9 finds the broker in the id and knows no option for the topic; that of 5.x wants it.
    option = f" -t {topic}" if tool is programs("java-5.5.0") else ""
    text = mqadmin(tool, f"queryMsgById -i {result.offset_msg_id}{option}")

    assert topic in text
    assert "new" in text
