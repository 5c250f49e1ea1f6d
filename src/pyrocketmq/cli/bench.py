"""``pyrocketmq bench``: measures this client on this machine, draws the result, compares it with another."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.message import Message
from pyrocketmq.cli.administering import add_subcommands
from pyrocketmq.cli.connecting import add_connection_options, add_name_server_option, positive_number
from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.cli.producing import producer_options
from pyrocketmq.cli.values import duration, positive_count, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.cli.administering import Commands, Run
    from pyrocketmq.cli.benching.loads import Load
    from pyrocketmq.cli.benching.result import Result
    from pyrocketmq.cli.output import Output

__all__ = ["configure"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq bench codec
  pyrocketmq bench codec --output before.json
  pyrocketmq bench send --serve
  pyrocketmq bench send shop --way submit --size 1k --nameserver mq-1:9876 --output before.json
  pyrocketmq bench send shop --way submit --size 1k --nameserver mq-1:9876 --compare before.json
  pyrocketmq bench latency --serve
"""
_SEND_WAYS: Final = ("await", "submit", "batch", "oneway", "threads")
_LATENCY_WAYS: Final = ("alone", "await-alone")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands."""
    parser.epilog = _EXAMPLE
    commands = add_subcommands(parser)
    _add_bench(commands, "codec", "what the core needs to encode and decode a message; no server", run_codec)

    one = _add_bench(commands, "send", "how many messages go to a topic", run_send)
    _add_sending(one, _SEND_WAYS, seconds=2.0)
    one.add_argument("--batch", type=positive_count, default=100, metavar="N", help="messages a batch (100)")
    one.add_argument("--tasks", type=positive_count, default=1024, metavar="N", help="tasks that send (1024)")
    one.add_argument("--threads", type=positive_count, default=8, metavar="N", help="threads that send (8)")

    one = _add_bench(commands, "latency", "how long one send takes, one after another", run_latency)
    _add_sending(one, _LATENCY_WAYS, seconds=2.0)
    one.add_argument(
        "--spin",
        type=duration,
        default=0.0,
        metavar="TIME",
        help="look for answers before sleeping, as in 1ms",
    )


def _add_sending(parser: argparse.ArgumentParser, ways: tuple[str, ...], *, seconds: float) -> None:
    parser.add_argument("topic", nargs="?", default="bench", help="where they go (bench)")
    parser.add_argument(
        "--way",
        action="append",
        choices=ways,
        help=f"how they are sent: {', '.join(ways)}; may be repeated (all)",
    )
    parser.add_argument(
        "--seconds", type=positive_number, default=seconds, metavar="S", help=f"for each run ({seconds:g})"
    )
    parser.add_argument("--binary", action="store_true", help="binary headers, which cost less than JSON")
    parser.add_argument(
        "--serve", action="store_true", help="start an embedded broker in a process of its own for it"
    )
    add_name_server_option(parser)
    add_connection_options(parser)


def _add_bench(commands: Commands, name: str, summary: str, run: Run) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--size", type=size, default=100, metavar="BYTES", help="of a body, as in 1k (100)")
    parser.add_argument("--runs", type=positive_count, default=5, metavar="N", help="how often (5)")
    group = parser.add_argument_group("result")
    group.add_argument("--output", metavar="FILE", help="write the result as JSON, to compare with later")
    group.add_argument("--svg", metavar="FILE", help="draw the result")
    group.add_argument("--compare", metavar="FILE", help="show what is better and worse than in this result")
    parser.set_defaults(run=run, bench=name)
    return parser


def run_codec(arguments: argparse.Namespace, output: Output) -> int:
    """Every work in turn, as often as runs are wanted."""
    from pyrocketmq.cli.benching.codec import codec_works, time_work  # noqa: PLC0415
    from pyrocketmq.cli.benching.live import open_view  # noqa: PLC0415
    from pyrocketmq.cli.benching.result import Result  # noqa: PLC0415

    before = _earlier(arguments)
    works = codec_works(_body_size(arguments))
    result = Result("codec", {"size": arguments.size, "runs": arguments.runs})
    view = open_view(output)
    try:
        for number in range(arguments.runs + 1):  # the first one warms up
            for name, work in works.items():
                view.begin(name, number, arguments.runs)
                figures = time_work(work)
                if number:
                    result.row(name).runs.append(figures)
    finally:
        view.close()
    _publish(result, before, arguments, output)
    return Exit.DONE


def run_send(arguments: argparse.Namespace, output: Output) -> int:
    """Every way in turn, as often as runs are wanted."""
    from pyrocketmq.cli.benching.loads import Load  # noqa: PLC0415

    load = Load(
        arguments.topic,
        _body_size(arguments),
        arguments.seconds,
        arguments.tasks,
        arguments.threads,
        arguments.batch,
    )
    settings = {"tasks": load.tasks, "threads": load.threads, "batch": load.batch}
    return _run_ways(arguments, output, load, _SEND_WAYS, settings)


def run_latency(arguments: argparse.Namespace, output: Output) -> int:
    """Both ways in turn, as often as runs are wanted."""
    from pyrocketmq.cli.benching.loads import Load  # noqa: PLC0415

    load = Load(arguments.topic, _body_size(arguments), arguments.seconds)
    return _run_ways(arguments, output, load, _LATENCY_WAYS, {"spin": arguments.spin})


def _run_ways(
    arguments: argparse.Namespace,
    output: Output,
    load: Load,
    known: tuple[str, ...],
    more: Mapping[str, object],
) -> int:
    from pyrocketmq.cli.benching.live import open_view  # noqa: PLC0415 - only to send
    from pyrocketmq.cli.benching.loads import WAYS  # noqa: PLC0415
    from pyrocketmq.cli.benching.result import Result  # noqa: PLC0415
    from pyrocketmq.cli.benching.running import run_ways  # noqa: PLC0415
    from pyrocketmq.cli.benching.server import own_server  # noqa: PLC0415

    if arguments.serve and arguments.nameserver is not None:
        raise UsageError(
            "--serve starts a server, and --nameserver names one",
            field="serve",
            advice="give one of them",
        )
    Message(load.topic, b"x")  # refuses a name that no topic can have
    before = _earlier(arguments)
    settings: dict[str, object] = {
        "size": load.size,
        "runs": arguments.runs,
        "seconds": load.seconds,
        "header": "binary" if arguments.binary else "json",
        "server": "embedded" if arguments.serve else "given",
        **more,
    }
    options = producer_options(arguments) | {"header_codec": settings["header"]}
    options["spin"] = getattr(arguments, "spin", 0.0)
    result = Result(arguments.bench, settings)
    with contextlib.ExitStack() as stack:
        if arguments.serve:
            options["namesrv_addr"] = stack.enter_context(own_server())
        view = open_view(output)
        stack.callback(view.close)
        ways = [WAYS[name] for name in dict.fromkeys(arguments.way or known)]
        done = run_ways(ways, load, options, result, view)
    _publish(result, before, arguments, output)
    if not done:
        return Exit.INTERRUPTED
    return Exit.WARNINGS if result.failures else Exit.DONE


def _body_size(arguments: argparse.Namespace) -> int:
    given: int = arguments.size
    if not 1 <= given <= 4 << 20:
        raise UsageError(
            f"--size is {given:,} bytes, a body has 1 to 4,194,304", field="size", advice="leave it at 100"
        )
    return given


def _earlier(arguments: argparse.Namespace) -> Result | None:
    """The result to compare with; read first, so that a wrong name costs no run."""
    for name in ("output", "svg"):
        given: str | None = getattr(arguments, name)
        if given is not None and not Path(given).absolute().parent.is_dir():
            raise UsageError(
                f"--{name} {given!r} is in a folder that does not exist", field=name, advice="make it first"
            )
    if arguments.compare is None:
        return None
    from pyrocketmq.cli.benching.result import read_result  # noqa: PLC0415 - only to compare

    before = read_result(arguments.compare)
    bench: str = arguments.bench
    if before.bench != bench:
        raise UsageError(
            f"--compare {arguments.compare!r} is of `bench {before.bench}`, this is `bench {bench}`",
            field="compare",
            advice="compare results of the same bench",
        )
    return before


def _publish(result: Result, before: Result | None, arguments: argparse.Namespace, output: Output) -> None:
    """Print the result, and write the files that are wanted."""
    from pyrocketmq.cli.benching.tables import comparison_of, print_comparison, print_result  # noqa: PLC0415

    value = result.to_dict()
    if before is not None:
        value["compared"] = {"with": before.when, "figures": comparison_of(result, before)}
    if arguments.output is not None:
        import orjson  # noqa: PLC0415 - only to write it

        Path(arguments.output).write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    if arguments.svg is not None:
        from pyrocketmq.cli.benching.chart import draw  # noqa: PLC0415 - only to draw

        Path(arguments.svg).write_text(draw(result, before), encoding="utf-8")
    if output.json:
        output.document(value)
        return
    print_result(result, output)
    if before is not None:
        print_comparison(result, before, output)
