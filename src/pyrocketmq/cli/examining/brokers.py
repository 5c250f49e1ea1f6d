"""Examines one broker at the address it announces. Judges what is seen, prints nothing."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.cli.examining.asking import open_server
from pyrocketmq.cli.examining.findings import Weight
from pyrocketmq.cli.examining.server import ServerFacts, examined_server, note_answer
from pyrocketmq.errors import RocketMQError, TlsError, TransportError
from pyrocketmq.model import KVTable, Perm, RemotingRequestFactory, ResponseCode
from pyrocketmq.transport.utils import format_address, parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyrocketmq.cli.examining.asking import Server
    from pyrocketmq.cli.examining.findings import Findings
    from pyrocketmq.model import AclCredentials, RemotingCommand
    from pyrocketmq.transport import TransportConfig

__all__ = ["BrokerFacts", "examine_broker"]

_RUNTIME: Final = re.compile(r"(\d+) days?, (\d+) hours?, (\d+) minutes?, (\d+) seconds?")
_FULL_DISK: Final = 0.9


@dataclass(slots=True)
class BrokerFacts:
    """What was learned about one broker."""

    server: ServerFacts
    name: str
    broker_id: int
    cluster: str
    reachable: bool = False
    clock_ahead: float | None = None
    disk_used: float | None = None
    permission: int | None = None
    auto_creates_topics: bool | None = None

    def to_value(self) -> dict[str, object]:
        """The facts as JSON values."""
        return {
            "name": self.name,
            "id": self.broker_id,
            "cluster": self.cluster,
            **self.server.to_value(),
            "reachable": self.reachable,
            "clock_ahead_s": self.clock_ahead,
            "disk_used": self.disk_used,
            "permission": self.permission,
            "auto_creates_topics": self.auto_creates_topics,
        }


async def examine_broker(
    facts: BrokerFacts,
    config: TransportConfig,
    credentials: AclCredentials | None,
    findings: Findings,
    *,
    likely_hosts: Sequence[str] = (),
    through_proxy: bool = False,
) -> BrokerFacts:
    """Look at one broker.

    Args:
        facts: who it should be; filled with what is learned.
        config: how to connect to the address it announces.
        credentials: who signs.
        findings: takes what is wrong.
        likely_hosts: hosts where it may be reached if its own address leads nowhere.
        through_proxy: the address is a proxy's, which knows fewer requests.
    """
    try:
        async with examined_server(
            facts.server, config, credentials, findings, explain_unreachable=False
        ) as server:
            facts.reachable = True
            answer = await server.ask(RemotingRequestFactory.create_get_broker_runtime_info_request())
            note_answer(facts.server, answer, findings)
            facts.server.round_trip = await server.round_trip(
                lambda: RemotingRequestFactory.create_get_max_offset_request("TBW102", 0)
            )
            if not through_proxy:
                await _ask_more(facts, server, answer, findings, signed=credentials is not None)
    except TransportError as error:
        if not facts.reachable and not isinstance(error, TlsError):
            await _explain_unreachable(
                facts, config, credentials, findings, error=error, likely_hosts=likely_hosts
            )
    except RocketMQError as error:
        findings.add(Weight.BROKEN, config.address, error.what, likely=error.likely, advice=error.advice)
    return facts


async def _ask_more(
    facts: BrokerFacts, server: Server, runtime: RemotingCommand, findings: Findings, *, signed: bool
) -> None:
    place = facts.server.address
    if runtime.code == ResponseCode.SUCCESS:
        _take_runtime(facts, KVTable.decode(runtime.body).table, findings)
    else:
        _note_denied(facts, "its run-time facts", runtime, findings, signed=signed)
    begin = time.time()
    answer = await server.ask(RemotingRequestFactory.create_get_broker_runtime_info_request())
    if answer.code == ResponseCode.SUCCESS:
        here = (begin + time.time()) / 2
        facts.clock_ahead = _clock_ahead(KVTable.decode(answer.body).table, here)
    config = await server.ask(RemotingRequestFactory.create_get_broker_config_request())
    if config.code != ResponseCode.SUCCESS or not config.body:
        if runtime.code == ResponseCode.SUCCESS:
            _note_denied(facts, "its configuration", config, findings, signed=signed)
        return
    settings = parse_properties(config.body)
    actual = settings.get("brokerName")
    if actual and actual != facts.name:
        findings.add(
            Weight.BROKEN,
            place,
            f"{facts.name} is announced at this address, and {actual} answers there",
            likely="the address means another machine here than it does for the name server",
            advice="set brokerIP1 in broker.conf to an address that all can reach, or use --address-map",
        )
    facts.auto_creates_topics = {"true": True, "false": False}.get(settings.get("autoCreateTopicEnable", ""))
    permission = settings.get("brokerPermission", "")
    if permission.isdecimal():
        facts.permission = int(permission)
        if not facts.permission & Perm.WRITE:
            findings.add(
                Weight.WARNING,
                place,
                f"{facts.name} takes no messages: brokerPermission is {facts.permission}",
                likely="it is being taken out of service",
                advice="expect that messages go to the other brokers, or set brokerPermission=6",
            )


def parse_properties(body: bytes) -> dict[str, str]:
    """The lines ``name=value`` of a broker's configuration."""
    lines = body.decode("utf-8", "replace").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _take_runtime(facts: BrokerFacts, table: Mapping[str, str], findings: Findings) -> None:
    used = table.get("commitLogDiskRatio", "")
    try:
        facts.disk_used = float(used)
    except ValueError:
        return
    if facts.disk_used >= _FULL_DISK:
        findings.add(
            Weight.WARNING,
            facts.server.address,
            f"the disk of {facts.name} is {facts.disk_used:.0%} full",
            likely="messages are kept longer than the disk has room for",
            advice="free space or shorten fileReservedTime; a broker with a full disk refuses messages",
        )


def _clock_ahead(table: Mapping[str, str], here: float) -> float | None:
    """How far the broker's clock is ahead, to within a second: it tells its start and how long it runs."""
    start = table.get("bootTimestamp", "")
    match = _RUNTIME.search(table.get("runtime", ""))
    if match is None or not start.isdecimal():
        return None
    days, hours, minutes, seconds = (int(part) for part in match.groups())
    running = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    # The run time is cut to whole seconds, so half of one is missing on average.
    return round(int(start) / 1000 + running + 0.5 - here, 1)


def _note_denied(
    facts: BrokerFacts, thing: str, answer: RemotingCommand, findings: Findings, *, signed: bool
) -> None:
    reason = f"code {answer.code}: {answer.remark or 'no reason given'}"
    place = facts.server.address
    if not signed:
        findings.add(
            Weight.BROKEN,
            place,
            f"{facts.name} does not talk to a client without an access key ({reason})",
            likely="access control is switched on",
            advice="give --access-key and --secret-key-file",
        )
    elif "signature" in (answer.remark or "").lower():
        findings.add(
            Weight.BROKEN,
            place,
            f"{facts.name} does not take this access key ({reason})",
            likely="the secret key is not the one of this access key",
            advice="check --access-key and --secret-key-file",
        )
    else:
        findings.add(
            Weight.NOTE,
            place,
            f"{facts.name} does not tell {thing} ({reason})",
            likely="the access key has no right to look at the cluster",
            advice="only a doctor and an administrator need that right; give an access key that has it",
        )


async def _explain_unreachable(
    facts: BrokerFacts,
    config: TransportConfig,
    credentials: AclCredentials | None,
    findings: Findings,
    *,
    error: TransportError,
    likely_hosts: Sequence[str],
) -> None:
    """Its announced address leads nowhere; look for it where the name server was reached."""
    place = facts.server.address
    what = f"{facts.name} announces {place}, which cannot be reached from here: {error.what}"
    if facts.server.target is not None:
        findings.add(
            Weight.BROKEN,
            place,
            what,
            likely="the address map leads to a place where nothing listens",
            advice="correct --address-map",
        )
        return
    _, port = parse_address(place)
    for host in dict.fromkeys(likely_hosts):
        address = format_address(host, port)
        if address == place:
            continue
        there = await _broker_name_at(type(config).from_address(address, **_like(config)), credentials)
        if there is not None and there in (facts.name, ""):
            findings.add(
                Weight.BROKEN,
                place,
                f"{what}; it answers at {address}",
                likely="the broker runs in a container or behind NAT, and announces its inner address",
                advice=f"set brokerIP1={host} in broker.conf, or use address_map={{{place!r}: {address!r}}}"
                f" (here: --address-map {place}={address})",
            )
            return
    findings.add(
        Weight.BROKEN,
        place,
        what,
        likely="the broker is down, or announces an address that only its own network knows",
        advice="start it, or set brokerIP1 in broker.conf, or"
        f" address_map={{{place!r}: 'reachable-host:{port}'}} in the client",
    )


def _like(config: TransportConfig) -> dict[str, Any]:
    return {"timeout": config.timeout, "connect_timeout": min(1.0, config.connect_timeout), "tls": config.tls}


async def _broker_name_at(config: TransportConfig, credentials: AclCredentials | None) -> str | None:
    """The name of the broker at an address, empty if it does not tell; None if there is none."""
    try:
        async with open_server(config, credentials) as server:
            answer = await server.ask(RemotingRequestFactory.create_get_broker_config_request())
    except RocketMQError:
        return None
    if answer.code == ResponseCode.SUCCESS and answer.body:
        return parse_properties(answer.body).get("brokerName", "")
    return None if answer.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED else ""
