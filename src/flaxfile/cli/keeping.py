"""``flaxfile keygen``, ``trust`` and ``fingerprint``: key files and pins. None of them connects."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from flaxfile.config import load, resolve, state_folder
from flaxfile.errors import NotFoundError
from flaxfile.security.keys import CLIENT_FILE, SERVER_FILE, format_key, keygen, load_keys, parse_key
from flaxfile.security.pins import KNOWN_SERVERS, KnownServers, fingerprint
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse

    from flaxfile.cli.output import Output

__all__ = [
    "configure_fingerprint",
    "configure_keygen",
    "configure_trust",
    "run_fingerprint",
    "run_keygen",
    "run_trust",
]


def configure_keygen(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile keygen                        keys of a server and its first client\n"
        "  flaxfile keygen ann --server-key KEY   keys of one more client of a known server"
    )
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help=say("where to (default: the settings' folder)")
    )
    parser.add_argument(
        "--server-key", metavar="KEY", help=say("public key of the server: makes client.key alone")
    )


def run_keygen(arguments: argparse.Namespace, output: Output) -> int:
    """Make the files, say what to do with them."""
    folder = Path(arguments.folder) if arguments.folder else state_folder(os.environ)
    server_public = parse_key(arguments.server_key) if arguments.server_key else None
    server, client = keygen(folder, server_public)
    document: dict[str, object] = {
        "op": "keygen",
        "client_file": str(folder / CLIENT_FILE),
        "client_key": format_key(client.public),
    }
    if server is not None:
        document |= {
            "server_file": str(folder / SERVER_FILE),
            "server_key": format_key(server.public),
            "fingerprint": fingerprint(server.public),
        }
        output.line(say("server: {file}", file=folder / SERVER_FILE))
        output.line(say("  public key   {key}", key=format_key(server.public)))
        output.line(say("  fingerprint  {pin}", pin=fingerprint(server.public)))
    output.line(say("client: {file}", file=folder / CLIENT_FILE))
    output.line(say("  public key   {key}", key=format_key(client.public)))
    output.note(say("The server lists who may come in, one a line: NAME PUBLIC-KEY [ro|rw] [prefix=FOLDER]"))
    output.document(document)
    return 0


def configure_trust(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say("example:\n  flaxfile trust files.example:25555 ff2:abcdefghijklmnopqrstuvwxyz")
    parser.add_argument("name", metavar="NAME", help=say("a name of the configuration, or HOST[:PORT]"))
    parser.add_argument("fingerprint", metavar="FINGERPRINT", help=say("what its owner says it is"))


def run_trust(arguments: argparse.Namespace, output: Output) -> int:
    """Pin it."""
    config = load(Path(arguments.config) if arguments.config else None)
    target = resolve(config, arguments.name)
    KnownServers(state_folder(os.environ) / KNOWN_SERVERS).trust(target.address, arguments.fingerprint)
    output.line(
        say(
            "{address} has to have the key {pin} from now on",
            address=target.address,
            pin=arguments.fingerprint,
        )
    )
    output.document({"op": "trust", "address": target.address, "fingerprint": arguments.fingerprint})
    return 0


def configure_fingerprint(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say("example:\n  flaxfile fingerprint ~/.config/flaxfile/server.key")
    parser.add_argument("keyfile", metavar="KEYFILE", nargs="?", help=say("a key file (default: server.key)"))


def run_fingerprint(arguments: argparse.Namespace, output: Output) -> int:
    """Show both forms of a public key."""
    path = Path(arguments.keyfile) if arguments.keyfile else state_folder(os.environ) / SERVER_FILE
    if not path.exists():
        raise NotFoundError(f"there is no key file {path}", hint="flaxfile keygen makes one")
    public = load_keys(path).public
    output.line(fingerprint(public))
    output.line(format_key(public))
    output.document(
        {"op": "fingerprint", "fingerprint": fingerprint(public), "public_key": format_key(public)}
    )
    return 0
