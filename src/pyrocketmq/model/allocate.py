"""Strategies that divide the queues of a topic among the members of a group.

Every member computes its own share from the same sorted lists, so a strategy is a pure function and every
member must use the same one, whatever its language. A share is empty when the member is not in the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pyrocketmq._native.queuehash import ConsistentHashRing
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model.java_order import java_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyrocketmq.model.message_queue import MessageQueue

__all__ = [
    "AllocateStrategy",
    "ByConfig",
    "ByMachineRoom",
    "ConsistentHash",
    "NearbyMachineRoom",
    "allocate_average",
    "allocate_average_by_circle",
    "room_before_dash",
    "sort_client_ids",
]


class AllocateStrategy(Protocol):
    """A strategy: ``(client_id, queues, client_ids) -> the queues of this client``; both lists are sorted."""

    def __call__(
        self, client_id: str, queues: Sequence[MessageQueue], client_ids: Sequence[str], /
    ) -> list[MessageQueue]:
        """The share of ``client_id``."""
        ...


def sort_client_ids(client_ids: Iterable[str]) -> list[str]:
    """Client ids in the order all members use, that of Java strings."""
    return sorted(client_ids, key=java_order)


def allocate_average(
    client_id: str, queues: Sequence[MessageQueue], client_ids: Sequence[str], /
) -> list[MessageQueue]:
    """AVG, the default: neighbouring queues, the first members get one more."""
    if client_id not in client_ids:
        return []
    index = client_ids.index(client_id)
    share, rest = divmod(len(queues), len(client_ids))
    start = index * share + min(index, rest)
    return list(queues[start : start + share + (index < rest)])


def allocate_average_by_circle(
    client_id: str, queues: Sequence[MessageQueue], client_ids: Sequence[str], /
) -> list[MessageQueue]:
    """AVG_BY_CIRCLE: every n-th queue."""
    if client_id not in client_ids:
        return []
    return list(queues[client_ids.index(client_id) :: len(client_ids)])


class ByConfig:
    """CONFIG: a fixed share, whoever else is there.

    Args:
        queues: the queues of this client.
    """

    __slots__ = ("queues",)

    def __init__(self, queues: Iterable[MessageQueue]) -> None:
        self.queues = list(queues)

    def __call__(
        self, client_id: str, queues: Sequence[MessageQueue], client_ids: Sequence[str], /
    ) -> list[MessageQueue]:
        """The fixed share."""
        del client_id, queues, client_ids
        return list(self.queues)


class ByMachineRoom:
    """MACHINE_ROOM: only the queues of brokers named ``room@name`` in the given rooms.

    Args:
        rooms: the rooms whose queues are divided.
    """

    __slots__ = ("rooms",)

    def __init__(self, rooms: Iterable[str]) -> None:
        self.rooms = frozenset(rooms)

    def __call__(
        self, client_id: str, queues: Sequence[MessageQueue], client_ids: Sequence[str], /
    ) -> list[MessageQueue]:
        """Neighbouring queues; what is left over goes one by one to the first members."""
        if client_id not in client_ids:
            return []
        near = [queue for queue in queues if self._is_near(queue)]
        index = client_ids.index(client_id)
        share, rest = divmod(len(near), len(client_ids))
        mine = near[index * share : (index + 1) * share]
        if index < rest:
            mine.append(near[index + share * len(client_ids)])
        return mine

    def _is_near(self, queue: MessageQueue) -> bool:
        # Java's split() drops empty parts at the end, and it takes names of exactly two parts.
        parts = queue.broker_name.rstrip("@").split("@")
        return len(parts) == 2 and parts[0] in self.rooms


def room_before_dash(name: str) -> str:
    """The room of a broker or client: the part of its name before the first dash."""
    return name.partition("-")[0]


def _room_of_broker(queue: MessageQueue) -> str:
    return room_before_dash(queue.broker_name)


class NearbyMachineRoom:
    """MACHINE_ROOM_NEARBY: queues go to members in their room; rooms without members are divided among all.

    Args:
        within: the strategy used inside a room.
        room_of_queue: names the room a queue is in.
        room_of_client: names the room a client id is in.
    """

    __slots__ = ("room_of_client", "room_of_queue", "within")

    def __init__(
        self,
        within: AllocateStrategy = allocate_average,
        room_of_queue: Callable[[MessageQueue], str] | None = None,
        room_of_client: Callable[[str], str] = room_before_dash,
    ) -> None:
        self.within = within
        self.room_of_queue = room_of_queue or _room_of_broker
        self.room_of_client = room_of_client

    def __call__(
        self, client_id: str, queues: Sequence[MessageQueue], client_ids: Sequence[str], /
    ) -> list[MessageQueue]:
        """The share of the own room, then that of rooms without members."""
        if client_id not in client_ids:
            return []
        queues_by_room: dict[str, list[MessageQueue]] = {}
        for queue in queues:
            queues_by_room.setdefault(self.room_of_queue(queue), []).append(queue)
        clients_by_room: dict[str, list[str]] = {}
        for member in client_ids:
            clients_by_room.setdefault(self.room_of_client(member), []).append(member)
        room = self.room_of_client(client_id)
        mine: list[MessageQueue] = []
        if room in queues_by_room:
            mine += self.within(client_id, queues_by_room.pop(room), clients_by_room[room])
        for other in sorted(queues_by_room, key=java_order):
            if other not in clients_by_room:
                mine += self.within(client_id, queues_by_room[other], client_ids)
        return mine


class ConsistentHash:
    """CONSISTENT_HASH: few queues move when a member comes or goes.

    Args:
        virtual_nodes: points of each member on the ring; all members must use the same number.
    """

    __slots__ = ("virtual_nodes",)

    def __init__(self, virtual_nodes: int = 10) -> None:
        if virtual_nodes < 1:
            raise ConfigurationError(
                f"virtual_nodes is {virtual_nodes}, it must be at least 1",
                field="virtual_nodes",
                advice="Use 10 to share queues with Java clients.",
            )
        self.virtual_nodes = virtual_nodes

    def __call__(
        self, client_id: str, queues: Sequence[MessageQueue], client_ids: Sequence[str], /
    ) -> list[MessageQueue]:
        """The queues whose point on the ring is next before a point of this client."""
        if client_id not in client_ids:
            return []
        ring = ConsistentHashRing(client_ids, self.virtual_nodes)
        return [queue for queue in queues if ring.node_for(str(queue)) == client_id]
