"""``flaxfile config``: makes, shows and changes ``flaxfile.toml``. Passwords never stand in it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flaxfile import config as settings
from flaxfile.errors import ConflictError, UsageError, from_os_error
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse

    from flaxfile.cli.output import Output
    from flaxfile.config import Config

__all__ = ["INITIAL", "configure_config", "run_config"]

INITIAL: Final = """\
# FlaxFile. The first of these counts: --config, $FLAXFILE_CONFIG, ./flaxfile.toml, ~/flaxfile.toml,
# $XDG_CONFIG_HOME/flaxfile/flaxfile.toml. Passwords do not stand here: use FLAXFILE_PASSWORD.
[client]
default_server = "local"

[server]
host = "127.0.0.1"
port = 25555
storage_dir = "./zmq_streaming_storage"

[servers.local]
host = "127.0.0.1"
port = 25555
"""
ACTIONS: Final = ("init", "show", "path", "set", "interactive")


def configure_config(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile config init                              write ./flaxfile.toml\n"
        "  flaxfile config set servers.work.host 10.0.0.7    change one setting\n"
        "  flaxfile config show"
    )
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="interactive", help=say("what to do"))
    parser.add_argument("name", nargs="?", metavar="NAME", help=say("with init the file, with set TABLE.KEY"))
    parser.add_argument("value", nargs="?", metavar="VALUE", help=say("with set the new value"))


def run_config(arguments: argparse.Namespace, output: Output) -> int:
    """Do what was asked for."""
    explicit = Path(arguments.config) if arguments.config else None
    if (arguments.action == "set") != (arguments.value is not None) or (
        arguments.name is not None and arguments.action not in {"init", "set"}
    ):
        raise UsageError(
            f"config {arguments.action} does not take these arguments", hint="flaxfile config --help"
        )
    if arguments.action == "init":
        return _init(Path(arguments.name) if arguments.name else explicit or Path(settings.FILE_NAME), output)
    if arguments.action == "path":
        return _path(explicit, output)
    if arguments.action == "show":
        return _show(settings.load(explicit), output)
    if arguments.action == "set":
        return _set(_editable(explicit), str(arguments.name), arguments.value, output)
    return _interactive(_editable(explicit), output)


def _init(path: Path, output: Output) -> int:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(INITIAL)
    except FileExistsError as error:
        raise ConflictError(
            f"{path} is there already", hint="flaxfile config set TABLE.KEY VALUE changes it"
        ) from error
    except OSError as error:
        raise from_os_error(error, f"writing {path}") from error
    output.line(say("written: {path}", path=path.absolute()))
    output.document({"op": "config", "path": str(path.absolute())})
    return 0


def _path(explicit: Path | None, output: Output) -> int:
    found = settings.load(explicit).path
    for place in [explicit] if explicit else settings.search_path(os.environ):
        mark = "*" if found is not None and place == found else " "
        output.line(f"{mark} {place}")
    if found is None:
        output.note(say("no file: the defaults count"))
    output.document({"op": "config", "path": str(found) if found else None})
    return 0


def _show(config: Config, output: Output) -> int:
    tables: dict[str, Any] = {"client": config.client, "server": config.server}
    tables |= {f"servers.{name}": entry for name, entry in config.servers.items()}
    document: dict[str, object] = {"op": "config", "path": str(config.path) if config.path else None}
    output.line(f"# {config.path or say('defaults')}")
    for name, table in tables.items():
        values = table._asdict()
        values = {key: value for key, value in values.items() if value not in {None, ""}}
        document[name] = values
        output.line(f"[{name}]")
        output.lines([f"{key} = {_toml(value)}" for key, value in values.items()])
    output.document(document)
    return 0


def _toml(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda one: f"\\u{ord(one[0]):04x}", escaped) + '"'
    return str(value)


def _editable(explicit: Path | None) -> Path:
    """The file that counts now, or the one that would."""
    return settings.load(explicit).path or explicit or Path(settings.FILE_NAME)


def changed(text: str, name: str, value: str) -> str:
    """A configuration with one setting changed, and every other line as it was."""
    table, dot, key = name.rpartition(".")
    if not dot or not all(re.fullmatch(r"[A-Za-z0-9_-]+", part) for part in name.split(".")):
        raise UsageError(
            f"{name!r} names no setting", hint="write TABLE.KEY, as in client.retries or servers.work.host"
        )
    line = f"{key} = {value if re.fullmatch(r'[0-9]+([.][0-9]+)?', value) else _toml(value)}"
    lines = text.splitlines()
    start = next((at for at, one in enumerate(lines) if one.split("#")[0].strip() == f"[{table}]"), None)
    if start is None:
        return "\n".join([*lines, *([""] if lines else []), f"[{table}]", line]) + "\n"
    end = next((at for at in range(start + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    for at in range(start + 1, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[at]):
            lines[at] = line
            return "\n".join(lines) + "\n"
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, line)
    return "\n".join(lines) + "\n"


def _set(path: Path, name: str, value: str, output: Output) -> int:
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = changed(before, name, value)
        trial = path.with_name(path.name + ".new")
        trial.write_text(after, encoding="utf-8")
        try:
            # Read before it counts: a mistake leaves the file as it was.
            settings.load(trial, {})
            trial.replace(path)
        finally:
            trial.unlink(missing_ok=True)
    except UsageError as error:
        raise UsageError(error.message.replace(".toml.new", ".toml"), hint=error.hint) from None
    except OSError as error:
        raise from_os_error(error, f"changing {path}") from error
    output.line(say("{path}: {name} is {value} now", path=path, name=name, value=value))
    output.document({"op": "config", "path": str(path), "name": name, "value": value})
    return 0


def _terminal() -> bool:
    return sys.stdin.isatty()


def _interactive(path: Path, output: Output) -> int:
    """Ask for what most people set, one after the other; an empty answer keeps what is."""
    if not _terminal():
        raise UsageError("there is no terminal to ask on", hint="flaxfile config set TABLE.KEY VALUE")
    output.line(say("Enter keeps what stands in brackets; an end of input stops here."))
    questions = {
        "client.default_server": say("name of the default server"),
        "server.host": say("address that serve listens on"),
        "server.port": say("port that serve listens on"),
        "server.storage_dir": say("folder that serve keeps the files in"),
    }
    try:
        for name, question in questions.items():
            config = settings.load(path if path.exists() else None)
            table, _, key = name.partition(".")
            _ask(path, name, question, str(getattr(getattr(config, table), key)), output)
        default = settings.load(path if path.exists() else None).client.default_server
        entry = settings.load(path if path.exists() else None).servers.get(default, settings.ServerEntry())
        _ask(path, f"servers.{default}.host", say("host of {name}", name=default), entry.host, output)
        _ask(path, f"servers.{default}.port", say("port of {name}", name=default), str(entry.port), output)
    except EOFError:
        output.line()
    return 0


def _ask(path: Path, name: str, question: str, known: str, output: Output) -> None:
    while True:
        answer = input(f"{question} [{known}]: ").strip()
        if not answer or answer == known:
            return
        try:
            _set(path, name, answer, output)
        except UsageError as error:
            output.error(error)
        else:
            return
