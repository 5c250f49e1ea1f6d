"""Servers that check who asks, and talk TLS beside plain text."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Callable, Iterator

import pytest

from pyrocketmq.model import AclCredentials, ClusterInfo, PullMessageResult, PullStatus
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Codec, Security, Server, Wire

from .conftest import QUEUES, Differs

As = Callable[[AclCredentials | None], Wire]


@pytest.fixture
def connect_as(secured: Server, codec: Codec) -> Iterator[As]:
    """Opens connections to the broker that sign with these keys."""
    opened: list[Wire] = []

    def open_one(credentials: AclCredentials | None) -> Wire:
        opened.append(Wire(secured.broker, codec, credentials=credentials))
        return opened[-1]

    yield open_one
    for wire in opened:
        wire.close()


@pytest.fixture
def guarded_topic(connect_as: As, keys: Security) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    connect_as(keys.admin).call(Requests.create_create_topic_request(name, QUEUES, QUEUES))
    return name


@pytest.fixture
def refusal(differs: Differs) -> int:
    """The code of what is not allowed."""
    return 1 if differs("refuses-with-a-system-error") else 16


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_who_may_publish_and_subscribe_does(
    secured: Server, connect_as: As, keys: Security, guarded_topic: str
) -> None:
    app = connect_as(keys.app)
    app.call(Requests.create_send_message_v2_request("producers", guarded_topic, b"x", tags="new"))

    def pulled() -> bool:
        command = Requests.create_pull_message_request("readers", guarded_topic, 0, 0, 32)
        result = PullMessageResult.from_command(app.ask(command).command)
        return result.status is PullStatus.FOUND

    assert secured.until(pulled, "the message is there")


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_nobody_sends_without_keys(connect_as: As, guarded_topic: str, refusal: int) -> None:
    command = Requests.create_send_message_v2_request("producers", guarded_topic, b"x")

    assert connect_as(None).ask(command).command.code == refusal


def test_nobody_sends_with_a_wrong_secret(
    connect_as: As, keys: Security, guarded_topic: str, refusal: int
) -> None:
    wrong = AclCredentials(keys.app.access_key, "not-the-secret")
    command = Requests.create_send_message_v2_request("producers", guarded_topic, b"x")

    assert connect_as(wrong).ask(command).command.code == refusal


def test_nobody_sends_under_an_unknown_name(connect_as: As, guarded_topic: str, refusal: int) -> None:
    command = Requests.create_send_message_v2_request("producers", guarded_topic, b"x")

    assert connect_as(AclCredentials("nobody-here", "whatever-it-is")).ask(command).command.code == refusal


def test_a_changed_request_is_refused(
    connect_as: As, keys: Security, guarded_topic: str, refusal: int
) -> None:
    """The signature covers every field and the body."""
    for change in ("body", "field"):
        wire = connect_as(keys.app)
        command = Requests.create_send_message_v2_request("producers", guarded_topic, b"x")
        wire.encode(command)
        wire.credentials = None
        if change == "body":
            command.body = b"y"
        else:
            command.ext_fields = (command.ext_fields or {}) | {"added": "later"}
        assert wire.ask(command).command.code == refusal


def test_who_only_publishes_does_not_administer(
    connect_as: As, keys: Security, guarded_topic: str, refusal: int
) -> None:
    command = Requests.create_create_topic_request(guarded_topic, 8, 8)

    assert connect_as(keys.app).ask(command).command.code == refusal


def test_a_server_talks_tls_with_a_certificate_of_its_authority(secured: Server, keys: Security) -> None:
    context = ssl.create_default_context(cafile=str(keys.ca_file))
    with Wire(secured.name_server, tls=context, credentials=keys.admin) as name_server:
        body = name_server.call(Requests.create_get_broker_cluster_info_request()).body
        info = ClusterInfo.decode(body)
    with Wire(secured.broker, tls=context, credentials=keys.app) as broker:
        topic = f"topic-{uuid.uuid4().hex}"
        command = Requests.create_send_message_v2_request("producers", topic, bytes(100_000))
        answer = broker.call(command)

    assert info.broker_addr_table[secured.broker_name].broker_addrs == {0: secured.broker}
    assert (answer.ext_fields or {})["queueOffset"] == "0"


def test_a_client_that_does_not_know_the_authority_refuses(secured: Server) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        Wire(secured.broker, tls=ssl.create_default_context())


def test_plain_text_is_taken_beside_tls(connect_as: As, keys: Security, guarded_topic: str) -> None:
    command = Requests.create_send_message_v2_request("producers", guarded_topic, b"x")

    assert connect_as(keys.app).ask(command).command.code == 0
