"""Options that say which servers to talk to and as whom, the same for every command that connects."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.cli.problems import UsageError
from pyrocketmq.transport import TransportConfig
from pyrocketmq.transport.tls import TlsConfig
from pyrocketmq.transport.utils import format_address, parse_address

if TYPE_CHECKING:
    import argparse

    from pyrocketmq.model import AclCredentials

__all__ = [
    "NAME_SERVER_PORT",
    "add_connection_options",
    "add_name_server_option",
    "address_map_of",
    "credentials_of",
    "name_servers_of",
    "positive_number",
    "tls_of",
    "transport_of",
]

NAME_SERVER_PORT: Final = 9876

_TLS_OPTIONS: Final = ("tls_ca", "tls_cert", "tls_key", "tls_server_name", "tls_no_verify")


def positive_number(text: str) -> float:
    """A number above zero, for ``type=`` of an argument."""
    value = float(text)
    if not 0 < value <= 86400:
        raise ValueError(text)
    return value


positive_number.__name__ = "number of seconds"  # argparse shows it


def add_name_server_option(parser: argparse.ArgumentParser) -> None:
    """``--nameserver``, for the commands that ask a whole cluster."""
    parser.add_argument(
        "-n",
        "--nameserver",
        metavar="ADDR",
        help="name servers as host:port, several with ; between them, or the URL of an address service"
        " (default: $NAMESRV_ADDR, else localhost:9876)",
    )


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Time-out, address map, TLS and credentials."""
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--timeout",
        type=positive_number,
        default=3.0,
        metavar="S",
        help="seconds to wait for each answer (3)",
    )
    group.add_argument(
        "--address-map",
        action="append",
        default=[],
        metavar="A=B",
        help="connect to B in place of the announced address A; may be repeated",
    )
    group.add_argument("--tls", action="store_true", help="connect with TLS; the certificate is verified")
    group.add_argument(
        "--tls-ca", metavar="FILE", help="authority of the server's certificate (PEM); implies --tls"
    )
    group.add_argument("--tls-cert", metavar="FILE", help="own certificate (PEM)")
    group.add_argument("--tls-key", metavar="FILE", help="key of the own certificate (PEM)")
    group.add_argument("--tls-server-name", metavar="NAME", help="name that the certificate must be for")
    group.add_argument("--tls-no-verify", action="store_true", help="take any certificate: for tests only")
    group.add_argument(
        "--access-key", metavar="KEY", help="access key or user (default: $PYROCKETMQ_ACCESS_KEY)"
    )
    group.add_argument(
        "--secret-key-file",
        metavar="FILE",
        help="file with the secret key or password (default: the key is $PYROCKETMQ_SECRET_KEY)",
    )


def name_servers_of(arguments: argparse.Namespace) -> str:
    """What ``--nameserver`` or the environment says: a list, or the URL of an address service."""
    given: str | None = arguments.nameserver
    if given is None:
        given = os.environ.get("NAMESRV_ADDR")
    return f"localhost:{NAME_SERVER_PORT}" if given is None else given


def address_map_of(arguments: argparse.Namespace) -> dict[str, str]:
    """What ``--address-map`` says, by announced address."""
    found: dict[str, str] = {}
    for pairs in arguments.address_map:
        for pair in pairs.split(","):
            announced, equals, mapped = (part.strip() for part in pair.partition("="))
            if not equals:
                raise UsageError(
                    f"--address-map {pair!r} has no '='",
                    field="address_map",
                    advice="write announced=reachable, as in 172.17.0.3:10911=localhost:10911",
                )
            found[format_address(*parse_address(announced))] = format_address(*parse_address(mapped))
    return found


def tls_of(arguments: argparse.Namespace) -> TlsConfig | None:
    """TLS settings; None for plain TCP."""
    if not arguments.tls and not any(getattr(arguments, name) for name in _TLS_OPTIONS):
        return None
    return TlsConfig(
        ca_file=arguments.tls_ca,
        cert_file=arguments.tls_cert,
        key_file=arguments.tls_key,
        server_name=arguments.tls_server_name,
        verify=not arguments.tls_no_verify,
    )


def credentials_of(arguments: argparse.Namespace) -> AclCredentials | None:
    """Who signs the requests; None if nobody does."""
    access_key = arguments.access_key or os.environ.get("PYROCKETMQ_ACCESS_KEY")
    secret_key = os.environ.get("PYROCKETMQ_SECRET_KEY")
    if arguments.secret_key_file:
        try:
            secret_key = Path(arguments.secret_key_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"--secret-key-file {arguments.secret_key_file!r} cannot be read: {error}",
                field="secret_key_file",
                advice="give a text file that holds nothing but the key",
            ) from error
    if access_key is None and secret_key is None:
        return None
    if not access_key or not secret_key:
        raise UsageError(
            "there is "
            + ("an access key without a secret key" if access_key else "a secret key without an access key"),
            field="secret_key" if access_key else "access_key",
            advice="give --access-key and --secret-key-file, or set PYROCKETMQ_ACCESS_KEY and _SECRET_KEY",
        )
    from pyrocketmq.model import AclCredentials  # noqa: PLC0415 - only where somebody signs

    return AclCredentials(access_key, secret_key, os.environ.get("PYROCKETMQ_SECURITY_TOKEN"))


def transport_of(arguments: argparse.Namespace, address: str) -> TransportConfig:
    """How to connect to one server."""
    changes: dict[str, Any] = {
        "timeout": arguments.timeout,
        "connect_timeout": min(3.0, arguments.timeout),
        "tls": tls_of(arguments),
        "address_map": address_map_of(arguments) or None,
    }
    return TransportConfig.from_address(address, **changes)
