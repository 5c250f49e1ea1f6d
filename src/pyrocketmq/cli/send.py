"""``pyrocketmq send``: one message, or one for each line of a pipe or a file."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from pyrocketmq.cli.connecting import add_connection_options, add_name_server_option
from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.cli.producing import open_producer, stopping_on_terminate
from pyrocketmq.cli.sending.drafts import Draft, read_lines
from pyrocketmq.cli.sending.pace import Pace, rate
from pyrocketmq.cli.sending.tally import Tally, place_of
from pyrocketmq.cli.values import count, duration, pair
from pyrocketmq.errors import NotFoundError, RocketMQError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message
    from pyrocketmq.cli.output import Output
    from pyrocketmq.cli.sending.drafts import Line
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.producer import Producer

__all__ = ["configure"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq send shop 'one flat white' --tag new --key order-1
  seq 1000 | pyrocketmq send shop --rate 100/s
  tail -f orders.log | pyrocketmq send shop - --order-key till-1
  pyrocketmq send shop --file orders.jsonl
  pyrocketmq send shop 'pay the bill' --delay 10m

Each line of a pipe is a message, without its end; empty lines are passed over. A line of a JSONL file is an
object with "body", and if wanted "topic", "tags", "keys", "order_key", "delay", "flag" and "properties".
"""

_GIVE_UP_S: Final = 0.2
_LEAST_PAUSE_S: Final = 0.001
"""Sleeps are longer than asked for: so short ones would make a high rate a lower one."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLE
    parser.add_argument("topic")
    parser.add_argument("body", nargs="?", help="the message; - or nothing reads lines from standard input")
    parser.add_argument("--file", metavar="FILE", help="read JSON lines from a file; - is standard input")
    parser.add_argument("--whole", action="store_true", help="all of standard input is one message")
    group = parser.add_argument_group("message")
    group.add_argument("--tag", help="what consumers can filter by")
    group.add_argument("--key", action="append", default=[], help="to find it by; may be repeated")
    group.add_argument("--order-key", metavar="KEY", help="messages of one key go to one queue, in order")
    group.add_argument("--delay", type=duration, metavar="TIME", help="deliver it later, as in 10s, 5m, 2h")
    group.add_argument(
        "--property", action="append", type=pair, default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    group = parser.add_argument_group("sending")
    group.add_argument("--rate", type=rate, metavar="RATE", help="how fast, as in 1000/s, 5k/s, 60/m")
    group.add_argument(
        "--queue", type=_queue, metavar="BROKER:N", help="to this queue only, as in broker-a:2"
    )
    group.add_argument("--group", default="pyrocketmq-cli", help="the producer group (pyrocketmq-cli)")
    add_name_server_option(parser)
    add_connection_options(parser)
    parser.set_defaults(run=run)


def _queue(text: str) -> tuple[str, int]:
    broker, colon, number = text.rpartition(":")
    if not colon or not broker:
        raise ValueError(text)
    return broker, count(number)


_queue.__name__ = "BROKER:N"  # argparse shows it


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Send what is given or read."""
    _check(arguments)
    draft = Draft(
        arguments.topic,
        arguments.tag,
        tuple(arguments.key),
        arguments.order_key,
        arguments.delay,
        tuple(arguments.property),
    )
    if arguments.whole:
        return _send_one(draft.message(sys.stdin.buffer.read()), arguments, output)
    if arguments.body not in (None, "-"):
        return _send_one(draft.message(os.fsencode(arguments.body)), arguments, output)
    make = draft.message_of_line if arguments.file is None else draft.message_of_json
    draft.message(b"x")  # options that cannot be sent are found before the first line
    with _opened(arguments) as stream:
        return _send_lines(stream, make, arguments, output)


def _check(arguments: argparse.Namespace) -> None:
    sources = (arguments.body is not None, arguments.file is not None, bool(arguments.whole))
    if sum(sources) > 1:
        raise UsageError(
            "there are two sources of messages",
            field="body",
            advice="give one of: BODY, - for lines, --file FILE, --whole",
        )
    if arguments.delay is not None and arguments.delay <= 0:
        raise UsageError("--delay is 0", field="delay", advice="leave it out to deliver at once")
    if not any(sources) and sys.stdin.isatty():
        raise UsageError(
            "there is no message",
            field="body",
            advice=f"pyrocketmq send {arguments.topic} 'hello', or pipe lines into it",
        )


@contextlib.contextmanager
def _opened(arguments: argparse.Namespace) -> Generator[IO[bytes]]:
    if arguments.file in (None, "-"):
        yield sys.stdin.buffer
        return
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(arguments.file).open("rb"))
        except OSError as error:
            raise UsageError(
                f"--file {arguments.file!r} cannot be read: {error.strerror or error}",
                field="file",
                advice="name a file of JSON lines",
            ) from error
        yield stream


def _send_one(message: Message, arguments: argparse.Namespace, output: Output) -> int:
    with open_producer(arguments, group=arguments.group) as producer:
        result = producer.send(message, queue=_chosen_queue(producer, arguments))
    place = place_of(message.topic, result)
    output.done(
        place,
        f"sent as {result.msg_id} to {message.topic}, queue {result.queue_id} of {place['broker']},"
        f" offset {result.queue_offset:,}: {place['status']}",
    )
    return Exit.DONE if result.ok else Exit.WARNINGS


def _send_lines(
    stream: IO[bytes], make: Callable[[Line], Message], arguments: argparse.Namespace, output: Output
) -> int:
    from pyrocketmq.cli.sending.progress import Bar  # noqa: PLC0415 - only for many

    tally = Tally(output)
    pace = Pace(arguments.rate) if arguments.rate else None
    stopped = False
    total = None if arguments.file in (None, "-") else Path(arguments.file).stat().st_size
    with (
        stopping_on_terminate(),
        open_producer(arguments, group=arguments.group) as producer,
        Bar(output, tally, total) as bar,
    ):
        queue = _chosen_queue(producer, arguments)
        try:
            for line in read_lines(stream):
                bar.done_bytes += len(line.data) + 1
                _submit(producer, line, make, tally, pace, queue=queue)
        except KeyboardInterrupt:
            stopped = True
            sys.stderr.write(f"stopping; {tally.open:,} messages are on their way, Ctrl-C gives them up\n")
            sys.stderr.flush()
        try:
            with contextlib.suppress(RocketMQError):  # each failure is in the tally already
                producer.flush(arguments.timeout)
        except KeyboardInterrupt:
            stopped = True
            producer.shutdown(_GIVE_UP_S)
    if output.json:
        output.document({"event": "done", **tally.summary()})
    else:
        output.line(tally.text())
    return Exit.INTERRUPTED if stopped else tally.exit_code()


def _chosen_queue(producer: Producer, arguments: argparse.Namespace) -> MessageQueue | None:
    """The queue that is asked for, if it is there."""
    if arguments.queue is None:
        return None
    queues = producer.queues(arguments.topic)
    for queue in queues:
        if (queue.broker_name, queue.queue_id) == arguments.queue:
            return queue
    broker, number = arguments.queue
    raise NotFoundError(
        f"topic {arguments.topic!r} has no queue {number} on {broker!r} that takes messages",
        topic=arguments.topic,
        likely=f"it has {', '.join(f'{queue.broker_name}:{queue.queue_id}' for queue in queues[:16])}",
        advice=f"name one of these; pyrocketmq topic route {arguments.topic} shows where it is",
    )


def _submit(
    producer: Producer,
    line: Line,
    make: Callable[[Line], Message],
    tally: Tally,
    pace: Pace | None,
    *,
    queue: MessageQueue | None,
) -> None:
    tally.read += 1
    try:
        message = make(line)
        if pace is not None and (wait := pace.wait_s()) >= _LEAST_PAUSE_S:
            time.sleep(wait)
        producer.submit(message, on_delivery=_noting(tally, line.number), queue=queue)
    except RocketMQError as error:
        tally.refused(line.number, error)


def _noting(tally: Tally, line: int) -> Callable[[Message, SendResult | None, RocketMQError | None], None]:
    def note(message: Message, result: SendResult | None, error: RocketMQError | None) -> None:
        if result is not None:
            tally.delivered(line, message.topic, result)
        elif error is not None:
            tally.refused(line, error)

    return note
