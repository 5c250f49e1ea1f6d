"""The producer, and the client beneath it, on servers that check who asks and talk TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrocketmq import Producer
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.message import Message
from pyrocketmq.broker import SyncBrokerClient
from pyrocketmq.errors import AclError, NoNameServerError, NoPermissionError, RocketMQError, ServerError
from pyrocketmq.model import AclCredentials
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.producer import ProducerConfig
from pyrocketmq.remote.credentials import Credentials
from pyrocketmq.remote.hooks import RpcHook
from pyrocketmq.transport import TlsConfig
from tests.servers import Security, Server, Wire
from tests.transport.certificates import Authority

from .clients import new_name, split
from .conftest import QUEUES, Differs
from .reading import pull

TIMEOUT_S = 10.0


@pytest.fixture
def guarded_topic(secured: Server, keys: Security) -> str:
    """A topic that the app may send to."""
    name = new_name("topic")
    with Wire(secured.broker, credentials=keys.admin) as admin:
        admin.call(Requests.create_create_topic_request(name, QUEUES, QUEUES))
    return name


def signing(credentials: AclCredentials) -> Credentials:
    return Credentials(credentials.access_key, credentials.secret_key)


def stored(secured: Server, keys: Security, topic: str, count: int) -> list[bytes]:
    """The bodies of a topic, once there are so many."""
    with Wire(secured.broker, credentials=keys.app) as app:

        def read() -> list[bytes] | None:
            found = [
                message.body for queue_id in range(QUEUES) for message in pull(app, topic, queue_id).messages
            ]
            return sorted(found) if len(found) == count else None

        return secured.until(read, f"{count} messages in {topic}")


@pytest.mark.parametrize("header_codec", ["json", "binary"])
@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
def test_every_kind_of_send_is_signed(
    secured: Server, keys: Security, guarded_topic: str, header_codec: str, over_tls: bool
) -> None:
    tls = TlsConfig(ca_file=keys.ca_file) if over_tls else None
    producer = Producer(
        new_name("group"),
        secured.name_server,
        credentials=signing(keys.app),
        tls=tls,
        header_codec=header_codec,
        send_timeout=TIMEOUT_S,
    )
    with producer:
        producer.send(
            guarded_topic, b"awaited", tags="\u00fc", keys="\u4e2d", properties={"city": "K\u00f6ln"}
        )
        producer.send_batch([Message(guarded_topic, b"batch 0"), Message(guarded_topic, b"batch 1")])
        producer.submit(guarded_topic, b"submitted")
        producer.flush(TIMEOUT_S)
        producer.send_oneway(guarded_topic, b"one-way")
        found = stored(secured, keys, guarded_topic, 5)

    assert found == [b"awaited", b"batch 0", b"batch 1", b"one-way", b"submitted"]


def test_brokers_hear_of_a_group_whose_client_signs(
    secured: Server, keys: Security, guarded_topic: str
) -> None:
    group = new_name("group")
    with Producer(
        group,
        secured.name_server,
        credentials=signing(keys.app),
        tls=TlsConfig(ca_file=keys.ca_file),
        send_timeout=TIMEOUT_S,
    ) as producer:
        producer.send(guarded_topic, b"x")
        with SyncBrokerClient(*split(secured.broker), credentials=signing(keys.admin)) as admin:

            def known() -> list[str]:
                try:
                    connections = admin.get_producer_connections(group)
                except RocketMQError:
                    return []
                return [str(one.client_id) for one in connections.connection_set]

            assert secured.until(known, "the broker knows the group") == [producer.stats()["client_id"]]


@pytest.mark.parametrize("who", ["nobody", "a wrong secret", "an unknown name"])
def test_who_may_not_send_is_told_so_at_the_first_try(
    secured: Server, keys: Security, guarded_topic: str, who: str, differs: Differs
) -> None:
    credentials = {
        "nobody": None,
        "a wrong secret": Credentials(keys.app.access_key, "not-the-secret"),
        "an unknown name": Credentials("somebody-else", "some-secret"),
    }[who]
    with (
        pytest.raises(ServerError) as caught,
        Producer(
            new_name("group"), secured.name_server, credentials=credentials, send_timeout=TIMEOUT_S
        ) as producer,
    ):
        producer.send(guarded_topic, b"x")

    error = caught.value
    assert differs("refuses-with-a-system-error") or isinstance(error, NoPermissionError | AclError)
    assert not error.retryable
    assert not error.maybe_sent
    assert "not-the-secret" not in str(error)
    assert "some-secret" not in str(error)


def test_keys_may_change_while_a_producer_sends(secured: Server, keys: Security, guarded_topic: str) -> None:
    current = [signing(keys.admin)]
    with Producer(
        new_name("group"), secured.name_server, credentials=lambda: current[0], send_timeout=TIMEOUT_S
    ) as producer:
        producer.send(guarded_topic, b"as the administrator")
        current[0] = signing(keys.app)
        producer.send(guarded_topic, b"as the application")
        current[0] = Credentials(keys.app.access_key, "not-the-secret")
        with pytest.raises(RocketMQError):
            producer.send(guarded_topic, b"as nobody", timeout=1.0)
        current[0] = signing(keys.app)
        producer.send(guarded_topic, b"once more")

    found = stored(secured, keys, guarded_topic, 3)
    assert found == [b"as the administrator", b"as the application", b"once more"]


def test_fields_that_hooks_add_are_signed_too(secured: Server, keys: Security, guarded_topic: str) -> None:
    seen: list[int] = []

    class Adding(RpcHook):
        def before_request(self, address: str, request: RemotingCommand) -> None:  # noqa: ARG002
            seen.append(request.code)
            request.ext_fields = {**(request.ext_fields or {}), "zone": "K\u00f6ln"}

    config = ProducerConfig(
        producer_group=new_name("group"),
        namesrv_addr=secured.name_server,
        credentials=signing(keys.app),
        rpc_hooks=(Adding(),),
        send_timeout=TIMEOUT_S,
    )
    with Producer(config=config) as producer:
        assert producer.send(guarded_topic, b"x").ok

    assert seen


def test_a_server_of_another_authority_is_refused_at_the_start(
    secured: Server, keys: Security, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    producer = Producer(
        new_name("group"),
        secured.name_server,
        credentials=signing(keys.app),
        tls=TlsConfig(ca_file=stranger.file),
        request_timeout=2.0,
    )
    with pytest.raises(NoNameServerError, match="certificate"):
        producer.start()
    producer.shutdown()


def test_a_server_of_another_name_is_refused_at_the_start(secured: Server, keys: Security) -> None:
    producer = Producer(
        new_name("group"),
        secured.name_server,
        credentials=signing(keys.app),
        tls=TlsConfig(ca_file=keys.ca_file, server_name="rocketmq.example"),
        request_timeout=2.0,
    )
    with pytest.raises(NoNameServerError, match="rocketmq.example"):
        producer.start()
    producer.shutdown()
