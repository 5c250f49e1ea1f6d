"""``pyrocketmq group``: consumer groups, how far they are, and moving them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq.cli.administering import add_command, add_place_options, add_subcommands, administer, rows_of
from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import Column, printable, shown_rate, shown_time
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.cli.values import count, moment, positive_count
from pyrocketmq.errors import GroupNotFoundError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyrocketmq.admin import AdminClient
    from pyrocketmq.admin.results import GroupConnections, QueueOffset
    from pyrocketmq.cli.output import Output

__all__ = ["configure"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq group list
  pyrocketmq group lag billing
  pyrocketmq group reset billing shop --to 2h        two hours back
  pyrocketmq group reset billing shop --to 2026-11-21T08:00
  pyrocketmq group reset billing shop --broker broker-a --queue 3 --offset 1200
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands."""
    parser.epilog = _EXAMPLE
    commands = add_subcommands(parser)
    one = add_command(commands, "list", "all groups, their members and how far behind they are", run_list)
    one.add_argument("--cluster", metavar="NAME", help="only those of this cluster")
    one.add_argument("--all", action="store_true", help="also those of the system")

    one = add_command(commands, "create", "create a group, or change one", run_create)
    one.add_argument("group")
    one.add_argument("--no-consume", action="store_true", help="it may not consume for now")
    one.add_argument("--no-broadcast", action="store_true", help="it may not broadcast")
    one.add_argument("--orderly", action="store_true", help="it consumes in order (5.x)")
    one.add_argument("--retries", type=count, default=16, metavar="N", help="before the dead letters (16)")
    one.add_argument(
        "--retry-queues", type=positive_count, default=1, metavar="N", help="of its retry topic (1)"
    )
    add_place_options(one)

    one = add_command(commands, "delete", "delete a group, its retry and dead-letter topics", run_delete)
    one.add_argument("group")
    one.add_argument("--keep-offsets", action="store_true", help="a group of this name goes on where it was")
    one.add_argument("--cluster", metavar="NAME", help="only on the brokers of this cluster")

    add_command(commands, "settings", "a group as each broker keeps it", run_settings).add_argument("group")

    one = add_command(commands, "lag", "how far a group is in each queue", run_lag)
    one.add_argument("group")
    one.add_argument("--topic", help="only this topic")
    one.add_argument("--members", action="store_true", help="ask each member which queues it has")

    one = add_command(commands, "members", "the consumers of a group that are online", run_members)
    one.add_argument("group")
    one = add_command(commands, "producers", "the producers of a group that are online", run_producers)
    one.add_argument("group")

    one = add_command(commands, "status", "what the members of a group say about themselves", run_status)
    one.add_argument("group")
    one.add_argument("--client", metavar="ID", help="only this member")
    one.add_argument("--stacks", action="store_true", help="with the stacks of their threads")

    one = add_command(commands, "reset", "move a group to a time, an offset or the end", run_reset)
    one.add_argument("group")
    one.add_argument("topic")
    one.add_argument("--to", type=moment, metavar="WHEN", help="2h (ago), a date and time, or ms since 1970")
    one.add_argument("--to-end", action="store_true", help="pass over what it has not consumed")
    one.add_argument("--broker", metavar="NAME", help="of the one queue that --offset is for")
    one.add_argument("--queue", type=count, metavar="N", help="the queue that --offset is for")
    one.add_argument("--offset", type=count, metavar="N", help="the next message to consume there")

    one = add_command(commands, "clone", "give one group the offsets of another", run_clone)
    one.add_argument("group", metavar="FROM")
    one.add_argument("to_group", metavar="TO")
    one.add_argument("--topic", help="only this topic")

    one = add_command(commands, "mode", "let a group pull or pop a topic (5.x)", run_mode)
    one.add_argument("group")
    one.add_argument("topic")
    one.add_argument("mode", choices=("PULL", "POP"))
    add_place_options(one)


def run_list(arguments: argparse.Namespace, output: Output) -> int:
    """Those that consumed something have numbers."""

    async def look(client: AdminClient) -> list[dict[str, object]]:
        names = await client.list_groups(cluster=arguments.cluster, internal=arguments.all)
        progress = await client.groups_progress(cluster=arguments.cluster, internal=arguments.all)
        rows = {row["group"]: row for row in rows_of(progress)}
        return [rows.get(name, {"group": name}) for name in sorted({*names, *rows})]

    columns = [
        Column("group", "GROUP"),
        Column("members", "MEMBERS", "right"),
        Column("message_model", "MODEL"),
        Column("lag", "BEHIND", "right"),
        Column("tps", "OUT/S", "right", lambda rate: "-" if rate is None else shown_rate(rate)),
        Column("topics", "TOPICS", show=lambda topics: ", ".join(topics or []) or "-"),
    ]
    output.table(columns, administer(arguments, look), empty="no groups")
    return Exit.DONE


def run_create(arguments: argparse.Namespace, output: Output) -> int:
    """Say where it is now."""
    brokers = administer(
        arguments,
        lambda client: client.create_group(
            arguments.group,
            consume_enable=not arguments.no_consume,
            consume_broadcast_enable=not arguments.no_broadcast,
            consume_orderly=arguments.orderly,
            retry_max_times=arguments.retries,
            retry_queues=arguments.retry_queues,
            cluster=arguments.cluster,
            broker=arguments.broker,
        ),
    )
    output.done(
        {"group": arguments.group, "brokers": brokers}, f"group {arguments.group} is on {', '.join(brokers)}"
    )
    return Exit.DONE


def run_delete(arguments: argparse.Namespace, output: Output) -> int:
    """Brokers delete what is not there without a word; a misspelled name must not pass for done."""

    async def delete(client: AdminClient) -> None:
        if arguments.group not in await client.list_groups(cluster=arguments.cluster, internal=True):
            raise GroupNotFoundError(
                f"there is no group {arguments.group!r}",
                group=arguments.group,
                advice="pyrocketmq group list shows those that are there",
            )
        await client.delete_group(
            arguments.group, clean_offsets=not arguments.keep_offsets, cluster=arguments.cluster
        )

    administer(arguments, delete)
    output.done({"group": arguments.group, "deleted": True}, f"group {arguments.group} is deleted")
    return Exit.DONE


def run_settings(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each broker."""
    settings = administer(arguments, lambda client: client.group_settings(arguments.group))
    columns = [
        Column("broker", "BROKER"),
        Column("consume_enable", "CONSUMES"),
        Column("consume_broadcast_enable", "BROADCASTS"),
        Column("consume_orderly", "IN ORDER"),
        Column("retry_max_times", "RETRIES", "right"),
        Column("retry_queues", "RETRY QUEUES", "right"),
        Column("consume_timeout_minutes", "TIME-OUT (MIN)", "right"),
    ]
    output.table(columns, rows_of(settings))
    return Exit.DONE


def run_lag(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each queue, then the sum."""
    progress = administer(
        arguments,
        lambda client: client.group_progress(arguments.group, arguments.topic, members=arguments.members),
    )
    if output.json:
        output.document(progress.to_dict())
        return Exit.DONE
    columns = [
        Column("topic", "TOPIC"),
        Column("broker", "BROKER"),
        Column("queue_id", "QUEUE", "right"),
        Column("broker_offset", "BROKER OFFSET", "right"),
        Column("consumer_offset", "GROUP OFFSET", "right"),
        Column("lag", "BEHIND", "right"),
        Column("last_consumed_ms", "LAST CONSUMED", show=shown_time),
    ]
    if arguments.members:
        columns.append(Column("client_id", "MEMBER"))
    output.table(columns, rows_of(progress.queues))
    output.line(f"{progress.lag:,} behind, {shown_rate(progress.tps)}/s")
    return Exit.DONE


def run_members(arguments: argparse.Namespace, output: Output) -> int:
    """Who they are, then what they want."""
    _print_connections(
        administer(arguments, lambda client: client.group_connections(arguments.group)), output
    )
    return Exit.DONE


def run_producers(arguments: argparse.Namespace, output: Output) -> int:
    """Who they are."""
    _print_connections(
        administer(arguments, lambda client: client.producer_connections(arguments.group)), output
    )
    return Exit.DONE


def _print_connections(found: GroupConnections, output: Output) -> None:
    if output.json:
        output.document(found.to_dict())
        return
    columns = [
        Column("client_id", "CLIENT"),
        Column("address", "ADDRESS"),
        Column("language", "LANGUAGE"),
        Column("version", "VERSION", "right", str),
    ]
    output.table(columns, rows_of(found.clients))
    for subscription in found.subscriptions:
        output.line(
            printable(
                f"subscribes {subscription.topic}: {subscription.expression} ({subscription.expression_type})"
            )
        )
    if found.message_model:
        output.line(f"{found.consume_type}, {found.message_model}, new queues {found.consume_from_where}")


def run_status(arguments: argparse.Namespace, output: Output) -> int:
    """All that a member tells, member by member."""
    members = administer(
        arguments,
        lambda client: client.group_status(
            arguments.group, client_id=arguments.client, stacks=arguments.stacks
        ),
    )
    if output.json:
        output.document(rows_of(members))
        return Exit.DONE
    for member in members:
        output.line(printable(f"member {member.client_id}"), style="bold")
        for name, value in sorted(member.properties.items()):
            output.line(printable(f"  {name} = {value}"))
        for subscription in member.subscriptions:
            output.line(printable(f"  subscribes {subscription.topic}: {subscription.expression}"))
        for queue in member.queues:
            output.line(printable("  queue " + ", ".join(f"{name}={value}" for name, value in queue.items())))
        for topic, rates in member.rates.items():
            output.line(
                printable(f"  {topic}: " + ", ".join(f"{name}={value}" for name, value in rates.items()))
            )
        if member.stacks:
            output.line(printable(member.stacks))
    return Exit.DONE


def run_reset(arguments: argparse.Namespace, output: Output) -> int:
    """To a time or the end in all queues, or to an offset in one."""
    wanted = [name for name in ("to", "to_end", "offset") if getattr(arguments, name) not in (None, False)]
    if len(wanted) != 1:
        raise UsageError(
            "reset needs one of --to, --to-end and --offset" + (", not several" if wanted else ""),
            field="to",
            advice="give --to 2h for two hours back, or --to-end",
        )
    if (arguments.broker is None or arguments.queue is None) and arguments.offset is not None:
        raise UsageError(
            "--offset is for one queue, and its --broker or --queue is missing",
            field="queue",
            advice="give --broker NAME --queue N --offset N",
        )
    if arguments.offset is None and (arguments.broker is not None or arguments.queue is not None):
        raise UsageError(
            "--broker and --queue go with --offset; a time is for all queues",
            field="queue",
            advice="leave them out",
        )

    async def reset(client: AdminClient) -> Sequence[QueueOffset]:
        if arguments.offset is None:
            return await client.reset_offset(arguments.group, arguments.topic, arguments.to)
        return [
            await client.reset_queue_offset(
                arguments.group, arguments.topic, arguments.broker, arguments.queue, arguments.offset
            )
        ]

    columns = [
        Column("topic", "TOPIC"),
        Column("broker", "BROKER"),
        Column("queue_id", "QUEUE", "right"),
        Column("offset", "NEXT", "right"),
    ]
    output.table(columns, rows_of(administer(arguments, reset)), empty="no queues")
    return Exit.DONE


def run_clone(arguments: argparse.Namespace, output: Output) -> int:
    """Say where it was done."""
    brokers = administer(
        arguments,
        lambda client: client.clone_group_offset(arguments.group, arguments.to_group, arguments.topic),
    )
    output.done(
        {"group": arguments.group, "to_group": arguments.to_group, "brokers": brokers},
        f"group {arguments.to_group} has the offsets of {arguments.group} on {', '.join(brokers)}",
    )
    return Exit.DONE


def run_mode(arguments: argparse.Namespace, output: Output) -> int:
    """Say where it holds."""
    brokers = administer(
        arguments,
        lambda client: client.set_consume_mode(
            arguments.group,
            arguments.topic,
            arguments.mode,
            cluster=arguments.cluster,
            broker=arguments.broker,
        ),
    )
    output.done(
        {"group": arguments.group, "topic": arguments.topic, "mode": arguments.mode, "brokers": brokers},
        f"group {arguments.group} does {arguments.mode} of {arguments.topic} on {', '.join(brokers)}",
    )
    return Exit.DONE
