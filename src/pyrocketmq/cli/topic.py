"""``pyrocketmq topic``: what topics there are, where they are, what they hold."""

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
from pyrocketmq.cli.output import Column, printable, shown_ms, shown_rate, shown_time
from pyrocketmq.cli.values import pair, permission, positive_count
from pyrocketmq.errors import TopicNotFoundError

if TYPE_CHECKING:
    import argparse

    from pyrocketmq.admin import AdminClient
    from pyrocketmq.cli.output import Output

__all__ = ["configure", "shown_perm"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq topic list
  pyrocketmq topic create shop --queues 8
  pyrocketmq topic stats shop --nameserver 'mq-1:9876;mq-2:9876'
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands."""
    parser.epilog = _EXAMPLE
    commands = add_subcommands(parser)
    one = add_command(commands, "list", "the names of all topics", run_list)
    one.add_argument("--cluster", metavar="NAME", help="only those of this cluster")
    one.add_argument("--all", action="store_true", help="also those of the system, retries and dead letters")

    one = add_command(commands, "create", "create a topic, or change one", run_create)
    one.add_argument("topic")
    one.add_argument("--queues", type=positive_count, default=8, metavar="N", help="on each broker (8)")
    one.add_argument(
        "--read-queues", type=positive_count, metavar="N", help="if consumers see another number"
    )
    one.add_argument(
        "--write-queues", type=positive_count, metavar="N", help="if producers see another number"
    )
    one.add_argument("--perm", type=permission, default=6, help="rw, r, w or none (rw)")
    one.add_argument("--order", action="store_true", help="fix the layout over the brokers")
    one.add_argument(
        "--attribute",
        type=pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of 5.x; may be repeated",
    )
    add_place_options(one)

    one = add_command(commands, "perm", "change who may use a topic", run_perm)
    one.add_argument("topic")
    one.add_argument("perm", type=permission, help="rw, r, w or none")
    add_place_options(one)

    one = add_command(commands, "delete", "delete a topic and its messages", run_delete)
    one.add_argument("topic")
    one.add_argument("--cluster", metavar="NAME", help="only on the brokers of this cluster")

    for name, summary, run in (
        ("route", "on which brokers a topic is", run_route),
        ("settings", "a topic as each broker keeps it", run_settings),
        ("stats", "what each queue of a topic holds", run_stats),
        ("rates", "how fast a topic is written and read, over the last minute", run_rates),
        ("groups", "the groups that consume a topic", run_groups),
    ):
        add_command(commands, name, summary, run).add_argument("topic")

    one = add_command(
        commands,
        "rt",
        "how long its queues take to store a message; this sends to it",
        run_round_trips,
    )
    one.add_argument("topic")
    add_message_options(one, count=100)


def shown_perm(perm: int) -> str:
    """A permission as people write it."""
    return {6: "rw", 4: "r", 2: "w", 0: "none"}.get(perm, str(perm))


def run_list(arguments: argparse.Namespace, output: Output) -> int:
    """Names alone, so that they can be piped on."""
    names = administer(
        arguments, lambda client: client.list_topics(cluster=arguments.cluster, internal=arguments.all)
    )
    output.names(names, empty="no topics")
    return Exit.DONE


def run_create(arguments: argparse.Namespace, output: Output) -> int:
    """Say where it is now."""
    brokers = administer(
        arguments,
        lambda client: client.create_topic(
            arguments.topic,
            queues=arguments.queues,
            read_queues=arguments.read_queues,
            write_queues=arguments.write_queues,
            perm=arguments.perm,
            order=arguments.order,
            attributes=dict(arguments.attribute) or None,
            cluster=arguments.cluster,
            broker=arguments.broker,
        ),
    )
    output.done(
        {"topic": arguments.topic, "brokers": brokers}, f"topic {arguments.topic} is on {', '.join(brokers)}"
    )
    return Exit.DONE


def run_perm(arguments: argparse.Namespace, output: Output) -> int:
    """Say where it was changed."""
    brokers = administer(
        arguments,
        lambda client: client.update_topic_perm(
            arguments.topic, arguments.perm, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    perm = shown_perm(arguments.perm)
    output.done(
        {"topic": arguments.topic, "perm": arguments.perm, "brokers": brokers},
        f"topic {arguments.topic} is {perm} on {', '.join(brokers)}",
    )
    return Exit.DONE


def run_delete(arguments: argparse.Namespace, output: Output) -> int:
    """Brokers delete what is not there without a word; a misspelled name must not pass for done."""

    async def delete(client: AdminClient) -> None:
        if arguments.topic not in await client.list_topics(cluster=arguments.cluster, internal=True):
            where = f" in cluster {arguments.cluster!r}" if arguments.cluster else ""
            raise TopicNotFoundError(
                f"there is no topic {arguments.topic!r}{where}",
                topic=arguments.topic,
                advice="pyrocketmq topic list shows those that are there",
            )
        await client.delete_topic(arguments.topic, cluster=arguments.cluster)

    administer(arguments, delete)
    output.done({"topic": arguments.topic, "deleted": True}, f"topic {arguments.topic} is deleted")
    return Exit.DONE


def run_route(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each broker."""
    route = administer(arguments, lambda client: client.topic_route(arguments.topic))
    if output.json:
        output.document(route.to_dict())
        return Exit.DONE
    places = {place.broker: place for place in route.brokers}
    rows: list[dict[str, object]] = []
    for queues in route.queues:
        place = places.get(queues.broker)
        addresses = place.addresses if place else {}
        rows.append(
            {
                **queues.to_dict(),
                "cluster": place.cluster if place else None,
                "addresses": [
                    f"{address} ({number})" if number else address for number, address in addresses.items()
                ],
            }
        )
    columns = [
        Column("broker", "BROKER"),
        Column("cluster", "CLUSTER"),
        Column("write_queues", "WRITE", "right"),
        Column("read_queues", "READ", "right"),
        Column("perm", "PERM", show=shown_perm),
        Column("addresses", "ADDRESSES"),
    ]
    output.table(columns, rows)
    if route.order:
        output.line(printable(f"fixed order: {route.order}"))
    return Exit.DONE


def run_settings(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each broker."""
    settings = administer(arguments, lambda client: client.topic_settings(arguments.topic))
    columns = [
        Column("broker", "BROKER"),
        Column("write_queues", "WRITE", "right"),
        Column("read_queues", "READ", "right"),
        Column("perm", "PERM", show=shown_perm),
        Column("order", "ORDER"),
        Column("attributes", "ATTRIBUTES", show=_shown_attributes),
    ]
    output.table(columns, rows_of(settings))
    return Exit.DONE


def _shown_attributes(attributes: dict[str, str]) -> str:
    return printable(", ".join(f"{name}={value}" for name, value in attributes.items())) or "-"


def run_stats(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each queue, then the sum."""
    status = administer(arguments, lambda client: client.topic_status(arguments.topic))
    if output.json:
        output.document(status.to_dict())
        return Exit.DONE
    rows = [{**queue.to_dict(), "messages": queue.messages} for queue in status.queues]
    columns = [
        Column("broker", "BROKER"),
        Column("queue_id", "QUEUE", "right"),
        Column("min_offset", "MIN", "right"),
        Column("max_offset", "MAX", "right"),
        Column("messages", "MESSAGES", "right"),
        Column("last_stored_ms", "LAST STORED", show=shown_time),
    ]
    output.table(columns, rows, empty="no queues")
    output.line(f"{status.messages:,} messages")
    return Exit.DONE


def run_rates(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each group that reads it."""
    rates = administer(arguments, lambda client: client.stats_all(arguments.topic))
    columns = [
        Column("group", "GROUP"),
        Column("in_tps", "IN/S", "right", shown_rate),
        Column("out_tps", "OUT/S", "right", shown_rate),
        Column("in_day", "IN A DAY", "right"),
        Column("out_day", "OUT A DAY", "right"),
        Column("lag", "BEHIND", "right"),
    ]
    output.table(columns, rows_of(rates))
    return Exit.DONE


def run_groups(arguments: argparse.Namespace, output: Output) -> int:
    """Names alone."""
    groups = administer(arguments, lambda client: client.topic_groups(arguments.topic))
    output.names(groups, empty="no groups")
    return Exit.DONE


def run_round_trips(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each queue; failures make this done in part."""
    found = administer(
        arguments,
        lambda client: client.topic_round_trips(arguments.topic, count=arguments.count, size=arguments.size),
    )
    columns = [
        Column("broker", "BROKER"),
        Column("queue_id", "QUEUE", "right"),
        Column("count", "STORED", "right"),
        Column("failed", "FAILED", "right"),
        Column("least_ms", "LEAST MS", "right", shown_ms),
        Column("mean_ms", "MEAN MS", "right", shown_ms),
        Column("most_ms", "MOST MS", "right", shown_ms),
    ]
    output.table(columns, rows_of(found), empty="no queues that take messages")
    failed = [queue for queue in found if queue.failed]
    for queue in failed:
        output.line(printable(f"queue {queue.queue_id} of {queue.broker}: {queue.error}"), style="red")
    if not any(queue.count for queue in found):
        return Exit.REFUSED
    return Exit.WARNINGS if failed else Exit.DONE
