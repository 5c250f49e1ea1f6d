"""`serve` is a name server and brokers that clients can use until Ctrl-C, and refuses what it cannot do."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyrocketmq.cli.serving.watching import Watcher
from pyrocketmq.model import RemotingCommand, ResponseCode
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.group_data import SubscriptionGroupConfig
from pyrocketmq.server import EmbeddedServer
from pyrocketmq.transport import AsyncTcpTransport, TcpTransport
from tests.transport.certificates import Authority

from .conftest import Run
from .programs import ENVIRONMENT, Program

pytestmark = pytest.mark.timeout(30)  # the program is waited for


class Serve(Program):
    """A server on free ports."""

    def __init__(self, *words: str) -> None:
        super().__init__("serve", "--port", "0", *words)
        self.up = self.until("up")
        self.nameserver: str = self.up["nameserver"]
        self.broker: str = self.up["brokers"]["broker-a"]


@pytest.fixture
def serve() -> Iterator[Callable[..., Serve]]:
    made: list[Serve] = []

    def make(*words: str) -> Serve:
        made.append(Serve(*words))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def ask(address: str, request: RemotingCommand) -> RemotingCommand:
    with TcpTransport(address) as transport:
        transport.output(request)
        return transport.recv_command(timeout=10)


def send(address: str, topic: str = "shop", body: bytes = b"x") -> int:
    return ask(address, Requests.create_send_message_request("group", topic, body, queue_id=0)).code


def test_clients_can_connect_when_it_says_that_it_is_up(
    serve: Callable[..., Serve], tmp_path: Path, run: Run
) -> None:
    ready = tmp_path / "up.json"
    server = serve("--brokers", "2", "--topic", "shop:3", "--ready-file", str(ready))

    assert server.nameserver == json.loads(ready.read_text())["nameserver"]
    assert ["broker-a", "broker-b"] == sorted(server.up["brokers"])
    ended = run("doctor", server.nameserver, "--topic", "shop", "--json")
    assert (0, [3, 3]) == (ended.code, [each["write_queues"] for each in ended.value["topic"]["queues"]])

    assert 130 == server.stop()
    assert not ready.exists()


def test_sigterm_ends_it_as_done(serve: Callable[..., Serve]) -> None:
    assert 0 == serve().stop(signal.SIGTERM)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_of_a_bench_ends_with_it_however_that_ends(tmp_path: Path, end: signal.Signals) -> None:
    program = (
        "import time\n"
        "from pyrocketmq.cli.benching.server import own_server\n"
        "with own_server() as address:\n"
        "    print(address, flush=True)\n"
        "    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path)},
    ) as bench:
        assert bench.stdout is not None
        host, _, port = bench.stdout.readline().strip().rpartition(":")
        assert not list(tmp_path.iterdir())
        bench.send_signal(end)
    while True:  # until nobody listens there; the test's own time limit ends a wait in vain
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except ConnectionRefusedError:
            break
        time.sleep(0.02)


def test_it_says_what_is_new(serve: Callable[..., Serve]) -> None:
    server = serve("--interval", "50ms")
    for _ in range(3):
        assert 0 == send(server.broker)
    readers = SubscriptionGroupConfig(group_name="readers")
    ask(server.broker, Requests.create_create_subscription_group_request(readers))
    ask(server.broker, Requests.create_update_consumer_offset_request("readers", "shop", 0, 2))

    look = server.until("look")
    while not look["groups"] or look["topics"][0]["messages"] < 3:
        look = server.until("look")
    (topic,), (group,) = look["topics"], look["groups"]
    assert ("shop", 4, 3) == (topic["topic"], topic["queues"], topic["messages"])
    assert ("readers", "shop", 1) == (group["group"], group["topic"], group["lag"])


def test_faults_are_at_work(serve: Callable[..., Serve]) -> None:
    server = serve("--fault", "send:error=SYSTEM_BUSY:times=1")

    assert [ResponseCode.SYSTEM_BUSY, ResponseCode.SUCCESS] == [send(server.broker) for _ in range(2)]


def test_data_is_there_after_a_restart(serve: Callable[..., Serve], tmp_path: Path) -> None:
    server = serve("--data", str(tmp_path))
    assert 0 == send(server.broker)
    server.stop()

    again = serve("--data", str(tmp_path), "--fsync", "always")

    assert {"offset": "1"} == ask(again.broker, Requests.create_get_max_offset_request("shop", 0)).ext_fields


def test_tls_is_used_when_there_is_a_certificate(
    serve: Callable[..., Serve], tmp_path: Path, run: Run
) -> None:
    authority = Authority(tmp_path, "authority")
    cert, key = authority.sign("127.0.0.1")
    server = serve("--tls-cert", str(cert), "--tls-key", str(key))

    assert 5 == run("doctor", server.nameserver, "--json", "--timeout", "1").code
    assert 4 == run("doctor", server.nameserver, "--json", "--tls-ca", str(authority.file)).code


def test_the_access_rules_of_the_documentation_are_kept(
    serve: Callable[..., Serve], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "embedded.md").read_text(encoding="utf-8")
    rules = tmp_path / "rules.toml"
    rules.write_text(page.partition("```toml\n")[2].partition("```")[0])
    server = serve("--acl", str(rules), "--topic", "shop", "--topic", "bills")

    def examine(topic: str) -> tuple[bool, bool]:
        ended = run("doctor", server.nameserver, "--topic", topic, "--json")
        (queues,) = ended.value["topic"]["queues"]
        return queues["may_send"], queues["may_read"]

    assert (False, False) == examine("shop")
    monkeypatch.setenv("PYROCKETMQ_ACCESS_KEY", "orders-app")
    monkeypatch.setenv("PYROCKETMQ_SECRET_KEY", "a-long-secret")
    assert (True, True) == examine("shop")
    assert (False, False) == examine("bills")
    assert 1 == run("topic", "create", "more", "--nameserver", server.nameserver).code
    monkeypatch.setenv("PYROCKETMQ_ACCESS_KEY", "operator")
    monkeypatch.setenv("PYROCKETMQ_SECRET_KEY", "another-secret")
    assert 0 == run("topic", "create", "more", "--nameserver", server.nameserver).code


def test_the_announced_address_can_be_another_one(serve: Callable[..., Serve], run: Run) -> None:
    server = serve("--advertise", "10.255.255.1")
    port = server.broker.rpartition(":")[2]
    nameserver = server.nameserver.replace("10.255.255.1", "127.0.0.1")

    ended = run("doctor", nameserver, "--timeout", "0.3", "--json")

    assert f"10.255.255.1:{port}" == server.broker
    assert f"it answers at 127.0.0.1:{port}" in ended.value["findings"][0]["what"]


def test_a_port_that_is_taken_is_said_so(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("serve", "--port", str(taken.getsockname()[1]), "--broker-port", "0")

    assert 1 == ended.code
    assert "another program listens on this port" in ended.err


def test_a_data_folder_that_another_process_uses_is_said_so(
    serve: Callable[..., Serve], tmp_path: Path, run: Run
) -> None:
    server = serve("--data", str(tmp_path))

    ended = run("serve", "--port", "0", "--data", str(tmp_path))

    assert 1 == ended.code
    folder = tmp_path / "broker-a"
    assert (
        f"error [S603]: the data folder {folder} is in use by the process {server.process.pid}" in ended.err
    )
    assert "Try:    stop the broker that uses it" in ended.err


WRONG = {
    "a port": (("--port", "70000"), "--port"),
    "brokers": (("--brokers", "0"), "--brokers"),
    "too many brokers": (("--brokers", "27"), "must be 1 to 26"),
    "a duration": (("--fsync-interval", "soon"), "--fsync-interval"),
    "no duration": (("--fsync-interval", "0"), "--fsync-interval is 0"),
    "a size": (("--retention-bytes", "much"), "--retention-bytes"),
    "a policy": (("--fsync", "sometimes"), "--fsync"),
    "a fault": (("--fault", "send:explode"), "explode"),
    "a fault for nothing": (("--fault", "sned:drop"), "'sned', which does not exist"),
    "a topic": (("--topic", "no good"), "illegal characters"),
    "queues": (("--topic", "shop:many"), "'many' for the number of queues"),
    "all addresses": (("--port", "0", "--host", "0.0.0.0"), "clients have to be told one of them"),  # noqa: S104
    "a host": (("--port", "0", "--host", "no-such-host.invalid"), "no-such-host.invalid"),
    "an advertised name": (("--port", "0", "--advertise", "no-such-host.invalid"), "no-such-host.invalid"),
    "a key alone": (("--tls-key", "key.pem"), "--tls-key is given without --tls-cert"),
    "a certificate": (("--tls-cert", "no-such.pem"), "which is no file"),
    "access rules": (("--acl", "no-such.toml"), "no-such.toml"),
    "a ready file": (("--port", "0", "--ready-file", "no/such/folder"), "--ready-file"),
    "a file for a folder": (("--data", __file__), "is no folder"),
    "a data folder": (("--port", "0", "--data", "/proc/no"), "/proc/no"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_use_is_named_without_a_traceback(run: Run, what: str) -> None:
    words, part = WRONG[what]

    ended = run("serve", *words)

    assert ended.code in (1, 2), ended.err
    assert part in ended.err
    assert ended.err.startswith("error")
    assert "Traceback" not in ended.err
    assert "" == ended.out


@pytest.mark.skipif(sys.platform == "win32", reason="terminals")
def test_a_terminal_gets_tables_that_stay_in_place() -> None:
    master, slave = os.openpty()
    words = ["serve", "--port", "0", "--topic", "shop:2", "--interval", "50ms"]
    environment = {**ENVIRONMENT, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "pyrocketmq", *words], stdin=slave, stdout=slave, stderr=slave, env=environment
    ) as process:
        os.close(slave)
        shown = b""
        while b"0 connections" not in shown:
            shown += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        assert 130 == process.wait(20)
    os.close(master)

    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "TOPIC  QUEUES  MESSAGES  IN/S" in text
    assert re.search(r"shop +2 +0 +0\.0", text)


async def test_rates_are_what_came_between_two_looks() -> None:
    async with EmbeddedServer() as server:
        watcher = Watcher(server)
        first = watcher.look(100.0)
        async with AsyncTcpTransport(server.brokers[0].address) as transport:
            for number in range(10):
                request = Requests.create_send_message_request("group", "shop", b"x", queue_id=number % 4)
                await transport.connection.request(request, 10)
            second = watcher.look(102.0)
        third = watcher.look(104.0)

    assert [] == first.topics
    assert ([("shop", 4, 10, 10, 5.0)], 1) == (
        [(row.topic, row.queues, row.messages, row.total, row.per_second) for row in second.topics],
        second.connections,
    )
    assert [0.0] == [row.per_second for row in third.topics]
    assert second.differs_from(first)
