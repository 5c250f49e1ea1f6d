"""``pyrocketmq cluster``: brokers and name servers, their counters and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq.cli.administering import (
    add_command,
    add_message_options,
    add_place_options,
    add_subcommands,
    administer,
    rows_of,
)
from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import Column, printable, shown_ms, shown_rate
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.cli.values import pair
from pyrocketmq.errors import NotFoundError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyrocketmq.admin.results import BrokerValues
    from pyrocketmq.cli.output import Output

__all__ = ["configure"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq cluster list
  pyrocketmq cluster config --broker broker-a --filter flush
  pyrocketmq cluster set --broker broker-a fileReservedTime=48
  pyrocketmq cluster rt
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands."""
    parser.epilog = _EXAMPLE
    commands = add_subcommands(parser)
    add_command(commands, "list", "all brokers with their release, rates and disks", run_list)

    one = add_command(commands, "status", "the counters of brokers", run_status)
    add_place_options(one)
    _add_filter(one)
    one = add_command(commands, "config", "the settings of brokers", run_config)
    add_place_options(one)
    _add_filter(one)

    one = add_command(commands, "set", "change settings of a cluster's masters or of one broker", run_set)
    add_place_options(one)
    one.add_argument("values", type=pair, nargs="+", metavar="NAME=VALUE")

    one = add_command(commands, "ha", "how the slaves of brokers keep up (5.x)", run_ha)
    add_place_options(one)

    one = add_command(
        commands, "rt", "how long brokers take to store a message; each stores a few in its own topic", run_rt
    )
    add_place_options(one)
    add_message_options(one, count=10)

    one = add_command(
        commands, "no-writes", "let nobody send to a broker, before it is stopped", run_no_writes
    )
    one.add_argument("broker", help="its name")
    one = add_command(commands, "writes", "let everybody send to a broker again", run_writes)
    one.add_argument("broker", help="its name")

    one = add_command(commands, "nameservers", "the settings of each name server", run_name_servers)
    _add_filter(one)

    one = add_command(commands, "kv", "settings in the key-value store of the name servers", run_kv)
    one.add_argument("action", choices=("list", "get", "put", "delete"))
    one.add_argument("namespace")
    one.add_argument("key", nargs="?")
    one.add_argument("value", nargs="?")


def _add_filter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filter", metavar="TEXT", help="only names that have this text in them")


def run_list(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each broker; one that cannot be asked makes this done in part."""
    brokers = administer(arguments, lambda client: client.cluster_list())
    columns = [
        Column("cluster", "CLUSTER"),
        Column("broker", "BROKER"),
        Column("broker_id", "ID", "right"),
        Column("address", "ADDRESS"),
        Column("version", "VERSION"),
        Column("in_tps", "IN/S", "right", shown_rate),
        Column("out_tps", "OUT/S", "right", shown_rate),
        Column("in_today", "IN TODAY", "right"),
        Column("out_today", "OUT TODAY", "right"),
        Column("disk_ratio", "DISK", "right", lambda ratio: f"{ratio:.0%}"),
    ]
    output.table(columns, rows_of(brokers), empty="no brokers")
    failed = [broker for broker in brokers if broker.error]
    for broker in failed:
        output.line(printable(f"{broker.broker} at {broker.address}: {broker.error}"), style="red")
    return Exit.WARNINGS if failed else Exit.DONE


def run_status(arguments: argparse.Namespace, output: Output) -> int:
    """Names and values, broker by broker."""
    found = administer(
        arguments, lambda client: client.broker_status(cluster=arguments.cluster, broker=arguments.broker)
    )
    _print_values(found, arguments.filter, output)
    return Exit.DONE


def run_config(arguments: argparse.Namespace, output: Output) -> int:
    """Names and values, broker by broker."""
    found = administer(
        arguments, lambda client: client.broker_config(cluster=arguments.cluster, broker=arguments.broker)
    )
    _print_values(found, arguments.filter, output)
    return Exit.DONE


def run_name_servers(arguments: argparse.Namespace, output: Output) -> int:
    """Names and values, server by server."""
    _print_values(administer(arguments, lambda client: client.name_server_config()), arguments.filter, output)
    return Exit.DONE


def _print_values(found: Sequence[BrokerValues], part: str | None, output: Output) -> None:
    rows = rows_of(found)
    for row in rows:
        row["values"] = {
            name: value
            for name, value in sorted(row["values"].items())
            if not part or part.lower() in name.lower()
        }
    if output.json:
        output.document(rows)
        return
    for row in rows:
        output.line(printable(f"{row['broker'] or 'name server'} at {row['address']}"), style="bold")
        for name, value in row["values"].items():
            output.line(printable(f"  {name} = {value}"))


def run_set(arguments: argparse.Namespace, output: Output) -> int:
    """Say who took them."""
    if arguments.cluster is None and arguments.broker is None:
        raise UsageError(
            "settings are changed on one broker or on a cluster, and none is named",
            field="broker",
            advice="give --broker NAME or --cluster NAME",
        )
    values = dict(arguments.values)
    addresses = administer(
        arguments,
        lambda client: client.update_broker_config(
            values, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    output.done({"values": values, "brokers": addresses}, f"taken by {', '.join(addresses)}")
    return Exit.DONE


def run_ha(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each broker."""
    found = administer(
        arguments, lambda client: client.ha_status(cluster=arguments.cluster, broker=arguments.broker)
    )
    columns = [
        Column("broker", "BROKER"),
        Column("address", "ADDRESS"),
        Column("is_master", "MASTER"),
        Column("max_offset", "LOG END", "right"),
        Column("in_sync_slaves", "IN SYNC", "right"),
        Column("slaves", "SLAVES", show=_shown_slaves),
    ]
    output.table(columns, rows_of(found), empty="no brokers")
    return Exit.DONE


def _shown_slaves(slaves: list[dict[str, object]]) -> str:
    return (
        printable(", ".join(f"{each['address']} ({each['behind_bytes']:,} behind)" for each in slaves)) or "-"
    )


def run_rt(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each broker."""
    found = administer(
        arguments,
        lambda client: client.cluster_round_trips(
            cluster=arguments.cluster, broker=arguments.broker, count=arguments.count, size=arguments.size
        ),
    )
    columns = [
        Column("broker", "BROKER"),
        Column("address", "ADDRESS"),
        Column("count", "STORED", "right"),
        Column("least_ms", "LEAST MS", "right", shown_ms),
        Column("mean_ms", "MEAN MS", "right", shown_ms),
        Column("most_ms", "MOST MS", "right", shown_ms),
    ]
    output.table(columns, rows_of(found), empty="no brokers")
    return Exit.DONE


def run_no_writes(arguments: argparse.Namespace, output: Output) -> int:
    """Say how many topics changed."""
    changed = administer(arguments, lambda client: client.wipe_write_perm(arguments.broker))
    return _print_changed(arguments.broker, changed, "takes no messages", output)


def run_writes(arguments: argparse.Namespace, output: Output) -> int:
    """Say how many topics changed."""
    changed = administer(arguments, lambda client: client.add_write_perm(arguments.broker))
    return _print_changed(arguments.broker, changed, "takes messages", output)


def _print_changed(broker: str, changed: dict[str, int], what: str, output: Output) -> int:
    places = ", ".join(f"{number:,} topics at {address}" for address, number in changed.items())
    output.done({"broker": broker, "topics_changed": changed}, f"{broker} {what}: {places}")
    return Exit.DONE


def run_kv(arguments: argparse.Namespace, output: Output) -> int:
    """What it takes depends on the action."""
    needed = {"list": 0, "get": 1, "put": 2, "delete": 1}[arguments.action]
    given = sum(value is not None for value in (arguments.key, arguments.value))
    if given != needed:
        forms = ("NAMESPACE", "NAMESPACE KEY", "NAMESPACE KEY VALUE")
        raise UsageError(
            f"kv {arguments.action} takes {forms[needed]}",
            field="key",
            advice=f"pyrocketmq cluster kv {arguments.action} {forms[needed]}",
        )
    namespace, key, value = arguments.namespace, arguments.key, arguments.value
    match arguments.action:
        case "list":
            table = administer(arguments, lambda client: client.list_kv(namespace))
            rows: list[dict[str, object]] = [{"key": name, "value": table[name]} for name in sorted(table)]
            output.table([Column("key", "KEY"), Column("value", "VALUE")], rows, empty="no keys")
        case "get":
            found = administer(arguments, lambda client: client.get_kv(namespace, key))
            if found is None:
                raise NotFoundError(f"namespace {namespace!r} has no key {key!r}", field="key")
            output.done({"namespace": namespace, "key": key, "value": found}, found)
        case "put":
            administer(arguments, lambda client: client.put_kv(namespace, key, value))
            output.done({"namespace": namespace, "key": key, "value": value}, f"{key} is {value}")
        case _:
            administer(arguments, lambda client: client.delete_kv(namespace, key))
            output.done({"namespace": namespace, "key": key, "deleted": True}, f"{key} is deleted")
    return Exit.DONE
