"""What the commands that send share: a producer as the options ask for it, and an end by a signal."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.cli.connecting import address_map_of, credentials_of, name_servers_of, tls_of
from pyrocketmq.cli.problems import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from pyrocketmq.producer import Producer

__all__ = ["open_producer", "producer_options", "stopping_on_terminate"]

_LEAST_TIMEOUT_S: Final = 0.01


def producer_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings of a producer that the connection options ask for.

    Raises:
        UsageError: one of them cannot be used.
    """
    if arguments.timeout < _LEAST_TIMEOUT_S:
        raise UsageError(
            f"--timeout is {arguments.timeout:g} s, a send takes longer",
            field="timeout",
            advice=f"give at least {_LEAST_TIMEOUT_S:g}; 3 is the default",
        )
    return {
        "namesrv_addr": name_servers_of(arguments),
        "credentials": credentials_of(arguments),
        "tls": tls_of(arguments),
        "address_map": address_map_of(arguments) or None,
        "send_timeout": arguments.timeout,
        "connect_timeout": min(3.0, arguments.timeout),
        "request_timeout": arguments.timeout,
    }


@contextlib.contextmanager
def open_producer(arguments: argparse.Namespace, *, group: str) -> Generator[Producer]:
    """A started producer, which is shut down at the end."""
    from pyrocketmq.producer import Producer  # noqa: PLC0415 - not for arguments that are wrong

    with Producer(group, **producer_options(arguments)) as producer:
        yield producer


@contextlib.contextmanager
def stopping_on_terminate() -> Generator[None]:
    """SIGTERM ends what is inside as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
