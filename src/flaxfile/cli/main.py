"""Finds the command, runs it, and turns whatever happens into words and an exit code."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from flaxfile.cli.options import VALUE_OPTIONS, Parser, add_connection_options, add_output_options, normalized
from flaxfile.cli.output import Output, printable
from flaxfile.cli.signals import TerminatedError, leave, resuming, terminable
from flaxfile.errors import (
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    FlaxError,
    MissingExtraError,
    ProtocolError,
    StalledError,
    UsageError,
    from_os_error,
)
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["COMMANDS", "Command", "build_parser", "main"]

EXIT_BROKEN_PIPE: Final = 141
"""Who reads our output went away; 128 + SIGPIPE, as shells say it."""


class Command(NamedTuple):
    """Where a command lives and what it is for."""

    module: str
    usage: str
    summary: str
    connects: bool = True


COMMANDS: Final[dict[str, Command]] = {
    "serve": Command("serving", "", "run the server", connects=False),
    "set": Command("transferring", "FILE [KEY]", "upload a file"),
    "get": Command("transferring", "KEY [OUT]", "download a file"),
    "list": Command("listing", "[PREFIX]", "show what the server has"),
    "delete": Command("changing", "KEY...", "delete files, with --recursive folders"),
    "move": Command("changing", "A B", "rename a file or folder at once"),
    "stat": Command("listing", "KEY", "show one entry"),
    "push": Command("syncing", "DIR [REMOTE]", "make a folder there like one here"),
    "pull": Command("syncing", "REMOTE [DIR]", "make a folder here like one there"),
    "verify": Command("verifying", "[DIR] [REMOTE]", "compare by hash, change nothing"),
    "ping": Command("listing", "", "measure the round trip, show the server"),
    "keygen": Command("keeping", "[DIR]", "make key files", connects=False),
    "trust": Command("keeping", "NAME FINGERPRINT", "pin the key of a server", connects=False),
    "fingerprint": Command("keeping", "[KEYFILE]", "show fingerprint and public key", connects=False),
    "config": Command("configuring", "init|show|path|set|interactive", "the settings", connects=False),
    "completion": Command("supporting", "bash|zsh|fish", "print a completion script", connects=False),
    "systemd": Command("supporting", "", "print a systemd unit for the server", connects=False),
    "version": Command("supporting", "", "print the version", connects=False),
}


def overview() -> str:
    """What ``flaxfile --help`` says: fits a screen of 24 lines and 80 columns."""
    lines = [say("usage: flaxfile COMMAND [options]   (COMMAND --help: options and examples)")]
    for name, command in COMMANDS.items():
        left = f"{name} {command.usage}".rstrip()
        lines.append(f"  {left:<39}{say(command.summary)}")
    lines.append(say("everywhere: --server NAME|HOST[:PORT] --json --quiet --verbose --config F"))
    return "\n".join(lines)


def build_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    command = COMMANDS[name]
    module = importlib.import_module(f"flaxfile.cli.{command.module}")
    parser = Parser(prog=f"flaxfile {name}", description=say(command.summary))
    getattr(module, f"configure_{name}")(parser)
    add_output_options(parser)
    if command.connects:
        add_connection_options(parser)
    parser.set_defaults(run=getattr(module, f"run_{name}"), command=name)
    return parser


def split_command(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command and its arguments; options that stand before it are moved behind it."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        takes_value = words[at] in VALUE_OPTIONS
        at += 2 if takes_value else 1
    if at >= len(words):
        return None, list(words)
    return words[at], [*words[:at], *words[at + 1 :]]


def _output(arguments: argparse.Namespace) -> Output:
    as_json = arguments.json or os.environ.get("FLAXFILE_JSON", "") not in {"", "0"}
    return Output(as_json=as_json, quiet=arguments.quiet, progress=not arguments.no_progress)


def _log(arguments: argparse.Namespace) -> None:
    import logging  # noqa: PLC0415

    level = os.environ.get(
        "FLAXFILE_LOG_LEVEL", "INFO" if arguments.command == "serve" else "WARNING"
    ).upper()
    if arguments.verbose:
        level = "DEBUG"
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise UsageError(
            f"FLAXFILE_LOG_LEVEL is {level!r}, which is no level",
            hint="known are DEBUG, INFO, WARNING, ERROR and CRITICAL",
        )
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = normalized(sys.argv[1:] if words is None else words)
    try:
        code = _told(given, Output(as_json="--json" in given))
    except BrokenPipeError:
        # Python flushes at its end and would complain once more.
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        code = EXIT_BROKEN_PIPE
    if words is None and code in {EXIT_INTERRUPTED, EXIT_TERMINATED}:
        leave(code)
    return code


def _open_streams() -> None:
    """Standard streams that were closed lead nowhere; files that are opened must not take their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - to the end


def _told(words: Sequence[str], output: Output) -> int:
    """Run a command, and say it when it does not come to its end."""
    try:
        with terminable():
            code = _run(words)
            sys.stdout.flush()
    except FlaxError as error:
        again = _again(words)
        if isinstance(error, StalledError) and again is not None:
            error.hint = say("what has arrived is kept; to go on: {command}", command=again)
        output.error(error)
        return error.code
    except KeyboardInterrupt:
        _note_end(say("interrupted"), words, output)
        return EXIT_INTERRUPTED
    except TerminatedError:
        _note_end(say("terminated"), words, output)
        return EXIT_TERMINATED
    except BrokenPipeError:
        raise
    except Exception as error:
        if "--verbose" in words:
            raise
        fault = _fault(error)
        output.error(fault)
        return fault.code
    return code


def _again(words: Sequence[str]) -> str | None:
    name, rest = split_command(words)
    return resuming(name or "", rest)


def _note_end(what: str, words: Sequence[str], output: Output) -> None:
    """One line of its own, behind what a terminal shows of Ctrl-C."""
    if output.terminal:
        output.note("")
    again = _again(words)
    output.note(
        what
        if again is None
        else say("{what}; what has arrived is kept, to go on: {command}", what=what, command=printable(again))
    )


def _fault(error: Exception) -> FlaxError:
    """What the system refuses, a package that is missing, or a fault of ours, in words."""
    if isinstance(error, OSError):
        return from_os_error(error, f"using {error.filename}" if error.filename else "writing the output")
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("flaxfile"):
        return MissingExtraError(f"this needs the package {error.name}, which is not installed")
    return ProtocolError(
        f"this should not happen: {type(error).__name__}: {error}",
        hint="please report it, with what the same command says with --verbose",
    )


def _run(words: Sequence[str]) -> int:
    name, rest = split_command(words)
    if name is None:
        if {"-V", "--version"} & set(rest):
            name, rest = "version", []
        else:
            unknown = [word for word in rest if word not in {"-h", "--help"}]
            if unknown:
                raise UsageError(f"there is no command before {unknown[0]!r}", hint="flaxfile --help")
            sys.stdout.write(overview() + "\n")
            return 0 if rest else UsageError.code
    if name == "help":
        sys.stdout.write(overview() + "\n")
        return 0
    if name not in COMMANDS:
        import difflib  # noqa: PLC0415

        near = difflib.get_close_matches(name, COMMANDS, 1)
        raise UsageError(
            f"there is no command {name!r}", hint=f"did you mean {near[0]}?" if near else "flaxfile --help"
        )
    parser = build_parser(name)
    try:
        # Options may stand between the arguments, unless "--" says where options end.
        arguments = parser.parse_args(rest) if "--" in rest else parser.parse_intermixed_args(rest)
    except SystemExit as leaving:  # --help
        return int(leaving.code or 0)
    _log(arguments)
    return int(arguments.run(arguments, _output(arguments)))


if __name__ == "__main__":
    sys.exit(main())
