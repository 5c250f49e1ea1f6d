"""The first look of a push or pull without an event loop, which costs a fifth of a start: where nothing has
changed, it is the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flaxfile.errors import FlaxError

if TYPE_CHECKING:
    from flaxfile.cli.connecting import Reach
    from flaxfile.client.link import Link
    from flaxfile.sync.looking import Found
    from flaxfile.sync.preparing import Preparation
    from flaxfile.sync.report import SyncReport

__all__ = ["Begun", "begin"]


class Begun(NamedTuple):
    """What the first look has come to."""

    link: Link
    found: Found
    report: SyncReport | None
    """Where there is nothing to do; the link is closed then."""


def begin(reach: Reach, preparation: Preparation) -> Begun | None:
    """Look at both sides; None where it takes the loop to do that."""
    looked = _look(reach, preparation)
    if looked is None:
        return None
    link, found = looked
    if not preparation.nothing_to_do(found):
        return Begun(link, found, None)
    link.close().result()
    return Begun(link, found, preparation.end())


def _look(reach: Reach, preparation: Preparation) -> tuple[Link, Found] | None:
    named = not (reach.host.replace(".", "").isdigit() or ":" in reach.host)
    if named or reach.hash_kind != "xxh3":
        return None  # a name is waited for in the loop, and so is what a server does not offer
    from flaxfile.client.link import Link  # noqa: PLC0415 - needs pyzmq
    from flaxfile.client.settings import BUFFERS_BEYOND  # noqa: PLC0415

    link = Link(
        reach.host.strip("[]"),
        reach.port,
        reach.identity,
        memory=reach.window + BUFFERS_BEYOND,
        connect_timeout=reach.connect_timeout,
        idle_timeout=reach.idle_timeout,
        rate=int(reach.bwlimit or 0),
    )
    try:
        return link, preparation.take(preparation.look(link.request), link.connected)
    except BaseException as error:
        link.close()
        connected = link.connected.done() and link.connected.exception() is None
        if isinstance(error, FlaxError) and error.retryable and connected:
            return None  # it is tried again there
        raise
