"""ClientCore: started, known to brokers, used, shut down, and all of that again."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from pyrocketmq._native.message import Message
from pyrocketmq.broker import BrokerClient
from pyrocketmq.client.core import ClientCore, CoreState
from pyrocketmq.client.probing import probe
from pyrocketmq.errors import (
    ClientClosedError,
    ClientOfflineError,
    NoNameServerError,
    RouteNotFoundError,
)
from pyrocketmq.model import RequestCode
from pyrocketmq.testing import LocalRocketMQ
from pyrocketmq.transport.utils import parse_address
from tests.core.making import GROUP, config_of, send, soon
from tests.transport.peers import until
from tests.transport.test_tcp import unused_port


async def producers_of(address: str, group: str = GROUP) -> list[str]:
    """The client ids that a broker knows of a group."""
    async with BrokerClient(*parse_address(address)) as broker:
        try:
            found = await broker.get_producer_connections(group)
        except ClientOfflineError:
            return []
        return [str(one.client_id) for one in found.connection_set]


async def until_known(core: ClientCore, address: str, group: str = GROUP) -> None:
    """Wait until a broker has heard of a group."""
    while core.client_id not in await producers_of(address, group):  # noqa: ASYNC110 - the broker is asked
        await asyncio.sleep(0.01)


async def test_a_message_goes_from_its_topic_to_a_broker(rocketmq: LocalRocketMQ, core: ClientCore) -> None:
    rocketmq.create_topic("shop")
    result = await send(core, Message("shop", b"hello"))

    assert result.ok
    assert [b"hello"] == [message.body for message in rocketmq.messages("shop", 1)]


async def test_queues_of_both_brokers_are_used(rocketmq: LocalRocketMQ, core: ClientCore) -> None:
    rocketmq.create_topic("shop", 2)
    for number in range(8):
        await send(core, Message("shop", b"%d" % number))
    places = {(message.broker_name, message.queue_id) for message in rocketmq.messages("shop", 8)}

    assert {("broker-a", 0), ("broker-a", 1), ("broker-b", 0), ("broker-b", 1)} == places


async def test_start_and_shutdown_can_be_repeated(rocketmq: LocalRocketMQ) -> None:
    core = ClientCore(config_of(rocketmq))
    ids: set[str] = set()
    for _ in range(3):
        await core.start()
        await core.start()
        assert core.is_running
        ids.add(core.client_id)
        rocketmq.create_topic("shop")
        assert (await send(core, Message("shop", b"x"))).ok
        await core.shutdown()
        await core.shutdown()
        assert CoreState.CLOSED is core.state

    assert 3 == len(ids)


async def test_many_starts_at_once_are_one(rocketmq: LocalRocketMQ) -> None:
    core = ClientCore(config_of(rocketmq))
    with rocketmq.record() as record:
        await asyncio.gather(*(core.start() for _ in range(20)))
    await core.shutdown()

    assert 1 == len(record.of("GET_ROUTEINFO_BY_TOPIC"))


async def test_the_first_use_starts_and_a_use_after_shutdown_is_refused(rocketmq: LocalRocketMQ) -> None:
    core = ClientCore(config_of(rocketmq))
    await core.ensure_started()
    await core.ensure_started()
    assert core.is_running
    await core.shutdown()

    with pytest.raises(ClientClosedError):
        await core.ensure_started()


async def test_a_client_that_was_never_started_can_be_shut_down(rocketmq: LocalRocketMQ) -> None:
    core = ClientCore(config_of(rocketmq))
    await core.shutdown()

    with pytest.raises(ClientClosedError):
        await core.ensure_started()


async def test_start_fails_early_without_a_name_server_and_works_later(rocketmq: LocalRocketMQ) -> None:
    core = ClientCore(
        config_of(rocketmq).replace(namesrv_addr=f"127.0.0.1:{unused_port()}", request_timeout=0.3)
    )
    with pytest.raises(NoNameServerError):
        await core.start()
    assert CoreState.NEW is core.state

    core = ClientCore(config_of(rocketmq))
    await core.start()
    await core.shutdown()


async def test_shutdown_during_start_ends_both(rocketmq: LocalRocketMQ) -> None:
    core = ClientCore(config_of(rocketmq))
    rocketmq.faults.add("GET_ROUTEINFO_BY_TOPIC:delay=500ms")
    starting = asyncio.create_task(core.start())
    await until(lambda: core.state is CoreState.STARTING)
    await core.shutdown()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert CoreState.CLOSED is core.state


async def test_a_client_belongs_to_the_loop_that_started_it(core: ClientCore) -> None:
    def elsewhere() -> None:
        with pytest.raises(ClientClosedError, match="event loop"):
            asyncio.run(core.start())

    await asyncio.to_thread(elsewhere)
    assert core.is_running


def test_a_loop_that_closes_ends_the_client_and_the_next_loop_starts_it_anew(
    rocketmq: LocalRocketMQ, caplog: pytest.LogCaptureFixture
) -> None:
    core = ClientCore(config_of(rocketmq))
    rocketmq.create_topic("shop")

    async def use() -> None:
        core.register_producer_group(GROUP)
        await core.ensure_started()
        assert (await send(core, Message("shop", b"x"))).ok

    for _ in range(2):
        asyncio.run(use())
        assert CoreState.NEW is core.state
    gc.collect()  # what is left behind would tell now

    assert [] == [record for record in caplog.records if record.name == "asyncio"]


async def test_brokers_know_the_group_after_its_topics_are_prepared(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    rocketmq.create_topic("shop")
    group = core.register_producer_group(GROUP)
    await core.prepare(["shop"], soon())
    for address in rocketmq.broker_addrs:
        assert [core.client_id] == await producers_of(address)

    await group.unregister()
    await group.unregister()
    for address in rocketmq.broker_addrs:
        assert [] == await producers_of(address)


async def test_a_group_that_is_registered_twice_stays_until_the_second_goes(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    rocketmq.create_topic("shop")
    groups = [core.register_producer_group(GROUP) for _ in range(2)]
    await core.prepare(["shop"], soon())
    await groups[0].unregister()
    assert [core.client_id] == await producers_of(rocketmq.broker_addrs[0])

    await groups[1].unregister()
    assert [] == await producers_of(rocketmq.broker_addrs[0])


async def test_shutdown_tells_brokers_that_the_client_is_gone(rocketmq: LocalRocketMQ) -> None:
    rocketmq.create_topic("shop")
    core = ClientCore(config_of(rocketmq))
    core.register_producer_group(GROUP)
    await core.start()
    await core.prepare(["shop"], soon())
    with rocketmq.record() as record:
        await core.shutdown()

    assert 2 == len(record.of("UNREGISTER_CLIENT"))


async def test_a_group_that_comes_later_is_told_at_once(rocketmq: LocalRocketMQ, core: ClientCore) -> None:
    rocketmq.create_topic("shop")
    core.register_producer_group(GROUP)
    await core.prepare(["shop"], soon())
    core.register_producer_group("others")

    for address in rocketmq.broker_addrs:
        await until_known(core, address, "others")


async def test_after_a_cut_brokers_hear_of_the_client_again(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    rocketmq.create_topic("shop")
    core.register_producer_group(GROUP)
    await core.prepare(["shop"], soon())
    rocketmq.disconnect()
    await until(lambda: not any(link.is_connected for link in core.brokers.links()))

    for address in rocketmq.broker_addrs:
        await until_known(core, address)


async def test_a_topic_that_brokers_create_gets_its_own_route_soon(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    found = await core.routes.find("fresh", soon())
    assert found.is_fallback
    assert 8 == len(found.pairs)

    assert (await send(core, Message("fresh", b"x"))).ok
    await until(lambda: not core.routes.cached("fresh").is_fallback)  # type: ignore[union-attr]
    assert "fresh" in rocketmq.topics()


async def test_without_the_template_an_unknown_topic_is_an_error(rocketmq: LocalRocketMQ) -> None:
    async with ClientCore(config_of(rocketmq, create_topics=False)) as core:
        with pytest.raises(RouteNotFoundError) as raised:
            await core.routes.find("nowhere", soon())

    assert "nowhere" in str(raised.value)


async def test_names_are_in_the_namespace_of_4x(rocketmq: LocalRocketMQ) -> None:
    core = ClientCore(config_of(rocketmq, namespace="north"))

    assert "north%shop" == core.resource("shop")
    assert "%RETRY%north%makers" == core.resource("%RETRY%makers")
    assert "shop" == core.without_namespace("north%shop")


async def test_the_namespace_of_5x_goes_beside_each_request(rocketmq: LocalRocketMQ) -> None:
    rocketmq.create_topic("shop")
    with rocketmq.record() as record:
        async with ClientCore(config_of(rocketmq, namespace_v2="north")) as core:
            core.register_producer_group(GROUP)
            await core.prepare(["shop"], soon())
            link = core.brokers.link("broker-a")
            assert link.is_connected
            connection = link.ready()
            assert connection is not None
            assert (await connection.send_message(link.encoder(GROUP), Message("shop", b"x"), 0, 3.0)).ok
    asked = [request for request in record.requests if request.code != RequestCode.GET_BROKER_CLUSTER_INFO]

    assert RequestCode.SEND_MESSAGE_V2 in {request.code for request in asked}
    assert {("north", "true")} == {
        ((request.ext_fields or {}).get("ns", ""), (request.ext_fields or {}).get("nsd", ""))
        for request in asked
    }


async def test_shutdown_ends_in_time_though_a_broker_hangs(rocketmq: LocalRocketMQ) -> None:
    rocketmq.create_topic("shop")
    core = ClientCore(config_of(rocketmq))
    core.register_producer_group(GROUP)
    await core.start()
    await core.prepare(["shop"], soon())
    rocketmq.faults.add("UNREGISTER_CLIENT:drop")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await core.shutdown(0.2)

    assert loop.time() - begun < 5.0
    assert CoreState.CLOSED is core.state


async def test_routes_may_be_read_and_asked_for_by_other_threads(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    rocketmq.create_topic("shop")
    await core.routes.find("shop", soon())
    asked = core.routes.asked
    found: list[object] = []

    def look() -> None:
        found.append(core.routes.cached("shop"))
        core.routes.refresh_soon("shop")

    thread = threading.Thread(target=look)
    thread.start()
    await asyncio.to_thread(thread.join)
    await until(lambda: core.routes.asked > asked)

    assert [core.routes.cached("shop")] == found


async def test_clients_with_different_settings_live_in_one_process(rocketmq: LocalRocketMQ) -> None:
    rocketmq.create_topic("shop")
    async with (
        ClientCore(config_of(rocketmq, client_id="one", header_codec="binary")) as one,
        ClientCore(config_of(rocketmq, unit_name="north")) as two,
    ):
        assert "one" == one.client_id
        assert two.client_id.endswith("@north")
        assert (await send(one, Message("shop", b"x"))).ok
        assert (await send(two, Message("shop", b"x"))).ok
        assert "binary" == one.brokers.links()[0].encoder(GROUP).codec
        assert "json" == two.brokers.links()[0].encoder(GROUP).codec


async def test_a_lost_broker_rests_until_it_is_reached_again(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    rocketmq.create_topic("shop")
    await core.routes.find("shop", soon())
    for name in ("broker-a", "broker-b"):
        await probe(core.brokers.link(name))  # answered: the broker knows of the connection
    rested: set[str] = set()
    core.faults.watch(lambda broker, until: rested.add(broker) if until > 0 else None)
    rocketmq.disconnect()

    await until(lambda: {"broker-a", "broker-b"} == rested)
    await until(lambda: all(map(core.faults.is_available, rested)))


async def test_a_broker_that_failed_is_probed_until_it_answers(
    rocketmq: LocalRocketMQ, core: ClientCore
) -> None:
    rocketmq.create_topic("shop")
    await core.routes.find("shop", soon())
    core.faults.record_failure("broker-a", unreachable=True)
    assert not core.faults.is_available("broker-a")

    await until(lambda: core.faults.is_available("broker-a"))
    assert core.brokers.link("broker-a").is_connected


@pytest.mark.parametrize("rest", [True, False])
async def test_a_slow_broker_rests_unless_the_settings_say_otherwise(
    rocketmq: LocalRocketMQ, rest: bool
) -> None:
    core = ClientCore(config_of(rocketmq, slow_brokers_rest=rest))

    core.faults.record("broker-a", 1.0)

    assert core.faults.is_available("broker-a") is not rest
