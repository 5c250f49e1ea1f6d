"""``pyrocketmq msg``: finds messages by id, key, place or time, their traces, and sends one once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.cli.administering import add_command, add_subcommands, administer, rows_of
from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import Column, printable, shown_time
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.cli.values import count, moment, positive_count
from pyrocketmq.errors import NotFoundError, RouteNotFoundError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyrocketmq.admin import AdminClient
    from pyrocketmq.admin.results import MessageView
    from pyrocketmq.cli.output import Output

__all__ = ["configure"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq msg get 7F0000010000B37B0000000000000000
  pyrocketmq msg get FD00...480000 --topic shop      the id that the sender gave needs the topic
  pyrocketmq msg query shop --key order-1
  pyrocketmq msg list shop --begin 10m --max 20
  pyrocketmq msg trace FD00...480000
  pyrocketmq msg resend 7F0000010000B37B0000000000000000
"""
_BODY_SHOWN: Final = 60


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands."""
    parser.epilog = _EXAMPLE
    commands = add_subcommands(parser)
    one = add_command(commands, "get", "one message by its id", run_get)
    one.add_argument("msg_id", metavar="ID")
    one.add_argument("--topic", help="needed for the id that its sender gave")

    one = add_command(commands, "at", "the message at a place of a queue", run_at)
    one.add_argument("topic")
    one.add_argument("broker")
    one.add_argument("queue", type=count)
    one.add_argument("offset", type=count)

    one = add_command(commands, "query", "messages by a key or by the id of their sender", run_query)
    one.add_argument("topic")
    one.add_argument("--key", help="one of their keys")
    one.add_argument("--id", metavar="ID", help="the id that their sender gave")
    _add_bounds(one)

    one = add_command(
        commands, "list", "messages of a topic as they are stored, without consuming them", run_list
    )
    one.add_argument("topic")
    one.add_argument("--broker", metavar="NAME", help="only of this broker")
    one.add_argument("--queue", type=count, metavar="N", help="only of queues with this number")
    one.add_argument("--tag", default="*", metavar="EXPR", help="only with these tags, as in 'new || paid'")
    _add_bounds(one)

    one = add_command(commands, "trace", "what clients have traced about a message", run_trace)
    one.add_argument("msg_id", metavar="ID", help="the id that its sender gave, or one of its keys")
    one.add_argument(
        "--trace-topic", default="RMQ_SYS_TRACE_TOPIC", help="where traces are (RMQ_SYS_TRACE_TOPIC)"
    )

    one = add_command(
        commands,
        "resend",
        "send a message once more; a dead letter goes to where it came from",
        run_resend,
    )
    one.add_argument("msg_id", metavar="ID")
    one.add_argument("--topic", help="where it is; needed for the id that its sender gave")
    one.add_argument("--to", metavar="TOPIC", help="send it to this topic")

    one = add_command(commands, "consume-directly", "let one consumer consume a message now", run_directly)
    one.add_argument("group")
    one.add_argument("client_id", metavar="CLIENT")
    one.add_argument("msg_id", metavar="ID", help="the id that a broker gave")


def _add_bounds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--begin", type=moment, metavar="WHEN", help="stored then or later: 2h (ago), a date and time"
    )
    parser.add_argument("--end", type=moment, metavar="WHEN", help="stored then or earlier")
    parser.add_argument(
        "--max", type=positive_count, default=64, metavar="N", help="of each broker or queue (64)"
    )


def run_get(arguments: argparse.Namespace, output: Output) -> int:
    """All of it."""
    _print_one(
        administer(arguments, lambda client: client.message_by_id(arguments.msg_id, topic=arguments.topic)),
        output,
    )
    return Exit.DONE


def run_at(arguments: argparse.Namespace, output: Output) -> int:
    """All of it."""
    _print_one(
        administer(
            arguments,
            lambda client: client.message_by_offset(
                arguments.topic, arguments.broker, arguments.queue, arguments.offset
            ),
        ),
        output,
    )
    return Exit.DONE


def run_query(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each; nothing found is no success."""
    if (arguments.key is None) == (arguments.id is None):
        raise UsageError(
            "query needs one of --key and --id", field="key", advice="give --key order-1, for example"
        )

    async def query(client: AdminClient) -> list[MessageView]:
        if arguments.id is not None:
            return await client.messages_by_unique_key(arguments.topic, arguments.id)
        return await client.messages_by_key(
            arguments.topic, arguments.key, begin=arguments.begin, end=arguments.end, max_num=arguments.max
        )

    return _print_many(administer(arguments, query), output)


def run_list(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each."""
    found = administer(
        arguments,
        lambda client: client.read_messages(
            arguments.topic,
            broker=arguments.broker,
            queue_id=arguments.queue,
            begin=arguments.begin,
            end=arguments.end,
            expression=arguments.tag,
            max_num=arguments.max,
        ),
    )
    _print_many(found, output)
    return Exit.DONE


def run_trace(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each thing that a client did; nothing found is no success."""
    try:
        records = administer(
            arguments,
            lambda client: client.message_trace(arguments.msg_id, trace_topic=arguments.trace_topic),
        )
    except RouteNotFoundError as error:
        raise NotFoundError(
            f"there is no topic {arguments.trace_topic!r}, where traces are",
            topic=arguments.trace_topic,
            likely="no client has traced anything, or traces go to another topic",
            advice="switch tracing on in the clients, or give --trace-topic",
        ) from error
    columns = [
        Column("time_ms", "TIME", show=shown_time),
        Column("kind", "WHAT"),
        Column("group", "GROUP"),
        Column("client_host", "CLIENT"),
        Column("success", "DONE"),
        Column("cost_ms", "MS", "right"),
        Column("retry_times", "RETRIES", "right"),
    ]
    output.table(columns, rows_of(records), empty="no client has traced it")
    return Exit.DONE if records else Exit.REFUSED


def run_resend(arguments: argparse.Namespace, output: Output) -> int:
    """Say where the new one is."""
    sent = administer(
        arguments,
        lambda client: client.resend_message(arguments.msg_id, topic=arguments.topic, to_topic=arguments.to),
    )
    output.done(
        sent.to_dict(),
        f"sent as {sent.msg_id} to {sent.topic}, queue {sent.queue_id} of {sent.broker},"
        f" offset {sent.queue_offset:,}: {sent.status}",
    )
    return Exit.DONE


def run_directly(arguments: argparse.Namespace, output: Output) -> int:
    """What the consumer made of it."""
    result = administer(
        arguments,
        lambda client: client.consume_directly(arguments.group, arguments.client_id, arguments.msg_id),
    )
    output.facts(result.to_value())
    return Exit.DONE


def _print_one(message: MessageView, output: Output) -> None:
    value = message.to_dict()
    if output.json:
        output.document(value)
        return
    for name, item in value.items():
        if name in ("body", "properties"):
            continue
        text = shown_time(item) if name.endswith("_ms") else "-" if item is None else str(item)
        output.line(printable(f"{name.removesuffix('_ms'):<18} {text}"))
    for name, item in message.properties.items():
        output.line(printable(f"property {name} = {item}"))
    output.line(f"body, {len(message.body):,} bytes:")
    output.line(printable(_text_of(value["body"])))


def _print_many(messages: Sequence[MessageView], output: Output) -> int:
    rows = rows_of(messages)
    columns = [
        Column("stored_ms", "STORED", show=shown_time),
        Column("broker", "BROKER"),
        Column("queue_id", "QUEUE", "right"),
        Column("queue_offset", "OFFSET", "right"),
        Column("msg_id", "ID"),
        Column("tags", "TAGS"),
        Column("keys", "KEYS"),
        Column("body", "BODY", show=_beginning),
    ]
    output.table(columns, rows, empty="no messages")
    return Exit.DONE if messages else Exit.REFUSED


def _text_of(body: Any) -> str:
    return f"base64 {body['base64']}" if isinstance(body, dict) else str(body)


def _beginning(body: Any) -> str:
    text = _text_of(body).replace("\n", "\\n")
    return printable(text[:_BODY_SHOWN]) + ("..." if len(text) > _BODY_SHOWN else "")
