"""The options that every command has, and a parser that fails before any work.

Both spellings of a long option are taken, `--connect-timeout` and the seed's `--connect_timeout`. Values are
text: nothing is guessed to be a number or a list.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from flaxfile.errors import UsageError
from flaxfile.model import HASH_KINDS, known_kind
from flaxfile.texts import say
from flaxfile.values import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "VALUE_OPTIONS",
    "Parser",
    "add_connection_options",
    "add_hash",
    "add_output_options",
    "add_shown_hash",
    "add_transfer_options",
    "add_verify_disk",
    "count",
    "normalized",
    "port",
    "positive",
    "rate",
    "seconds",
]

T = TypeVar("T")

VALUE_OPTIONS = frozenset(
    {
        "--config",
        "--server",
        "--password",
        "--password-file",
        "--password-env",
        "--identity",
        "--timeout",
        "--transfer-timeout",
        "--connect-timeout",
        "--max-retries",
        "--bwlimit",
    }
)
"""Options of every command that take a value; they may stand before the command."""


class Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, so that JSON gets an object and tests an exception."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)
        self._left_out: dict[str, tuple[Sequence[str], str]] = {}

    def may_leave_out(self, option: str, values: Sequence[str], meant: str) -> None:
        """Let an option stand without a value before a file's name, which argparse would take for one."""
        self._left_out[option] = (values, meant)

    # One signature stands for the three that argparse is typed with.
    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        """As argparse does, once values that were left out are in their places."""
        words: list[str] = list(sys.argv[1:] if args is None else args)
        for at, word in enumerate(words):
            if word == "--":
                break
            if word in self._left_out:
                values, meant = self._left_out[word]
                if not words[at + 1 :] or words[at + 1] not in values:
                    words[at] = f"{word}={meant}"
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """A usage error, with the command whose help helps."""
        raise UsageError(message, hint=f"{self.prog} --help")


def normalized(arguments: Sequence[str]) -> list[str]:
    """The arguments with dashes in the names of long options, as far as options go."""
    result: list[str] = []
    for at, word in enumerate(arguments):
        if word == "--":
            return [*result, *arguments[at:]]
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            word = name.replace("_", "-") + equals + value
        result.append(word)
    return result


def _explained(convert: Callable[[str], T]) -> Callable[[str], T]:
    """Let argparse show the reason, which it keeps to itself for a plain ValueError."""

    def converted(text: str) -> T:
        try:
            return convert(text)
        except UsageError as error:
            reason = f"{error.message}: {error.hint}" if error.hint else error.message
            raise argparse.ArgumentTypeError(reason) from None

    return converted


@_explained
def seconds(text: str) -> float:
    """A duration above zero."""
    value = parse_duration(text)
    if value <= 0:
        raise UsageError(f"{text!r} is no time to wait", hint="give more than 0 seconds")
    return value


@_explained
def rate(text: str) -> int:
    """Bytes a second, as in 10MiB or 10MiB/s."""
    value = parse_size(text.lower().removesuffix("/s"))
    if value <= 0:
        raise UsageError(f"{text!r} is no rate", hint="write bytes a second, as in 10MiB")
    return value


@_explained
def count(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"{text!r} is no whole number")
    return int(text)


@_explained
def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise UsageError(f"{text!r} is no whole number above 0")
    return int(text)


@_explained
def port(text: str) -> int:
    """A port number."""
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise UsageError(f"{text!r} is no port", hint="give a number from 0 to 65535")
    return int(text)


@_explained
def hash_kind(text: str) -> str:
    """A kind of hash."""
    return known_kind(text)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """How to talk."""
    group = parser.add_argument_group(say("output"))
    group.add_argument("--json", action="store_true", help=say("one JSON object a line"))
    group.add_argument("--quiet", action="store_true", help=say("only results and errors"))
    group.add_argument("--verbose", action="store_true", help=say("log what happens"))
    group.add_argument("--no-progress", action="store_true", help=say("no progress line"))
    group.add_argument("--config", metavar="FILE", help=say("this flaxfile.toml and no other"))


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Whom to talk to, and as whom."""
    group = parser.add_argument_group(say("connection"))
    group.add_argument("--server", metavar="SERVER", help=say("a name of the configuration, or HOST[:PORT]"))
    group.add_argument("--password-file", metavar="FILE", help=say("file with the password"))
    group.add_argument("--password-env", metavar="VAR", help=say("variable with the password"))
    group.add_argument("--password", metavar="TEXT", help=say("the password; visible to others"))
    group.add_argument("--identity", metavar="KEYFILE", help=say("key file to show to the server"))
    group.add_argument("--accept-new", action="store_true", help=say("trust a server that was never met"))
    group.add_argument(
        "--timeout",
        "--transfer-timeout",
        dest="timeout",
        metavar="S",
        type=seconds,
        help=say("seconds without progress"),
    )
    group.add_argument("--connect-timeout", metavar="S", type=seconds, help=say("seconds for the handshake"))
    group.add_argument("--max-retries", metavar="N", type=count, help=say("reconnects of one transfer"))
    group.add_argument("--bwlimit", metavar="RATE", type=rate, help=say("bytes a second, as in 10MiB"))


def add_transfer_options(parser: argparse.ArgumentParser) -> None:
    """What a single transfer may be told."""
    parser.add_argument("--connections", metavar="N", type=positive, help=say("sockets to use"))
    parser.add_argument("--no-resume", action="store_true", help=say("start anew"))
    add_verify_disk(parser)
    add_hash(parser)


def add_hash(parser: argparse.ArgumentParser) -> None:
    """By what both sides compare content; nothing means what the configuration says."""
    parser.add_argument(
        "--hash",
        dest="hash_kind",
        metavar="KIND",
        type=hash_kind,
        help=say("what both sides compare content by: xxh3, or blake3 (cryptographic)"),
    )
    parser.set_defaults(compares=True)


def add_shown_hash(parser: Parser) -> None:
    """Whether to show hashes, and which: the kind may be left out."""
    parser.add_argument(
        "--hash",
        dest="hash_kind",
        metavar="KIND",
        nargs="?",
        type=lambda text: hash_kind(text) if text else "",
        help=say("with hashes: xxh3, or blake3, which b3sum shows too"),
    )
    parser.may_leave_out("--hash", HASH_KINDS, "")


def add_verify_disk(parser: argparse.ArgumentParser) -> None:
    """For whoever does not trust a disk."""
    parser.add_argument(
        "--verify-disk", action="store_true", help=say("read what was written once more before it counts")
    )
