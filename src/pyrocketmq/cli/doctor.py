"""``pyrocketmq doctor``: finds out why a client cannot work with a server, and says what to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

from pyrocketmq.cli.connecting import add_connection_options, credentials_of, transport_of
from pyrocketmq.cli.examining.cluster import examine
from pyrocketmq.cli.examining.findings import Weight
from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import printable
from pyrocketmq.nameserver.sources import HttpSource, parse_name_servers, source_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from pyrocketmq.cli.examining.cluster import Examination
    from pyrocketmq.cli.examining.findings import Finding
    from pyrocketmq.cli.output import Output

__all__ = ["configure"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq doctor localhost:9876
  pyrocketmq doctor 'mq-1:9876;mq-2:9876' --topic shop --tls-ca ca.pem
  pyrocketmq doctor localhost:9876 --address-map 172.17.0.3:10911=localhost:10911

Nothing is stored or changed on any server. The last part lists what was found, the worst first.
"""
_EXITS: Final = {
    None: Exit.DONE,
    Weight.NOTE: Exit.DONE,
    Weight.WARNING: Exit.WARNINGS,
    Weight.BROKEN: Exit.FINDINGS,
}
_STYLES: Final = {Weight.NOTE: "dim", Weight.WARNING: "yellow", Weight.BROKEN: "bold red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLE
    parser.add_argument(
        "address",
        metavar="ADDR",
        help="name servers as host:port, several with ; between them, or the URL of an address service",
    )
    parser.add_argument("--topic", help="look at the route of this topic and at the rights to it")
    add_connection_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Examine and report."""
    addresses = _addresses_of(arguments.address)
    credentials = credentials_of(arguments)
    transport_of(arguments, addresses[0])  # settings that cannot be used are no finding about a server
    examination = asyncio.run(
        examine(addresses, lambda address: transport_of(arguments, address), credentials, arguments.topic)
    )
    if output.json:
        output.document(examination.to_value())
    else:
        _print(examination, output)
    return _EXITS[examination.findings.worst]


def _addresses_of(text: str) -> list[str]:
    """Names stay names: what they stand for is a part of the examination."""
    source = source_of(text)
    if isinstance(source, HttpSource):
        return [each.address for each in asyncio.run(source.addresses())]
    return parse_name_servers(text)


def _print(examination: Examination, output: Output) -> None:
    for name_server in examination.name_servers:
        value = name_server.to_value()
        kind = "proxy" if name_server.is_proxy else "name server"
        output.line(f"{kind} {value['address']}", style="bold")
        _print_server(value, output)
    for broker in examination.brokers:
        value = broker.to_value()
        output.line(
            printable(f"broker {value['name']} (id {value['id']}, {value['cluster']}) at {value['address']}"),
            style="bold",
        )
        _print_server(value, output)
        if broker.clock_ahead is not None:
            _fact(output, "clock", f"{broker.clock_ahead:+.1f} s against here, to within a second")
        if broker.disk_used is not None:
            _fact(output, "disk", f"{broker.disk_used:.0%} full")
    if examination.topic is not None:
        _print_topic(examination.topic.to_value(), output)
    _print_findings(examination.findings.in_order(), output)


def _print_server(value: Mapping[str, Any], output: Output) -> None:
    if value["connects_to"]:
        _fact(output, "mapped to", value["connects_to"])
    if value["resolved"]:
        _fact(output, "resolves to", f"{', '.join(value['resolved'])} ({value['resolve_ms']:.1f} ms)")
    if value["connect_ms"] is None:
        _fact(output, "connection", "none")
    else:
        _fact(output, "connection", f"made in {value['connect_ms']:.1f} ms")
    if value["speaks"]:
        release = f", release {value['release']}" if value["release"] else ""
        _fact(output, "speaks", f"{value['speaks']}{release}")
    trip = value["round_trip_ms"]
    if trip:
        _fact(
            output, "round trip", f"{trip['median']:.2f} ms ({trip['fastest']:.2f} to {trip['slowest']:.2f})"
        )
    if value["tls"]:
        _print_tls(value["tls"], output)


def _print_tls(tls: Mapping[str, Any], output: Output) -> None:
    verified = "verified" if tls["verified"] else "not verified"
    if "version" in tls:
        _fact(output, "TLS", f"{tls['version']}, {tls['cipher']}, {verified}")
    certificate = tls.get("certificate")
    if certificate:
        names = f", for {', '.join(certificate['names'])}" if certificate["names"] else ""
        signer = "itself" if certificate["self_signed"] else certificate["issuer"]
        _fact(output, "certificate", f"{certificate['subject']}{names}, signed by {signer}")
        days = certificate["days_left"]
        left = f"{days} days left" if days >= 0 else f"expired {-days} days ago"
        _fact(output, "valid", f"{certificate['not_before'][:10]} to {certificate['not_after'][:10]}, {left}")


def _print_topic(value: Mapping[str, Any], output: Output) -> None:
    output.line(printable(f"topic {value['topic']}"), style="bold")
    if not value["queues"]:
        _fact(output, "route", "none")
    for queue in cast("list[Mapping[str, Any]]", value["queues"]):
        rights = [
            f"{'may' if queue[name] else 'may not'} {verb}"
            for name, verb in (("may_send", "send"), ("may_read", "read"))
            if queue.get(name) is not None
        ]
        counts = (
            f"{queue['write_queues']} queues to write, {queue['read_queues']} to read, perm {queue['perm']}"
        )
        _fact(output, queue["broker"], ", ".join([counts, *rights]))


def _fact(output: Output, name: str, text: str) -> None:
    output.line(printable(f"  {name:<12} {text}"))


def _print_findings(findings: list[Finding], output: Output) -> None:
    output.line()
    if not findings:
        output.line("No findings: everything that was looked at works.", style="green")
        return
    output.line(f"Findings, the worst first ({len(findings)}):")
    for number, finding in enumerate(findings, 1):
        head = f"{number}. {finding.weight.name} {finding.place}: {finding.what}"
        output.line(printable(head), style=_STYLES[finding.weight])
        if finding.likely:
            output.line(printable(f"   Likely: {finding.likely}"))
        if finding.advice:
            output.line(printable(f"   Try:    {finding.advice}"))
