"""``pyrocketmq serve``: a name server and brokers in this process, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import to_json
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.cli.values import duration, port, positive_count, size
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.server import AccessRules, EmbeddedServer, FaultRule, ServerConfig, ServerTls
from pyrocketmq.server.call import Refused
from pyrocketmq.server.store import StoreOptions
from pyrocketmq.server.topics import TopicSettings, check_topic_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncGenerator, Callable

    from pyrocketmq.cli.output import Output
    from pyrocketmq.cli.serving.showing import View

__all__ = ["configure"]

_NAME_SERVER_PORT: Final = 9876
_BROKER_PORT: Final = 10911
_EXAMPLE: Final = """\
examples:
  pyrocketmq serve
  pyrocketmq serve --brokers 2 --data /var/lib/rocketmq --fsync always
  pyrocketmq serve --port 0 --json --ready-file up.json
  pyrocketmq serve --host 0.0.0.0 --advertise 192.0.2.7
  pyrocketmq serve --topic shop:8 --fault send:delay=200ms:p=0.1 --fault pull:error=SYSTEM_BUSY:times=3

Official Java and Go clients work with it. Nothing is encrypted or checked unless --tls-cert and --acl say so.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLE
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument(
        "--port", type=port, default=_NAME_SERVER_PORT, help="of the name server; 0 takes free ones (9876)"
    )
    parser.add_argument(
        "--broker-port",
        type=port,
        help="of the first broker, the others follow (10911; a free one if --port is 0)",
    )
    parser.add_argument(
        "--advertise", metavar="IP", help="address that clients are told (default: that of --host)"
    )
    parser.add_argument("--brokers", type=positive_count, default=1, metavar="N", help="how many (1)")
    parser.add_argument("--cluster", default="DefaultCluster", help="its name (DefaultCluster)")
    parser.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="NAME[:QUEUES]",
        help="make this topic at the start; may be repeated",
    )
    parser.add_argument(
        "--no-auto-create", action="store_true", help="sends do not make topics that do not exist"
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="RULE", help="what goes wrong; may be repeated"
    )
    parser.add_argument("--ready-file", metavar="FILE", help="is written when clients can connect")
    parser.add_argument(
        "--end-with-input",
        action="store_true",
        help="end when standard input does, as a pipe does with the program that started this one",
    )
    parser.add_argument(
        "--interval",
        type=duration,
        metavar="T",
        help="time between looks at topics and rates (1s on a terminal, else 10s)",
    )
    group = parser.add_argument_group("storage")
    group.add_argument("--data", metavar="DIR", help="keep everything in this folder (default: in memory)")
    group.add_argument(
        "--fsync",
        choices=("never", "interval", "always"),
        default="interval",
        help="when the log is synced: always is before a message is acknowledged (interval)",
    )
    group.add_argument("--fsync-interval", type=duration, default=1.0, metavar="T", help="for interval (1s)")
    group.add_argument(
        "--retention-time", type=duration, metavar="T", help="how long to keep messages, as in 3d"
    )
    group.add_argument(
        "--retention-bytes", type=size, metavar="SIZE", help="how much of the log to keep, as in 10g"
    )
    group = parser.add_argument_group("security")
    group.add_argument("--acl", metavar="FILE", help="access rules, in the form of plain_acl (TOML or JSON)")
    group.add_argument("--tls-cert", metavar="FILE", help="certificate of the servers (PEM); switches TLS on")
    group.add_argument("--tls-key", metavar="FILE", help="its key (PEM)")
    group.add_argument(
        "--tls-client-ca", metavar="FILE", help="clients need a certificate of this authority (PEM)"
    )
    group.add_argument(
        "--tls-mode",
        choices=("enforcing", "permissive"),
        default="enforcing",
        help="permissive takes plain connections as well (enforcing)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    config = config_of(arguments)
    rules = [FaultRule.parse(text) for text in arguments.fault]
    topics = [_topic(text) for text in arguments.topic]
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(arguments, output, config, rules, topics))
    return Exit.DONE


def config_of(arguments: argparse.Namespace) -> ServerConfig:
    """The settings of the server.

    Raises:
        ConfigurationError: something cannot be used.
    """
    broker_port = arguments.broker_port
    if broker_port is None:
        broker_port = _BROKER_PORT if arguments.port else 0
    for option in ("fsync_interval", "retention_time", "retention_bytes"):
        if getattr(arguments, option) == 0:
            raise UsageError(f"--{option.replace('_', '-')} is 0, it must be positive", field=option)
    if arguments.data is not None and Path(arguments.data).exists() and not Path(arguments.data).is_dir():
        raise UsageError(
            f"--data {arguments.data!r} is no folder",
            field="data",
            advice="name a folder; it is made if need be",
        )
    if arguments.advertise is not None and not _is_ip(arguments.advertise):
        raise UsageError(
            f"--advertise {arguments.advertise!r} is no IP address, and message ids carry one",
            field="advertise",
            advice="give the IP address that clients reach this machine by",
        )
    return ServerConfig(
        host=arguments.host,
        port=arguments.port,
        brokers=arguments.brokers,
        broker_port=broker_port,
        cluster=arguments.cluster,
        advertised_host=arguments.advertise,
        data=None if arguments.data is None else Path(arguments.data),
        store=StoreOptions(
            fsync=arguments.fsync,
            fsync_interval=arguments.fsync_interval,
            retention_time=arguments.retention_time,
            retention_bytes=arguments.retention_bytes,
        ),
        tls=_tls(arguments),
        acl=None if arguments.acl is None else AccessRules.load(arguments.acl),
        auto_create_topics=not arguments.no_auto_create,
    )


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _tls(arguments: argparse.Namespace) -> ServerTls | None:
    if arguments.tls_cert is None:
        for option in ("tls_key", "tls_client_ca"):
            if getattr(arguments, option) is not None:
                raise UsageError(
                    f"--{option.replace('_', '-')} is given without --tls-cert",
                    field=option,
                    advice="give the servers' certificate too",
                )
        return None
    return ServerTls(
        cert_file=arguments.tls_cert,
        key_file=arguments.tls_key,
        ca_file=arguments.tls_client_ca,
        client_auth="none" if arguments.tls_client_ca is None else "required",
        mode=arguments.tls_mode,
    )


def _topic(text: str) -> TopicSettings:
    name, _, queues = text.partition(":")
    try:
        check_topic_name(name)
        number = positive_count(queues) if queues else 4
    except Refused as error:
        raise UsageError(f"--topic {text!r}: {error.remark}", field="topic") from error
    except ValueError as error:
        raise UsageError(
            f"--topic {text!r} has {queues!r} for the number of queues",
            field="topic",
            advice="write NAME or NAME:QUEUES, as in shop:8",
        ) from error
    return TopicSettings(name, number, number)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextlib.asynccontextmanager
async def _started(config: ServerConfig) -> AsyncGenerator[EmbeddedServer]:
    server = EmbeddedServer(config)
    try:
        await server.start()
    except socket.gaierror as error:
        raise UsageError(
            f"--host {config.host!r} is not known: {error.strerror}",
            field="host",
            advice="give an address of this machine",
        ) from error
    try:
        yield server
    finally:
        await server.close()


async def _serve(
    arguments: argparse.Namespace,
    output: Output,
    config: ServerConfig,
    rules: list[FaultRule],
    topics: list[TopicSettings],
) -> None:
    from pyrocketmq.cli.serving.showing import LineView, LiveView  # noqa: PLC0415 - --help needs none of it
    from pyrocketmq.cli.serving.watching import Watcher  # noqa: PLC0415

    ended = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    if arguments.end_with_input:
        threading.Thread(
            target=_await_input_end, args=(asyncio.get_running_loop(), ended), daemon=True
        ).start()
    ready = None if arguments.ready_file is None else Path(arguments.ready_file)
    async with _started(config) as server:
        for rule in rules:
            server.faults.add(rule)
        for broker in server.brokers:
            for topic in topics:
                broker.topics.put(topic)
        facts: dict[str, object] = {
            "nameserver": server.addr,
            "brokers": {broker.name: broker.address for broker in server.brokers},
            "data": None if config.data is None else str(config.data),
            "pid": os.getpid(),
        }
        if ready is not None:
            _write_whole(ready, to_json(facts) + "\n")
        view: View = LiveView(output) if output.decorated else LineView(output)
        interval = arguments.interval or (1.0 if output.decorated else 10.0)
        try:
            view.start(facts)
            watcher = Watcher(server)
            while not ended.is_set():
                view.show(watcher.look(time.monotonic()))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(interval):
                        await ended.wait()
        finally:
            view.stop()
            if ready is not None:
                ready.unlink(missing_ok=True)


def _await_input_end(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """In a thread of its own, since a file or a terminal cannot be waited for in a loop everywhere."""
    with contextlib.suppress(OSError):  # closed from the start: that is its end
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
        loop.call_soon_threadsafe(ended.set)


def _write_whole(path: Path, text: str) -> None:
    """Nobody sees half of the file: it appears with all of its content."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ConfigurationError(
            f"--ready-file {str(path)!r} cannot be written: {error.strerror}",
            field="ready_file",
            advice="name a file in a folder that you may write to",
        ) from error
