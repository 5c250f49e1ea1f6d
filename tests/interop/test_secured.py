"""Released clients with access keys, and with TLS that verifies, on a server that wants both."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Security, Server, Wire, started

from .conftest import QUEUES, Starting
from .programs import CLIENTS, Build, Program

TLS_CLIENTS = ("java-5.5.0", "java-4.9.7")  # Go v2.1.2 has no TLS


@pytest.fixture(scope="module")
def secured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with access control that takes TLS beside plain text."""
    folder = tmp_path_factory.mktemp("secured") / "state"
    with started(request.param, folder, secured=True, real_time=True) as running:
        yield running


@pytest.fixture(scope="module")
def keys(secured: Server) -> Security:
    assert secured.security is not None
    return secured.security


@pytest.fixture(scope="module")
def trusting(
    secured: Server,
    keys: Security,
    built: Callable[[str], Build],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Program]]:
    """Client programs that trust the authority of the server, each started when it is first asked for."""
    running: dict[str, Program] = {}
    settings = {
        "tls.test.mode.enable": "false",
        "tls.client.authServer": "true",
        "tls.client.trustCertPath": str(keys.ca_file),
    }

    def get(name: str) -> Program:
        if name not in running:
            folder = tmp_path_factory.mktemp("trusting") / name
            chosen = settings if name in TLS_CLIENTS else {}
            running[name] = Program(built(name), secured.name_server, folder, chosen)
        return running[name]

    yield get
    for program in running.values():
        program.close()


@pytest.fixture
def topic(secured: Server, keys: Security) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    with Wire(secured.broker, credentials=keys.admin) as wire:
        wire.call(Requests.create_create_topic_request(name, QUEUES, QUEUES))
    return name


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_with_keys_sends_and_consumes(
    keys: Security,
    trusting: Callable[[str], Program],
    name: str,
    topic: str,
    group: str,
    consuming: Starting,
) -> None:
    program = trusting(name)
    signed = {"accessKey": keys.app.access_key, "secretKey": keys.app.secret_key}

    program.do("produce", topic=topic, group=f"{group}-p", body="signed", count=3, **signed)
    messages = consuming(program, topic=topic, group=group, **signed).messages(3)

    assert sorted(message["body"] for message in messages) == ["signed0", "signed1", "signed2"]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_with_a_wrong_secret_is_refused(
    keys: Security, trusting: Callable[[str], Program], name: str, topic: str, group: str
) -> None:
    signed = {"accessKey": keys.app.access_key, "secretKey": "not-the-secret"}

    task = trusting(name).start("produce", topic=topic, group=group, body="x", **signed)

    (end,) = task.some("end")
    assert end["error"]


@pytest.mark.parametrize("name", TLS_CLIENTS)
def test_a_client_sends_and_consumes_over_tls(
    keys: Security,
    trusting: Callable[[str], Program],
    name: str,
    topic: str,
    group: str,
    consuming: Starting,
) -> None:
    program = trusting(name)
    options = {"accessKey": keys.app.access_key, "secretKey": keys.app.secret_key, "tls": "yes"}

    program.do("produce", topic=topic, group=f"{group}-p", body="hidden", size=100_000, **options)
    (message,) = consuming(program, topic=topic, group=group, **options).messages(1)

    assert message["body"].startswith("hidden0")
    assert len(message["body"]) == 100_000
