"""Settings: flags over environment over `flaxfile.toml` over defaults, and which server a name means.

The first file found counts alone. A key that nobody knows is an error that names the file, the table and the
key; a value of the wrong kind too. Nothing here opens a connection or reads a key file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from flaxfile.errors import UsageError, from_os_error
from flaxfile.values import (
    CHECKS,
    DEFAULT_PORT,
    check_count,
    check_seconds,
    check_size,
    check_text,
    parse_address,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flaxfile.model import HashKind

__all__ = [
    "ClientSettings",
    "Config",
    "ServerEntry",
    "ServerSettings",
    "Target",
    "load",
    "password_from",
    "resolve",
    "search_path",
    "state_folder",
]

FILE_NAME: Final = "flaxfile.toml"


class ClientSettings(NamedTuple):
    """Table ``[client]``."""

    default_server: str = "local"
    """Name of the server to talk to when none is given."""
    connect_timeout: float = 10.0
    """Seconds for the whole handshake."""
    idle_timeout: float = 30.0
    """Seconds without one byte of progress before a connection is made anew."""
    retries: int = 5
    """Reconnects of one transfer."""
    window: int = 32 << 20
    """Bytes on the way, over all sockets of a client."""
    hash: HashKind = "xxh3"
    """What content is compared by on both sides; ``blake3`` needs the extra of that name on both."""


class ServerSettings(NamedTuple):
    """Table ``[server]``, for ``flaxfile serve``."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    storage_dir: str = "./zmq_streaming_storage"
    """Folder that keeps the files."""
    max_upload: int = 10 << 40
    """Largest file in bytes."""
    max_clients: int = 512
    """Clients at once."""
    memory: int = 256 << 20
    """Bytes on the way for all clients together."""
    part_ttl: float = 86_400.0
    """Seconds that the part of a broken transfer is kept for its resume."""
    durability: Literal["none", "rename", "fsync"] = "rename"
    """``fsync`` answers an upload only when it is on the disk."""
    server_key: str | None = None
    """Key file of the server, as ``flaxfile keygen`` makes it."""
    authorized_clients: str | None = None
    """File with the public keys that may connect."""
    realm: str = ""
    """Mixed into the derivation of keys from a password."""


class ServerEntry(NamedTuple):
    """Table ``[servers.NAME]``: where a server is, and how to know it."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    fingerprint: str | None = None
    """The only key that this server may have."""
    identity: str | None = None
    """Key file to show to it."""
    realm: str = ""
    """Mixed into the derivation of keys from a password."""


class Config(NamedTuple):
    """All tables of one file, or the defaults."""

    path: Path | None = None
    client: ClientSettings = ClientSettings()
    server: ServerSettings = ServerSettings()
    servers: Mapping[str, ServerEntry] = MappingProxyType({"local": ServerEntry()})


class Target(NamedTuple):
    """The server that a command talks to."""

    name: str
    host: str
    port: int
    fingerprint: str | None = None
    identity: str | None = None
    realm: str = ""

    @property
    def address(self) -> str:
        """Host and port as one text."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def search_path(environment: Mapping[str, str]) -> list[Path]:
    """Where a configuration is looked for, the first one first."""
    named = environment.get("FLAXFILE_CONFIG")
    places = [Path(named).expanduser()] if named else []
    return [
        *places,
        Path.cwd() / FILE_NAME,
        Path("~").expanduser() / FILE_NAME,
        state_folder(environment) / FILE_NAME,
    ]


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where keys and pins of this user are kept."""
    base = environment.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path("~/.config").expanduser()) / "flaxfile"


def load(explicit: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of this process: the file that counts, and what the environment says over it."""
    config = _read_first(explicit, environment)
    return Config(config.path, _with_environment(config.client, environment), config.server, config.servers)


def _read_first(explicit: Path | None, environment: Mapping[str, str]) -> Config:
    if explicit is not None:
        return _read(explicit)
    named = environment.get("FLAXFILE_CONFIG")
    if named:
        return _read(Path(named).expanduser())
    for path in search_path(environment):
        if path.is_file():
            return _read(path)
    return Config()


def _read(path: Path) -> Config:
    import tomllib  # noqa: PLC0415 - a command without a file does without

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the configuration {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the configuration {path} is not TOML: {error}") from error
    _refuse_unknown(path, "", content, {"client", "server", "servers"})
    servers = _table(path, content, "servers")
    entries = {
        name: _build(ServerEntry, path, f"servers.{name}", _table(path, servers, name, f"servers.{name}"))
        for name in servers
    }
    return Config(
        path,
        _build(ClientSettings, path, "client", _table(path, content, "client")),
        _build(ServerSettings, path, "server", _table(path, content, "server")),
        entries or {"local": ServerEntry()},
    )


def _table(path: Path, content: Mapping[str, Any], key: str, shown: str | None = None) -> dict[str, Any]:
    table: Any = content.get(key, {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {shown or key} has to be a table", hint=f"write [{shown or key}] above it")
    return cast("dict[str, Any]", table)


def _line_of(path: Path, table: str, key: str) -> str:
    """The file and the line of a setting, or the file alone where that is not plain to see."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return str(path)
    current = ""
    for number, line in enumerate(lines, 1):
        head = re.match(r"\s*\[([^\[\]]+)\]", line)
        if head is not None:
            current = re.sub(r"[\s\"']", "", head[1])
            found = not table and current.split(".")[0] == key
        else:
            found = current == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line) is not None
        if found:
            return f"{path}, line {number}"
    return str(path)


def _refuse_unknown(path: Path, table: str, content: Mapping[str, Any], known: set[str]) -> None:
    for key in content:
        if key not in known:
            import difflib  # noqa: PLC0415 - only for what is wrong

            near = difflib.get_close_matches(key, known, 1)
            where = f"[{table}] {key}" if table else f"[{key}]"
            raise UsageError(
                f"{_line_of(path, table, key)}: nobody knows the setting {where}",
                hint=f"did you mean {near[0]}?" if near else f"known are: {', '.join(sorted(known))}",
            )


def _build(kind: Any, path: Path, table: str, content: Mapping[str, Any]) -> Any:
    _refuse_unknown(path, table, content, set(kind._fields))
    values = {}
    for key, value in content.items():
        try:
            values[key] = CHECKS.get(key, check_text)(value)
        except UsageError as error:
            where = _line_of(path, table, key)
            raise UsageError(f"{where}: [{table}] {key}: {error.message}", hint=error.hint) from None
    return kind(**values)


_FROM_ENVIRONMENT: Final[dict[str, tuple[str, Callable[[object], object]]]] = {
    "FLAXFILE_CONNECT_TIMEOUT": ("connect_timeout", check_seconds),
    "FLAXFILE_TRANSFER_TIMEOUT": ("idle_timeout", check_seconds),
    "FLAXFILE_MAX_RETRIES": (
        "retries",
        lambda text: check_count(int(str(text)) if str(text).isdigit() else text),
    ),
    "FLAXFILE_WINDOW": ("window", check_size),
}


def _with_environment(client: ClientSettings, environment: Mapping[str, str]) -> ClientSettings:
    values: dict[str, Any] = {}
    for variable, (name, check) in _FROM_ENVIRONMENT.items():
        text = environment.get(variable)
        if text:
            try:
                values[name] = check(text)
            except UsageError as error:
                raise UsageError(f"{variable}: {error.message}", hint=error.hint) from None
    return client._replace(**values)


def resolve(config: Config, server: str | None, environment: Mapping[str, str] = os.environ) -> Target:
    """The server that is meant: a name of the configuration, or an address."""
    wanted = server or environment.get("FLAXFILE_SERVER") or config.client.default_server
    entry = config.servers.get(wanted)
    if entry is not None:
        return Target(wanted, entry.host, entry.port, entry.fingerprint, entry.identity, entry.realm)
    if server is None and not environment.get("FLAXFILE_SERVER") and config.path is not None:
        raise UsageError(
            f"{config.path}: [client] default_server names {wanted!r}, which is not there",
            hint=f"known are: {', '.join(sorted(config.servers))}",
        )
    host, port = parse_address(wanted)
    for name, known in config.servers.items():
        if (known.host, known.port) == (host, port):
            return Target(name, host, port, known.fingerprint, known.identity, known.realm)
    return Target(wanted, host, port)


def password_from(
    environment: Mapping[str, str],
    *,
    given: str | None = None,
    file: str | None = None,
    variable: str | None = None,
) -> str | None:
    """The password, from the first place that has one; None where none is to be used.

    A variable that is set and empty means "plain", also where a later place would have a password.
    """
    if given is not None:
        return given or None
    file = file or (environment.get("FLAXFILE_PASSWORD_FILE") if variable is None else None)
    if file is not None:
        try:
            return Path(file).expanduser().read_text(encoding="utf-8").rstrip("\r\n") or None
        except OSError as error:
            raise from_os_error(error, f"reading the password file {file}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"the password file {file} is not UTF-8 text") from error
    if variable is not None and variable not in environment:
        raise UsageError(f"the variable {variable} of --password-env is not set")
    return environment.get(variable or "FLAXFILE_PASSWORD") or None
