"""``flaxfile serve``: the server, until somebody stops it, and its figures for Prometheus."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flaxfile.cli.options import port, positive
from flaxfile.config import load, password_from
from flaxfile.errors import ConnectError, UsageError
from flaxfile.texts import say
from flaxfile.values import parse_address

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncGenerator, Mapping

    from flaxfile.cli.output import Output
    from flaxfile.config import Config, ServerSettings
    from flaxfile.security.zap import Authenticator
    from flaxfile.server.server import Server

__all__ = ["configure_serve", "figures", "is_loopback", "metrics_text", "run_serve"]

GAUGES: Final = frozenset({"buffer_bytes", "clients", "jobs", "parts", "transfers"})
"""Figures that go up and down; all others count since the start."""
M_ARENA_MAX: Final = -8
"""As glibc's malloc.h numbers it."""


def configure_serve(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        "  flaxfile serve                                       for this machine\n"
        "  FLAXFILE_PASSWORD=... flaxfile serve --host 0.0.0.0  for others, encrypted\n"
        "  flaxfile serve --storage /srv/files --read-only"
    )
    parser.add_argument("--host", help=say("address to listen on"))
    parser.add_argument("--port", type=port, help=say("port to listen on"))
    parser.add_argument("--storage", metavar="DIR", help=say("folder of the files"))
    parser.add_argument("--read-only", action="store_true", help=say("nobody may write"))
    parser.add_argument("--max-clients", metavar="N", type=positive, help=say("clients at once"))
    parser.add_argument("--metrics", metavar="HOST:PORT", help=say("serve figures for Prometheus there"))
    parser.add_argument(
        "--insecure", action="store_true", help=say("other machines may come in without password")
    )
    parser.add_argument("--server-key", metavar="KEYFILE", help=say("key file of the server"))
    parser.add_argument(
        "--authorized-clients", metavar="FILE", help=say("file with the clients that may come in")
    )
    parser.add_argument("--realm", help=say("name of the key derivation, the same on both sides"))
    parser.add_argument("--password-file", metavar="FILE", help=say("file with the password"))
    parser.add_argument("--password-env", metavar="VAR", help=say("variable with the password"))
    parser.add_argument("--password", metavar="TEXT", help=say("the password; visible to others"))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host in {"localhost", "ip6-localhost"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _judge(settings: ServerSettings, arguments: argparse.Namespace, output: Output) -> Authenticator:
    """Who may come in; refuses an open door to other machines."""
    from flaxfile.security.zap import authenticator  # noqa: PLC0415 - needs pyzmq

    password = password_from(
        os.environ, given=arguments.password, file=arguments.password_file, variable=arguments.password_env
    )
    if arguments.password is not None:
        output.warn(say("--password is visible to everybody on this machine; use FLAXFILE_PASSWORD"))
    server_key = arguments.server_key or settings.server_key
    clients = arguments.authorized_clients or settings.authorized_clients
    if server_key is not None and arguments.password is None and not arguments.password_file:
        password = None  # a password in the environment is for this machine's clients then
    host = arguments.host or settings.host
    if not is_loopback(host) and password is None and server_key is None and not arguments.insecure:
        raise UsageError(
            f"{host} can be reached by other machines, and there is neither a password nor a key",
            hint="set FLAXFILE_PASSWORD, or make keys with flaxfile keygen, or listen on 127.0.0.1, "
            "or say --insecure",
        )
    return authenticator(
        password=password,
        server_key=Path(server_key).expanduser() if server_key else None,
        authorized_clients=Path(clients).expanduser() if clients else None,
        realm=settings.realm if arguments.realm is None else arguments.realm,
        read_only=arguments.read_only,
    )


def _metrics_address(text: str) -> tuple[str, int]:
    if re.search(r":\d+$", text) is None:
        raise UsageError(f"--metrics {text} has no port", hint="write HOST:PORT, as in 127.0.0.1:9100")
    return parse_address(text)


def run_serve(arguments: argparse.Namespace, output: Output) -> int:
    """Serve until SIGTERM or Ctrl-C; both are a clean end."""
    config = load(Path(arguments.config) if arguments.config else None)
    judge = _judge(config.server, arguments, output)
    metrics = _metrics_address(arguments.metrics) if arguments.metrics else None
    arguments.storage = Path(arguments.storage or config.server.storage_dir).expanduser()
    _share_memory()
    asyncio.run(_serve(config, judge, metrics, arguments, output))
    return 0


def _share_memory() -> None:
    """Let all threads take memory from one place: glibc keeps for each of them what is free, beside all that
    the setting ``memory`` counts.
    """
    if sys.platform.startswith("linux") and "MALLOC_ARENA_MAX" not in os.environ:
        import ctypes  # noqa: PLC0415 - a server alone

        with contextlib.suppress(AttributeError):  # another library than glibc
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


async def _serve(
    config: Config,
    judge: Authenticator,
    metrics: tuple[str, int] | None,
    arguments: argparse.Namespace,
    output: Output,
) -> None:
    from flaxfile.server.server import Server  # noqa: PLC0415 - needs pyzmq

    settings = config.server
    host = arguments.host or settings.host
    storage = arguments.storage
    server = Server(
        host,
        settings.port if arguments.port is None else arguments.port,
        storage,
        authenticator=judge,
        memory=settings.memory,
        max_upload=settings.max_upload,
        max_clients=arguments.max_clients or settings.max_clients,
        part_ttl=settings.part_ttl,
        durability=settings.durability,
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
    await server.start()
    try:
        async with contextlib.AsyncExitStack() as stack:
            address = f"[{host}]:{server.port}" if ":" in host else f"{host}:{server.port}"
            how = say("encrypted") if judge.curve_server_keys() else say("plain")
            if arguments.read_only:
                how += ", " + say("read-only")
            url = None if metrics is None else await stack.enter_async_context(figures(server, *metrics))
            output.note(
                say(
                    "serving {storage} on {address}, {how}; Ctrl-C ends it",
                    storage=storage,
                    address=address,
                    how=how,
                )
            )
            output.document({"op": "serve", "host": host, "port": server.port, "storage": str(storage)})
            if url is not None:
                output.note(say("figures: {url}", url=url))
            await ended.wait()
    finally:
        await server.stop(grace=5)
    output.note(say("stopped; transfers under way go on at the next start"))


def metrics_text(stats: Mapping[str, object]) -> str:
    """The figures of a server as Prometheus reads them: what only grows has a name that says so."""
    lines: list[str] = []
    for name, value in sorted(stats.items()):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            shown, kind = (name, "gauge") if name in GAUGES else (f"{name}_total", "counter")
            lines += [f"# TYPE flaxfile_{shown} {kind}", f"flaxfile_{shown} {value}"]
    return "\n".join(lines) + "\n"


@contextlib.asynccontextmanager
async def figures(server: Server, host: str, number: int) -> AsyncGenerator[str]:
    """An HTTP server that answers GET /metrics and nothing else; gives its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(
            TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
                words = head.split(b"\r\n", 1)[0].split(b" ")
                known = len(words) == 3 and words[0] == b"GET" and words[1].split(b"?")[0] == b"/metrics"
                status = b"200 OK" if known else b"404 Not Found"
                body = metrics_text(server.stats()).encode() if known else b"only /metrics\n"
                writer.write(
                    b"HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n"
                    b"Connection: close\r\n\r\n%s" % (status, len(body), body)
                )
                await writer.drain()
        writer.close()

    try:
        listener = await asyncio.start_server(answer, host, number, limit=16 * 1024)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ConnectError(
            f"the figures cannot be served on {host}:{number}: {why}",
            hint="--metrics HOST:PORT takes another address",
            retryable=False,
        ) from error
    async with listener:
        place = listener.sockets[0].getsockname()
        yield f"http://{place[0]}:{place[1]}/metrics"
