"""Examines one server: its name, its port, its protocol, TLS and how fast it answers.

What a name server or a broker is asked beyond that is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyrocketmq.cli.dumping.telling import release_of
from pyrocketmq.cli.examining.asking import open_server
from pyrocketmq.cli.examining.certificate import read_certificate
from pyrocketmq.cli.examining.findings import Weight
from pyrocketmq.cli.examining.sniffing import Kind, fetch_certificate, sniff
from pyrocketmq.errors import ConnectTimeoutError, RocketMQError, TlsError, TransportError
from pyrocketmq.model import RemotingRequestFactory
from pyrocketmq.transport.utils import format_address

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pyrocketmq.cli.examining.asking import RoundTrip, Server
    from pyrocketmq.cli.examining.findings import Findings
    from pyrocketmq.model import AclCredentials, RemotingCommand
    from pyrocketmq.transport import TransportConfig

__all__ = ["ServerFacts", "examined_server", "note_answer"]

_DAYS_BEFORE_EXPIRY: Final = 30
_OLDEST_RELEASE: Final = 389  # 4.9.0 has 393; what is older was not tried


@dataclass(slots=True)
class ServerFacts:
    """What was learned about one server."""

    address: str
    target: str | None = None
    resolved: list[str] = field(default_factory=list[str])
    resolve_ms: float | None = None
    connect_ms: float | None = None
    round_trip: RoundTrip | None = None
    release: str | None = None
    speaks: str | None = None
    tls: dict[str, object] | None = None

    @property
    def works(self) -> bool:
        """True if it answered as a RocketMQ server does."""
        return self.release is not None

    def to_value(self) -> dict[str, object]:
        """The facts as JSON values."""
        return {
            "address": self.address,
            "connects_to": self.target,
            "works": self.works,
            "resolved": self.resolved,
            "resolve_ms": _rounded(self.resolve_ms),
            "connect_ms": _rounded(self.connect_ms),
            "round_trip_ms": (
                {name: _rounded(value) for name, value in self.round_trip._asdict().items()}
                if self.round_trip
                else None
            ),
            "release": self.release,
            "speaks": self.speaks,
            "tls": self.tls,
        }


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 3)


@asynccontextmanager
async def examined_server(
    facts: ServerFacts,
    config: TransportConfig,
    credentials: AclCredentials | None,
    findings: Findings,
    *,
    explain_unreachable: bool = True,
) -> AsyncGenerator[Server]:
    """A connection to a server, its name, port and TLS looked at.

    What goes wrong, here or in the body, becomes a finding and is raised again as it was.

    Args:
        facts: filled with what is learned.
        config: how to connect.
        credentials: who signs.
        findings: takes what is wrong.
        explain_unreachable: False if the caller makes its own finding of a server that cannot be reached.
    """
    host, port = config.target
    if config.target != (config.host, config.port):
        facts.target = format_address(host, port)
    await _resolve(facts, host, port)
    begin = time.perf_counter()
    try:
        async with open_server(config, credentials) as server:
            facts.connect_ms = (time.perf_counter() - begin) * 1000
            if server.tls is not None:
                _note_tls(facts, config, server.tls, findings)
            yield server
    except TlsError as error:
        await _explain_tls(facts, config, error, findings)
        raise
    except TransportError as error:
        if facts.connect_ms is not None:
            if not facts.works:
                await _explain_protocol(facts, config, error, findings)
            else:
                findings.add(
                    Weight.BROKEN, facts.address, error.what, likely=error.likely, advice=error.advice
                )
        elif explain_unreachable:
            findings.add(Weight.BROKEN, facts.address, error.what, likely=error.likely, advice=error.advice)
        raise


async def _resolve(facts: ServerFacts, host: str, port: int) -> None:
    begin = time.perf_counter()
    try:
        async with asyncio.timeout(5.0):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:  # connecting says the same, and why
        return
    facts.resolve_ms = (time.perf_counter() - begin) * 1000
    facts.resolved = list(dict.fromkeys(str(info[4][0]) for info in found))


def note_answer(facts: ServerFacts, answer: RemotingCommand, findings: Findings) -> None:
    """Take the release from a first answer."""
    facts.speaks = "RocketMQ remoting"
    facts.release = release_of(answer.version)
    if answer.version < _OLDEST_RELEASE:
        findings.add(
            Weight.WARNING,
            facts.address,
            f"release {facts.release} is older than 4.9",
            advice="expect that some requests are not known there; 4.9 and 5.x are what is tested",
        )


def _note_tls(
    facts: ServerFacts, config: TransportConfig, seen: tuple[str, str, bytes | None], findings: Findings
) -> None:
    version, cipher, der = seen
    facts.tls = {"version": version, "cipher": cipher, "verified": True}
    if config.tls is not None and not config.tls.verify:
        facts.tls["verified"] = False
        findings.add(
            Weight.WARNING,
            facts.address,
            "the certificate is not verified, so anybody in between can read and change everything",
            advice="use --tls-ca with the authority's certificate in place of --tls-no-verify",
        )
    _note_certificate(facts, der, findings)


def _note_certificate(facts: ServerFacts, der: bytes | None, findings: Findings) -> None:
    certificate = read_certificate(der) if der else None
    if certificate is None or facts.tls is None:
        return
    days = certificate.days_left(dt.datetime.now(dt.UTC))
    facts.tls["certificate"] = {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "self_signed": certificate.self_signed,
        "names": list(certificate.names),
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "days_left": days,
    }
    if 0 <= days < _DAYS_BEFORE_EXPIRY:
        findings.add(
            Weight.WARNING,
            facts.address,
            f"its certificate expires in {days} days, on {certificate.not_after:%Y-%m-%d}",
            advice="renew the server's certificate",
        )


async def _explain_tls(
    facts: ServerFacts, config: TransportConfig, error: TlsError, findings: Findings
) -> None:
    """The handshake failed: because of the certificate, or because this is no TLS server."""
    host, port = config.target
    assert config.tls is not None  # noqa: S101
    if error.field == "cert_file" or (error.field == "ca_file" and error.address is None):
        # A file of ours; no server was asked.
        findings.add(Weight.BROKEN, facts.address, error.what, likely=error.likely, advice=error.advice)
        return
    der = await fetch_certificate(host, port, config.tls.server_name or host, min(1.5, config.timeout))
    if der is not None:
        facts.speaks = Kind.TLS.value
        facts.tls = {"verified": False}
        _note_certificate(facts, der, findings)
        options = {"ca_file": "--tls-ca", "server_name": "--tls-server-name"}
        advice = error.advice
        if advice is not None and error.field in options:
            advice = advice.replace(f"set {error.field} to", f"use {options[error.field]} with")
        findings.add(Weight.BROKEN, facts.address, error.what, likely=error.likely, advice=advice)
        return
    if await _speaks_plain(config):
        facts.speaks = "RocketMQ remoting without TLS"
        findings.add(
            Weight.BROKEN,
            facts.address,
            "the server speaks plain TCP on this port, and TLS was tried",
            likely="its TLS is switched off (tls.server.mode=disabled)",
            advice="leave the --tls options out, or switch TLS on in the server",
        )
        return
    seen = await sniff(host, port, min(1.5, config.timeout))
    facts.speaks = seen.kind.value
    findings.add(Weight.BROKEN, facts.address, error.what, likely=error.likely, advice=error.advice)


async def _speaks_plain(config: TransportConfig) -> bool:
    try:
        async with open_server(config.replace(tls=None), None) as server:
            await server.ask(RemotingRequestFactory.create_get_broker_cluster_info_request())
    except RocketMQError:
        return False
    return True


async def _explain_protocol(
    facts: ServerFacts, config: TransportConfig, error: TransportError, findings: Findings
) -> None:
    """It took the connection, and then gave no answer of RocketMQ."""
    seen = await sniff(*config.target, min(1.5, config.timeout))
    facts.speaks = seen.kind.value
    what = f"the port speaks {seen.kind.value}, not RocketMQ's remoting protocol"
    likely = advice = None
    match seen.kind:
        case Kind.GRPC | Kind.GRPC_TLS:
            likely = "it is the gRPC port of a RocketMQ 5 proxy (8081), or another gRPC service"
            advice = "use the remoting port: 9876 of a name server, or 8080 of a proxy"
        case Kind.TLS:
            what = "the server speaks TLS on this port, and plain TCP was tried"
            advice = "add --tls, and --tls-ca FILE if the server has an authority of its own"
        case Kind.HTTP | Kind.HTTPS:
            likely = "it is a web server, for example the RocketMQ dashboard, or an HTTP address service"
            advice = "use the port of the name server, usually 9876"
        case Kind.OTHER:
            what += f"; it said {seen.said!r}"
            advice = "correct the port: name servers usually have 9876, brokers 10911"
        case _:
            what = f"it takes connections and gives no answer: {error.what}"
            likely = (
                "the process is stopped or overloaded"
                if isinstance(error, ConnectTimeoutError | TimeoutError)
                else "it is no RocketMQ server, or something in between closes the connection"
            )
            advice = "check the port and the server's log"
    findings.add(Weight.BROKEN, facts.address, what, likely=likely, advice=advice)
