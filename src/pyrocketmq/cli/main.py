"""The parser of ``pyrocketmq``, and the way from arguments to a command and its exit code.

A command is a module with ``configure(parser)``, which adds its arguments and sets ``run``, a function of the
arguments and the output. It is imported when it is the one that was called.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from pyrocketmq import __version__
from pyrocketmq.cli.exits import EXIT_CODES, Exit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from pyrocketmq.cli.output import Output

    class Command(Protocol):
        """What every command module has."""

        def configure(self, parser: argparse.ArgumentParser) -> None:
            """Add the arguments and set ``run``."""
            ...

    class Run(Protocol):
        """What a command does."""

        def __call__(self, arguments: argparse.Namespace, output: Output, /) -> int:
            """Do it, give the exit code."""
            ...


__all__ = ["COMMANDS", "build_parser", "main"]

COMMANDS: Final = {
    "send": "send one message, or one for each line of a pipe or a file",
    "serve": "run a name server and brokers in this process",
    "topic": "what topics there are, where they are, what they hold",
    "group": "consumer groups, how far they are, and moving them",
    "msg": "find messages by id, key, place or time",
    "cluster": "brokers and name servers, their counters and settings",
    "acl": "users and access rules of brokers with auth 2.0",
    "bench": "measure this client on this machine",
    "doctor": "find out why a client cannot work with a server",
    "dump": "print the frames between a client and a server",
}
"""Every command with its line for ``--help``."""


class _Parser(argparse.ArgumentParser):
    """Wrong arguments become the same kind of error as everything else."""

    chosen = ""

    def error(self, message: str) -> NoReturn:
        from pyrocketmq.cli.problems import UsageError  # noqa: PLC0415 - only when something is wrong

        raise UsageError(message, advice=f"{self.prog}{self.chosen} --help")


def _epilog() -> str:
    codes = "\n".join(f"  {int(code):>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    return f"exit codes:\n{codes}\n\npyrocketmq COMMAND --help explains a command"


def _add_common(parser: argparse.ArgumentParser, *, first: bool) -> None:
    """Options that stand before or behind the command; behind it, their absence changes nothing."""
    default = False if first else argparse.SUPPRESS
    group = parser.add_argument_group("output")
    group.add_argument(
        "--json", action="store_true", default=default, help="JSON: one document, or a line for each event"
    )
    group.add_argument(
        "--plain",
        action="store_true",
        default=default,
        help="no colours and frames, as if there were no terminal",
    )
    group.add_argument(
        "--debug", action="store_true", default=default, help="log lines, and tracebacks of faults"
    )


def build_parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The parser; only the chosen command has its arguments in it."""
    parser = _Parser(
        prog="pyrocketmq",
        description="Work with Apache RocketMQ from the command line.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pyrocketmq-turbo {__version__}")
    _add_common(parser, first=True)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    if chosen in COMMANDS:
        parser.chosen = f" {chosen}"  # what a command does not know is refused by the parser above it
    for name, summary in COMMANDS.items():
        one = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name == chosen:
            cast("Command", import_module(f"pyrocketmq.cli.{name}")).configure(one)
            _add_common_everywhere(one)
    return parser


def _add_common_everywhere(parser: argparse.ArgumentParser) -> None:
    nested: list[Any] = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    for action in nested:
        for one in set(action.choices.values()):
            _add_common_everywhere(one)
    if not nested:
        _add_common(parser, first=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        argv: the arguments without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    chosen = next((word for word in given if not word.startswith("-")), None)
    json = "--json" in given
    debug = "--debug" in given
    try:
        parser = build_parser(chosen)
        arguments = parser.parse_args(given)
        if arguments.command is None:
            parser.print_help()
            return Exit.WRONG_USE
        return _run(arguments)
    except BrokenPipeError:
        # The interpreter flushes standard output once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE_CLOSED
    except SystemExit as end:  # --help and --version
        return end.code if isinstance(end.code, int) else Exit.DONE
    except (Exception, KeyboardInterrupt) as error:
        from pyrocketmq.cli import problems  # noqa: PLC0415

        if debug and problems.exit_code_of(error) == Exit.BUG:
            raise
        return problems.report(error, json=json)


def _run(arguments: argparse.Namespace) -> int:
    from pyrocketmq.cli.output import Output  # noqa: PLC0415 - not for --help

    if arguments.debug:
        from pyrocketmq.logging import LoggerFactory, LoggingConfig  # noqa: PLC0415 - only on request

        LoggerFactory.setup_default_config(LoggingConfig(level="DEBUG", stream=sys.stderr))
    output = Output(json=arguments.json, plain=arguments.plain)
    code = cast("Run", arguments.run)(arguments, output)
    output.stream.flush()
    return int(code)
