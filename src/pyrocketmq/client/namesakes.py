"""Namesakes: finds out whether another client has the id of this one, as ids that programs set may.

Brokers take clients of one id for one client, and then give it half of its queues or someone else's answers.
It only looks and tells; a random id needs no look.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import RocketMQError
from pyrocketmq.logging.repeats import RepeatedFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyrocketmq.client.brokers import BrokerLink

__all__ = ["Namesakes"]

logger = logging.getLogger(__name__)

LOG_INTERVAL_S: Final = 600.0


class Namesakes:
    """Asks brokers who else has the id of this client.

    Args:
        client_id: gives the client's name of the moment.
        groups: gives its producer groups.
        interval: seconds between two looks at one broker.
    """

    def __init__(
        self, client_id: Callable[[], str], groups: Callable[[], Iterable[str]], interval: float
    ) -> None:
        self._client_id = client_id
        self._groups = groups
        self._interval = interval
        self._looked: dict[str, float] = {}
        self._suspects: dict[str, frozenset[str]] = {}
        self._faults = RepeatedFaults(logger, interval=LOG_INTERVAL_S)

    async def look(self, link: BrokerLink) -> None:
        """Look at the clients of a broker, if it is time to, and warn of those with the id of this one."""
        now = monotonic()
        if now - self._looked.get(link.name, -self._interval) < self._interval:
            return
        self._looked[link.name] = now
        addresses = await self._addresses(link)
        # One that this client has just lost may still be listed, but hardly at the next look.
        before, self._suspects[link.name] = self._suspects.get(link.name, frozenset()), addresses
        if len(addresses & before) < 2:
            return
        self._faults.warning(
            link.name,
            "broker %s at %s has %d clients with the client id %s, at %s: it takes them for one. "
            "Give each its own client_id, or leave it out: then every client gets one of its own",
            link.name,
            link.address,
            len(addresses & before),
            self._client_id(),
            ", ".join(sorted(addresses & before)),
        )

    async def _addresses(self, link: BrokerLink) -> frozenset[str]:
        own = self._client_id()
        found: set[str] = set()
        try:
            for group in self._groups():
                clients = (await link.client.get_producer_connections(group)).connection_set
                found.update(str(one.client_addr) for one in clients if one.client_id == own)
        except RocketMQError as error:  # not every user may ask
            logger.debug("broker %s does not tell its clients: %s", link.name, error.what)
        return frozenset(found)
