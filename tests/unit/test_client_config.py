"""Settings of clients: what is refused before anything is connected, and what the environment may say."""

from __future__ import annotations

from typing import Any

import pytest

from pyrocketmq.client.config import ClientConfig
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.remote import Credentials
from pyrocketmq.remote.hooks import RpcHook
from pyrocketmq.transport.tls import TlsConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("namesrv_addr", "host:99999"),
        ("client_id", " "),
        ("unit_name", 5),
        ("credentials", "key:secret"),
        ("tls", True),
        ("address_map", {"10.0.0.1:10911": "nowhere"}),
        ("rpc_hooks", [RpcHook()]),
        ("rpc_hooks", (print,)),
        ("header_codec", "xml"),
        ("connect_timeout", 0),
        ("request_timeout", float("nan")),
        ("route_poll_interval", 0.01),
        ("heartbeat_interval", 120.0),
        ("after_fork", "ignore"),
        ("spin", 1.0),
        ("max_lanes", 1.5),
        ("max_lanes", True),
        ("lane_idle", 0),
        ("write_buffer_bytes", 0),
        ("max_message_bytes", 0),
        ("create_topics", 1),
        ("default_topic", ""),
        ("default_topic_queues", 0),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ClientConfig(**{"namesrv_addr": "localhost:9876", name: value})

    assert raised.value.advice or name == "address_map"
    assert raised.value.field == name or name in ("address_map", "namesrv_addr")


def test_a_secret_is_not_shown_by_the_error_that_refuses_it() -> None:
    with pytest.raises(ConfigurationError) as raised:
        ClientConfig(credentials=("key", "hunter2"))  # type: ignore[arg-type]

    assert "hunter2" not in str(raised.value)


def test_a_client_is_in_one_namespace_at_most() -> None:
    with pytest.raises(ConfigurationError) as raised:
        ClientConfig(namespace="a", namespace_v2="b")

    assert "namespace_v2" == raised.value.field


def test_the_limits_of_numbers_are_inside() -> None:
    for name, least, most in (
        ("heartbeat_interval", 0.1, 110.0),
        ("spin", 0.0, 0.01),
        ("max_lanes", 1, 65_536),
        ("default_topic_queues", 1, 65_536),
    ):
        assert least == getattr(ClientConfig(**{name: least}), name)
        assert most == getattr(ClientConfig(**{name: most}), name)


def test_the_environment_gives_fields_by_their_names() -> None:
    config = ClientConfig.from_env(
        environ={
            "NAMESRV_ADDR": "a:9876;b:9876",
            "PYROCKETMQ_CLIENT_ID": "me",
            "PYROCKETMQ_HEARTBEAT_INTERVAL": " 10 ",
            "PYROCKETMQ_MAX_LANES": "8",
            "PYROCKETMQ_CREATE_TOPICS": "off",
            "PYROCKETMQ_AFTER_FORK": "error",
            "PYROCKETMQ_ADDRESS_MAP": "10.0.0.1:10911=localhost:10911",
            "PYROCKETMQ_TLS": "on",
            "PYROCKETMQ_ACCESS_KEY": "key",
            "PYROCKETMQ_SECRET_KEY": "secret",
        }
    )

    assert "a:9876;b:9876" == config.namesrv_addr
    assert "me" == config.client_id
    assert 10.0 == config.heartbeat_interval
    assert 8 == config.max_lanes
    assert config.create_topics is False
    assert "error" == config.after_fork
    assert {"10.0.0.1:10911": "localhost:10911"} == config.address_map
    assert isinstance(config.tls, TlsConfig)
    assert Credentials("key", "secret") == config.credentials


def test_the_own_variable_counts_more_than_the_one_of_all_clients() -> None:
    config = ClientConfig.from_env(environ={"NAMESRV_ADDR": "a:9876", "PYROCKETMQ_NAMESRV_ADDR": "b:9876"})

    assert "b:9876" == config.namesrv_addr


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PYROCKETMQ_HEARTBEAT_INTERVAL", "soon"),
        ("PYROCKETMQ_MAX_LANES", "1.5"),
        ("PYROCKETMQ_CREATE_TOPICS", "maybe"),
        ("PYROCKETMQ_AFTER_FORK", "ignore"),
    ],
)
def test_a_text_of_the_environment_that_cannot_be_read_is_refused(variable: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=repr(text)):
        ClientConfig.from_env(environ={variable: text})


def test_a_copy_has_other_values_and_no_unknown_names() -> None:
    config = ClientConfig(namesrv_addr="a:9876")

    assert 5 == config.replace(max_lanes=5).max_lanes
    assert 64 == config.max_lanes
    with pytest.raises(ConfigurationError, match="max_lane"):
        config.replace(max_lane=5)


def test_connections_are_made_with_the_settings_of_the_client() -> None:
    config = ClientConfig(
        connect_timeout=1.0,
        request_timeout=2.0,
        header_codec="binary",
        write_buffer_bytes=4096,
        address_map={"a:1": "b:2"},
        spin=0.001,
        max_lanes=3,
        lane_idle=5.0,
    )
    transport = config.transport_config()
    remote = config.remote_config()

    assert (1.0, "binary", 4096) == (
        transport.connect_timeout,
        transport.header_codec,
        transport.write_buffer_bytes,
    )
    assert ("b", 2) == transport.replace(host="a", port=1).target
    assert (2.0, 0.001, 3, 5.0) == (remote.timeout, remote.spin, remote.max_lanes, remote.lane_idle)
