"""The doctor names what is wrong with a server, and its exit code tells how bad it is."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from pyrocketmq.model import RequestCode, ResponseCode
from tests.transport.certificates import Authority

from .conftest import Ended, Run
from .stage import PlayedBroker, Stage, answer, name_server

HTTP2_SETTINGS = bytes.fromhex("000006040000000000000300000064")


def findings(ended: Ended) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ended.value["findings"]
    return found


def only_finding(ended: Ended) -> dict[str, Any]:
    (found,) = findings(ended)
    return found


def cluster(stage: Stage, broker: PlayedBroker | None = None, **topics: int) -> str:
    """A name server with one broker."""
    broker = broker or PlayedBroker()
    return stage.play(name_server({broker.name: stage.play(broker.answers())}, topics))


def test_a_good_cluster_has_no_findings(run: Run, stage: Stage) -> None:
    ended = run("doctor", cluster(stage, shop=4), "--topic", "shop", "--json")

    assert [] == findings(ended)
    assert 0 == ended.code
    (server,) = ended.value["name_servers"]
    (broker,) = ended.value["brokers"]
    assert server["works"]
    assert ["broker-a"] == server["brokers"]
    assert ("5.5.0", "RocketMQ remoting") == (server["release"], server["speaks"])
    assert 0 < broker["round_trip_ms"]["fastest"] <= broker["round_trip_ms"]["median"]
    assert abs(broker["clock_ahead_s"]) <= 2
    (queues,) = ended.value["topic"]["queues"]
    assert (4, 4, True, True) == tuple(
        queues[name] for name in ("read_queues", "write_queues", "may_send", "may_read")
    )


def test_the_report_for_people_ends_with_the_findings(run: Run, stage: Stage) -> None:
    ended = run("doctor", cluster(stage, shop=4), "--topic", "shop")

    assert ended.out.startswith("name server 127.0.0.1:")
    assert "broker broker-a (id 0, DefaultCluster) at 127.0.0.1:" in ended.out
    assert "4 queues to write, 4 to read, perm 6, may send, may read" in ended.out
    assert ended.out.endswith("\nNo findings: everything that was looked at works.\n")


def test_a_dead_server_is_broken_and_says_that_nothing_listens(run: Run, dead_address: str) -> None:
    ended = run("doctor", dead_address, "--json")

    assert 5 == ended.code
    assert "nothing listens there" in only_finding(ended)["what"]
    assert "broken" == ended.value["worst"]


def test_addresses_may_come_from_an_address_service(run: Run, stage: Stage, dead_address: str) -> None:
    good = cluster(stage)

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.0 200 OK\r\n\r\n{good};{dead_address}".encode())
        await writer.drain()

    ended = run("doctor", f"http://{stage.speak(speak)}/rocketmq/nsaddr", "--json")

    assert [good, dead_address] == [each["address"] for each in ended.value["name_servers"]]


def test_an_unknown_host_is_named(run: Run) -> None:
    found = only_finding(run("doctor", "no-such-host.invalid:9876", "--json"))

    assert "no-such-host.invalid" in found["what"]
    assert found["try"] == "correct the host, or use its IP address"


def test_an_announced_address_behind_nat_is_found_at_the_name_servers_host(run: Run, stage: Stage) -> None:
    """10.255.255.1 leads nowhere; the port is the real one, as containers publish it."""
    broker = PlayedBroker()
    port = stage.play(broker.answers()).rpartition(":")[2]
    announced = f"10.255.255.1:{port}"
    address = stage.play(name_server({broker.name: announced}))

    ended = run("doctor", address, "--timeout", "0.3", "--json")

    found = only_finding(ended)
    assert 5 == ended.code
    assert f"broker-a announces {announced}, which cannot be reached from here" in found["what"]
    assert f"it answers at 127.0.0.1:{port}" in found["what"]
    assert f"address_map={{'{announced}': '127.0.0.1:{port}'}}" in found["try"]

    mapped = run("doctor", address, "--address-map", f"{announced}=127.0.0.1:{port}", "--json")
    assert 0 == mapped.code
    assert f"127.0.0.1:{port}" == mapped.value["brokers"][0]["connects_to"]


def test_an_announced_address_that_is_nowhere_else_is_broken_too(
    run: Run, stage: Stage, dead_address: str
) -> None:
    address = stage.play(name_server({"broker-a": f"10.255.255.1:{dead_address.rpartition(':')[2]}"}))

    found = only_finding(run("doctor", address, "--timeout", "0.3", "--json"))

    assert "10.255.255.1" in found["what"]
    assert "brokerIP1" in found["try"]


def test_another_broker_at_the_announced_address_is_found_out(run: Run, stage: Stage) -> None:
    place = stage.play(PlayedBroker(name="broker-of-others").answers())

    found = only_finding(run("doctor", stage.play(name_server({"broker-a": place})), "--json"))

    assert "broker-a is announced at this address, and broker-of-others answers there" == found["what"]


def test_a_clock_that_is_off_is_a_warning_with_its_difference(run: Run, stage: Stage) -> None:
    ended = run("doctor", cluster(stage, PlayedBroker(clock_ahead_s=-600)), "--json")

    assert 4 == ended.code
    assert "the clock of broker-a is 6" in only_finding(ended)["what"] or "599" in only_finding(ended)["what"]
    assert "behind the one here" in only_finding(ended)["what"]


def test_a_full_disk_and_a_read_only_broker_are_warnings(run: Run, stage: Stage) -> None:
    broker = PlayedBroker(disk="0.97", settings={"brokerPermission": "4"})

    ended = run("doctor", cluster(stage, broker), "--json")

    assert {
        "the disk of broker-a is 97% full",
        "broker-a takes no messages: brokerPermission is 4",
    } == {found["what"] for found in findings(ended)}
    assert 4 == ended.code


def test_a_broker_in_place_of_a_name_server_is_recognized(run: Run, stage: Stage) -> None:
    found = only_finding(run("doctor", stage.play(PlayedBroker().answers()), "--json"))

    assert "this is a broker, not a name server" == found["what"]


def test_a_proxy_is_looked_at_through_the_route_of_a_topic(run: Run, stage: Stage) -> None:
    broker = PlayedBroker()
    place = stage.play(
        {code: make for code, make in broker.answers().items() if code != RequestCode.GET_BROKER_CONFIG}
    )
    routes = dict(name_server({broker.name: place}, {"shop": 2}))
    del routes[RequestCode.GET_BROKER_CLUSTER_INFO]
    address = stage.play(routes)

    without = run("doctor", address, "--json")
    assert (0, "note") == (without.code, only_finding(without)["weight"])

    ended = run("doctor", address, "--topic", "shop", "--json")
    assert 0 == ended.code
    assert ["broker-a"] == [each["name"] for each in ended.value["brokers"]]


def test_a_name_server_without_brokers_is_broken(run: Run, stage: Stage) -> None:
    found = only_finding(run("doctor", stage.play(name_server({})), "--json"))

    assert "no broker is registered at this name server" == found["what"]


def test_name_servers_that_know_different_brokers_are_compared(run: Run, stage: Stage) -> None:
    one, two = (stage.play(PlayedBroker(name=name).answers()) for name in ("broker-a", "broker-b"))
    whole = stage.play(name_server({"broker-a": one, "broker-b": two}))
    part = stage.play(name_server({"broker-a": one}))

    ended = run("doctor", f"{whole};{part}", "--json")

    assert part == only_finding(ended)["place"]
    assert "does not know broker-b" in only_finding(ended)["what"]


class TestTopics:
    def test_one_that_is_missing_will_be_created_by_the_first_message(self, run: Run, stage: Stage) -> None:
        ended = run("doctor", cluster(stage), "--topic", "shop", "--json")

        assert 4 == ended.code
        assert "broker-a will create it at the first message" in only_finding(ended)["what"]

    def test_one_that_is_missing_is_broken_where_brokers_create_none(self, run: Run, stage: Stage) -> None:
        broker = PlayedBroker(settings={"autoCreateTopicEnable": "false"})

        ended = run("doctor", cluster(stage, broker), "--topic", "shop", "--json")

        assert 5 == ended.code
        assert "no broker that was looked at creates topics by itself" in only_finding(ended)["what"]

    def test_one_that_may_not_be_written_is_broken(self, run: Run, stage: Stage) -> None:
        broker = PlayedBroker()
        address = stage.play(name_server({broker.name: stage.play(broker.answers())}, {"shop": 4}, perm=4))

        found = only_finding(run("doctor", address, "--topic", "shop", "--json"))

        assert "no queue of topic 'shop' is there to send to" == found["what"]

    def test_rights_are_tried_without_storing_anything(self, run: Run, stage: Stage) -> None:
        broker = dict(PlayedBroker().answers())
        broker[RequestCode.SEND_MESSAGE] = lambda _: answer(
            ResponseCode.NO_PERMISSION, remark="no right to Topic:shop"
        )
        address = stage.play(name_server({"broker-a": stage.play(broker)}, {"shop": 4}))

        ended = run("doctor", address, "--topic", "shop", "--json")

        assert (
            "this client may not send to topic 'shop': no right to Topic:shop (code 16)"
            == only_finding(ended)["what"]
        )
        (queues,) = ended.value["topic"]["queues"]
        assert (False, True) == (queues["may_send"], queues["may_read"])
        (sent,) = [each for each in stage.seen if each.code == RequestCode.SEND_MESSAGE]
        assert "2147483647" == (sent.ext_fields or {})["queueId"]


class TestCredentials:
    def test_a_broker_that_wants_a_key_says_so(self, run: Run, stage: Stage) -> None:
        ended = run("doctor", cluster(stage, PlayedBroker(denied="username cannot be null.")), "--json")

        assert "broker-a does not talk to a client without an access key" in only_finding(ended)["what"]

    def test_a_wrong_secret_is_told_from_a_missing_right(
        self, run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = cluster(stage, PlayedBroker(denied="check signature failed."))
        monkeypatch.setenv("PYROCKETMQ_ACCESS_KEY", "app")
        monkeypatch.setenv("PYROCKETMQ_SECRET_KEY", "very-secret")

        ended = run("doctor", address, "--json")

        assert "broker-a does not take this access key" in only_finding(ended)["what"]
        assert "very-secret" not in ended.out
        assert all("Signature" in (each.ext_fields or {}) for each in stage.seen)


class TestOtherProtocols:
    def test_a_grpc_port(self, run: Run, stage: Stage) -> None:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(HTTP2_SETTINGS)
            await writer.drain()

        found = only_finding(run("doctor", stage.speak(speak), "--timeout", "1", "--json"))

        assert "HTTP/2, as a gRPC port does" in found["what"]
        assert "remoting port" in found["try"]

    def test_an_http_port(self, run: Run, stage: Stage) -> None:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()

        ended = run("doctor", stage.speak(speak), "--timeout", "1", "--json")

        assert "the port speaks HTTP, not RocketMQ's remoting protocol" == only_finding(ended)["what"]
        assert 5 == ended.code

    def test_something_else_is_shown_as_it_was_said(self, run: Run, stage: Stage) -> None:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            await reader.read()

        found = only_finding(run("doctor", stage.speak(speak), "--timeout", "0.3", "--json"))

        assert "SSH-2.0-OpenSSH" in found["what"]


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path, "authority")

    def play(
        self, stage: Stage, authority: Authority, name: str = "127.0.0.1", *, expired: bool = False
    ) -> str:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*authority.sign(name, expired=expired))
        broker = PlayedBroker()
        place = stage.play(broker.answers(), tls=context)
        return stage.play(name_server({broker.name: place}), tls=context)

    def test_a_good_one_shows_its_certificate(self, run: Run, stage: Stage, authority: Authority) -> None:
        address = self.play(stage, authority)

        ended = run("doctor", address, "--tls-ca", str(authority.file), "--json")

        # The certificates of the tests live for a day only.
        assert {"warning"} == {found["weight"] for found in findings(ended)}
        assert all("its certificate expires in" in found["what"] for found in findings(ended))
        (server,) = ended.value["name_servers"]
        assert server["tls"]["verified"]
        certificate = server["tls"]["certificate"]
        assert ("127.0.0.1", "authority", ["127.0.0.1"]) == (
            certificate["subject"],
            certificate["issuer"],
            certificate["names"],
        )
        assert "signed by authority" in run("doctor", address, "--tls-ca", str(authority.file)).out

    def test_plain_on_a_tls_port_says_to_use_tls(self, run: Run, stage: Stage, authority: Authority) -> None:
        found = only_finding(run("doctor", self.play(stage, authority), "--timeout", "0.5", "--json"))

        assert "the server speaks TLS on this port, and plain TCP was tried" == found["what"]
        assert "--tls" in found["try"]

    def test_tls_on_a_plain_port_says_to_leave_it_out(self, run: Run, stage: Stage) -> None:
        found = only_finding(run("doctor", cluster(stage), "--tls", "--json"))

        assert "the server speaks plain TCP on this port, and TLS was tried" == found["what"]

    def test_an_authority_nobody_knows_is_shown_with_the_certificate(
        self, run: Run, stage: Stage, authority: Authority
    ) -> None:
        ended = run("doctor", self.play(stage, authority), "--tls", "--json")

        (found,) = [each for each in findings(ended) if each["weight"] == "broken"]
        assert "is signed by nobody trusted here" in found["what"]
        assert found["try"].startswith("use --tls-ca with")
        assert "authority" == ended.value["name_servers"][0]["tls"]["certificate"]["issuer"]

    def test_an_expired_certificate_is_dated(self, run: Run, stage: Stage, authority: Authority) -> None:
        address = self.play(stage, authority, expired=True)

        ended = run("doctor", address, "--tls-ca", str(authority.file), "--json")

        assert "has expired" in only_finding(ended)["what"]
        assert 0 > ended.value["name_servers"][0]["tls"]["certificate"]["days_left"]

    def test_no_verification_is_a_warning(self, run: Run, stage: Stage, authority: Authority) -> None:
        ended = run("doctor", self.play(stage, authority), "--tls-no-verify", "--json")

        assert 4 == ended.code
        assert any("is not verified" in found["what"] for found in findings(ended))
        assert not ended.value["name_servers"][0]["tls"]["verified"]


def test_a_server_that_never_answers_is_told_from_one_that_speaks_something_else(
    run: Run, stage: Stage
) -> None:
    async def speak(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass

    found = only_finding(run("doctor", stage.speak(speak), "--timeout", "0.1", "--json"))

    assert "takes connections and gives no answer" in found["what"]
    assert "stopped or overloaded" in found["likely"]
