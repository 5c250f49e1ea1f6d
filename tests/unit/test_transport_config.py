"""TransportConfig and TlsConfig: defaults, refusals, copies, the environment; addresses."""

from __future__ import annotations

import dataclasses
import ssl
from pathlib import Path
from typing import Any

import pytest

from pyrocketmq.errors import ConfigurationError, TlsError
from pyrocketmq.transport import TlsConfig, TransportConfig
from pyrocketmq.transport.utils import format_address, parse_address


def test_the_defaults_are_those_of_the_founding_api() -> None:
    config = TransportConfig()

    assert ("localhost", 8080, 30.0, 3.0) == (
        config.host,
        config.port,
        config.timeout,
        config.connect_timeout,
    )
    assert TransportConfig("h", 1, 2.0) == TransportConfig(host="h", port=1, timeout=2.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("host", "", "not be empty"),
        ("host", 5, "must be str"),
        ("port", 0, "1 to 65535"),
        ("port", 65536, "1 to 65535"),
        ("port", "80", "must be int"),
        ("port", True, "must be int"),
        ("timeout", 0, "> 0"),
        ("timeout", float("nan"), "> 0"),
        ("timeout", None, "must be int or float"),
        ("connect_timeout", -1, "> 0"),
        ("close_timeout", 0, "> 0"),
        ("header_codec", "xml", "'json' or 'binary'"),
        ("max_frame_bytes", 10, "1,024"),
        ("max_frame_bytes", 2**31, "2,147,483,647"),
        ("write_buffer_bytes", 0, "1,024"),
        ("keep_alive", 1, "must be bool"),
        ("keep_alive_idle", 0.5, "1 to 32,767"),
        ("keep_alive_interval", 0, "1 to 32,767"),
        ("keep_alive_count", 128, "1 to 127"),
        ("user_timeout", 0, "0.1 to 86400"),
        ("reconnect_min", 0, "> 0"),
        ("reconnect_max", 0.01, "reconnect_min (0.05)"),
        ("tls", True, "TlsConfig"),
        ("address_map", "a:1=b:2", "mapping"),
    ],
)
def test_an_impossible_value_is_refused_with_field_value_and_rule(
    field: str, value: object, rule: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TransportConfig(**{field: value})  # type: ignore[arg-type]

    assert field == caught.value.field
    assert f"{field} is " in caught.value.what
    assert rule in caught.value.what


def test_a_copy_has_the_changes_and_refuses_unknown_names() -> None:
    config = TransportConfig("a", 1, tls=TlsConfig())

    assert ("a", 1, 9.0, config.tls) == (*dataclasses.astuple(config.copy(timeout=9.0))[:3], config.tls)
    assert config.replace(port=2) == TransportConfig("a", 2, tls=TlsConfig())
    with pytest.raises(ConfigurationError, match="no field 'timeuot'") as caught:
        config.copy(timeuot=1)
    assert "connect_timeout" in str(caught.value.advice)
    with pytest.raises(ConfigurationError, match="port is 0"):
        config.copy(port=0)


def test_the_environment_is_read() -> None:
    config = TransportConfig.from_env(
        environ={
            "PYROCKETMQ_HOST": "broker",
            "PYROCKETMQ_PORT": "10911",
            "PYROCKETMQ_CONNECT_TIMEOUT": "1.5",
            "PYROCKETMQ_KEEP_ALIVE": "off",
            "PYROCKETMQ_USER_TIMEOUT": "none",
            "PYROCKETMQ_ADDRESS_MAP": "10.0.0.1:10911=localhost:1, 10.0.0.2:10911=localhost:2",
            "PYROCKETMQ_TLS_VERIFY": "false",
            "OTHER_TIMEOUT": "x",
        }
    )

    assert ("broker:10911", 1.5, False, None) == (
        config.address,
        config.connect_timeout,
        config.keep_alive,
        config.user_timeout,
    )
    assert config.tls == TlsConfig(verify=False)
    assert ("localhost", 2) == config.replace(host="10.0.0.2").target
    assert TransportConfig() == TransportConfig.from_env(environ={})
    assert TransportConfig.from_env("X_", environ={"X_TLS": "on"}).tls == TlsConfig()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("TIMEOUT", "3s"), ("KEEP_ALIVE", "maybe"), ("ADDRESS_MAP", "a:1"), ("TLS", "2")],
)
def test_a_bad_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"PYROCKETMQ_{name} is '{value}'"):
        TransportConfig.from_env(environ={f"PYROCKETMQ_{name}": value})


def test_tls_settings_beside_tls_turned_off_are_a_contradiction() -> None:
    with pytest.raises(ConfigurationError, match="server_name"):
        TransportConfig.from_env(environ={"PYROCKETMQ_TLS": "false", "PYROCKETMQ_TLS_SERVER_NAME": "b"})


@pytest.mark.parametrize(
    ("mapped", "target"),
    [
        (None, ("172.17.0.3", 10911)),
        ({"172.17.0.3:10911": "localhost:9"}, ("localhost", 9)),
        ({"172.17.0.4:10911": "localhost:9"}, ("172.17.0.3", 10911)),
        (lambda address: address.replace("172.17.0.3", "[::1]"), ("::1", 10911)),
    ],
)
def test_an_announced_address_can_be_mapped(mapped: Any, target: tuple[str, int]) -> None:
    config = TransportConfig.from_address("172.17.0.3:10911", address_map=mapped)

    assert (target, "172.17.0.3:10911") == (config.target, config.address)


def test_a_mapping_with_a_bad_address_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="no port"):
        TransportConfig(address_map={"a:1": "b"})


@pytest.mark.parametrize(
    ("text", "pair"),
    [("a:1", ("a", 1)), (" 1.2.3.4:65535 ", ("1.2.3.4", 65535)), ("[::1]:9876", ("::1", 9876))],
)
def test_addresses_are_read_and_written(text: str, pair: tuple[str, int]) -> None:
    assert pair == parse_address(text)
    assert text.strip() == format_address(*pair)


@pytest.mark.parametrize("text", ["", ":1", "a", "a:", "a:0", "a:65536", "a:1x", "::1:9876", "a:\u0661"])
def test_bad_addresses_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_address(text)
    assert "address" == caught.value.field


def test_a_default_port_fills_in() -> None:
    assert (("a", 9876), ("::1", 9876), ("a", 1)) == tuple(
        parse_address(text, 9876) for text in ("a", "[::1]", "a:1")
    )


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
        ({"key_file": __file__}, "cert_file"),
        ({"key_password": "x"}, "key_password"),
        ({"ca_file": __file__, "verify": False}, "verify"),
        ({"server_name": ""}, "server_name"),
        ({"handshake_timeout": 0}, "handshake_timeout"),
        ({"ca_file": __file__, "context": ssl.create_default_context()}, "ca_file"),
    ],
)
def test_tls_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TlsConfig(**settings)
    assert field == caught.value.field


def test_a_server_is_verified_unless_that_is_turned_off() -> None:
    strict, lax = TlsConfig().create_context(), TlsConfig(verify=False).create_context()

    assert (True, ssl.CERT_REQUIRED) == (strict.check_hostname, strict.verify_mode)
    assert (False, ssl.CERT_NONE) == (lax.check_hostname, lax.verify_mode)
    ready = ssl.create_default_context()
    assert TlsConfig(context=ready).create_context() is ready


def test_files_that_hold_no_certificate_are_named(tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("hello", encoding="ascii")

    with pytest.raises(TlsError, match=r"text\.pem"):
        TlsConfig(ca_file=text).create_context()
    with pytest.raises(TlsError, match=r"text\.pem"):
        TlsConfig(cert_file=text).create_context()
    assert "secret" not in repr(TlsConfig(cert_file=text, key_password="secret"))  # noqa: S106
