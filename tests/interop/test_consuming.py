"""What the released clients consume of what our producer side sends, and what they tell the broker."""

from __future__ import annotations

from pyrocketmq.compression import compress, compression_flag
from pyrocketmq.model import ConsumerConnection, Message, TopicRouteData
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.result_data import SetMessageRequestModeRequestBody
from tests.conformance.reading import offset, read_queue
from tests.servers import Server, Wire

from .conftest import QUEUES, Named, Starting
from .programs import Program


def send(broker: Wire, topic: str, count: int, tags: str | None = None) -> list[str]:
    """Messages over all queues; gives the bodies."""
    for number in range(count):
        broker.send(Message(topic, f"{number}", tags, properties={"a": f"{number}"}), number % QUEUES)
    return [f"{number}" for number in range(count)]


def make_retry_topic(broker: Wire, group: str) -> None:
    """Clients that find no route at first look again every 30 s."""
    broker.call(Requests.create_create_topic_request(f"%RETRY%{group}", 1, 1))


def bodies(messages: list[dict[str, str]]) -> list[str]:
    return sorted((message["body"] for message in messages), key=int)


def test_a_concurrent_consumer(
    server: Server, broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    before = send(broker, topic, 6)
    consumer = consuming(client, topic=topic, group=group)
    consumer.messages(6)
    for number in range(6, 12):
        broker.send(Message(topic, f"{number}", "new", "key", properties={"mine": "yes"}), number % QUEUES)

    messages = consumer.messages(12)
    consumer.stop()

    assert bodies(messages) == [*before, *[f"{number}" for number in range(6, 12)]]
    assert {message["topic"] for message in messages} == {topic}
    last = [message for message in messages if message["properties"].get("mine")]
    assert {(message["tags"], message["keys"].strip()) for message in last} == {("new", "key")}
    committed = [
        Requests.create_query_consumer_offset_request(group, topic, number) for number in range(QUEUES)
    ]
    server.until(lambda: sum(offset(broker, query) for query in committed) == 12, "offsets are committed")


def test_a_compressed_message_and_a_batch(
    broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    plain = b"compress me " * 1000
    broker.send(Message(topic, plain), sys_flag=compression_flag("zlib"), body=compress(plain, "zlib"))
    broker.send([Message(topic, f"batch {number}") for number in range(5)], 1)

    messages = consuming(client, topic=topic, group=group).messages(6)

    expected = [plain.decode(), *[f"batch {number}" for number in range(5)]]
    assert sorted(message["body"] for message in messages) == sorted(expected)


def test_a_filter_of_tags(broker: Wire, client: Program, topic: str, group: str, consuming: Starting) -> None:
    for tag in ("new", "old", "paid", "Aa", "BB"):  # the last two have one hash
        broker.send(Message(topic, tag, tag))
    broker.send(Message(topic, "end", "new"))

    messages = consuming(client, topic=topic, group=group, tags="new || paid || Aa").messages(4)

    assert sorted(message["body"] for message in messages) == ["Aa", "end", "new", "paid"]


def test_a_condition(broker: Wire, client: Program, topic: str, group: str, consuming: Starting) -> None:
    send(broker, topic, 8)

    messages = consuming(client, topic=topic, group=group, sql="a BETWEEN 2 AND 4 OR a = 7").messages(4)

    assert bodies(messages) == ["2", "3", "4", "7"]


def test_an_orderly_consumer(
    broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    consumer = consuming(client, topic=topic, group=group, orderly="yes")
    send(broker, topic, 20)

    messages = consumer.messages(20)

    for queue in range(QUEUES):
        mine = [int(message["body"]) for message in messages if message["queueId"] == queue]
        assert mine == list(range(queue, 20, QUEUES))


def test_an_orderly_consumer_tries_again_before_it_goes_on(
    broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    consumer = consuming(client, topic=topic, group=group, orderly="yes", failures=1)
    for number in range(2):
        broker.send(Message(topic, f"{number}"), 2)

    messages = consumer.messages(4)

    assert [message["body"] for message in messages] == ["0", "0", "1", "1"]


def test_broadcast_consumers(
    broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    options = {"topic": topic, "group": group, "model": "BROADCASTING"}
    first = consuming(client, **options)
    second = consuming(client, **options)
    # A new broadcast consumer begins where its own file or its choice says; the rest is left to the clients.
    sent = send(broker, topic, 8)

    assert bodies(first.messages(8)) == sent
    assert bodies(second.messages(8)) == sent


def test_members_of_a_group_share_the_queues(
    server: Server, broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    first = consuming(client, topic=topic, group=group)
    second = consuming(client, topic=topic, group=group)

    def both_get_some() -> bool:
        send(broker, topic, QUEUES)
        return bool(first.of("message") and second.of("message"))

    assert server.until(both_get_some, "both get messages", within=60.0)
    answer = broker.call(Requests.create_get_consumer_connection_list_request(group))
    connection = ConsumerConnection.decode(answer.body)
    assert len(connection.connection_set) == 2
    assert topic in connection.subscription_table


def test_a_consumer_takes_the_queues_of_one_that_left(
    server: Server, broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    leaving = consuming(client, topic=topic, group=group)
    staying = consuming(client, topic=topic, group=group)
    leaving.stop()

    def every_queue() -> bool:
        send(broker, topic, QUEUES)
        return {event["message"]["queueId"] for event in staying.of("message")} == set(range(QUEUES))

    assert server.until(every_queue, "one consumer has every queue", within=60.0)


def test_a_failed_message_comes_again(
    broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    make_retry_topic(broker, group)
    consumer = consuming(client, topic=topic, group=group, failures=1, level=1)
    broker.send(Message(topic, "again", "new"))

    first, second = consumer.messages(2)

    assert (first["reconsumeTimes"], second["reconsumeTimes"]) == (0, 1)
    assert (first["body"], second["body"], second["tags"]) == ("again", "again", "new")
    assert first["msgId"] == second["msgId"]
    assert second["properties"]["RETRY_TOPIC"] == topic


def test_a_message_that_fails_always_goes_to_the_dead_letters(
    server: Server, broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    make_retry_topic(broker, group)
    consumer = consuming(client, topic=topic, group=group, failures=99, level=1, maxTries=1)
    broker.send(Message(topic, "hopeless", "new", "key"))

    (letter,) = read_queue(server, broker, f"%DLQ%{group}", 0, 1, within=40.0)

    assert len(consumer.of("message")) == 2
    assert (letter.body, letter.tags, letter.keys) == (b"hopeless", "new", "key")
    assert letter.get_property("RETRY_TOPIC") == topic
    with Wire(server.name_server) as name_server:
        route = name_server.call(Requests.create_get_route_info_request(f"%DLQ%{group}"))
    assert TopicRouteData.decode(route.body).queue_datas


def test_delayed_messages_are_consumed_when_they_are_due(
    broker: Wire, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    consumer = consuming(client, topic=topic, group=group)

    broker.send(Message(topic, "later", properties={"DELAY": "1"}))

    (message,) = consumer.messages(1)
    assert message["body"] == "later"


def test_a_consumer_that_pops(
    broker: Wire, programs: Named, topic: str, group: str, consuming: Starting
) -> None:
    """The Java client 5.x pops when the broker divides the queues and says so."""
    make_retry_topic(broker, group)
    body = SetMessageRequestModeRequestBody(topic, group, "POP", 0)
    broker.call(Requests.create_set_message_request_mode_request(body))
    consumer = consuming(programs("java-5.5.0"), topic=topic, group=group, pop="yes")
    sent = send(broker, topic, 8)

    messages = consumer.messages(8)

    assert bodies(messages) == sent
    assert all("POP_CK" in message["properties"] for message in messages)
